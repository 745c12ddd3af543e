"""Every method must reproduce the figures of the reference tables within their tolerance, and a wrong figure is seen."""

import json
import os
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from tests.reference.__main__ import check, exit_code, main
from tests.reference.entries import NAME, Entry, WrongShape, read, reference_file
from tests.reference.matching import match
from tests.reference.methods import HELD, METHODS, NOT_YET

FILE = reference_file()
ENTRIES = read(FILE) if FILE else []
OFFERED = [pytest.param(entry, id=f"{entry.place} {entry.method}") for entry in ENTRIES if entry.method in METHODS]
IN_OTHER_UNITS = ("elo_scale_1000", "n")
ASKS = ("discordance", "delta")  # inputs that stand among the expected figures
MCNEMAR = {"table_rows_A_correct_wrong_cols_B": [[40, 5], [15, 40]]}


def _entry(method: str, given: dict[str, Any], expected: dict[str, Any], **others: object) -> dict[str, Any]:
    return {"method": method, "library": "", "input": given, "expected": expected, "tolerance": 1e-6, **others}


def _written(folder: Path, content: object) -> str:
    path = folder / "table.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return str(path)


def test_every_reference_method_is_reproduced_or_named_as_not_yet() -> None:
    if FILE is None:
        reason = f"no {NAME}: name it in AGON_TEST_REFERENCE or put it into shared/design beside or in the checkout"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    assert {entry.method for entry in ENTRIES} == METHODS.keys() | HELD.keys() | NOT_YET.keys()
    assert not (METHODS.keys() | HELD.keys()) & NOT_YET.keys()
    assert not METHODS.keys() & HELD.keys()


@pytest.mark.parametrize(
    "entry", [pytest.param(entry, id=f"{entry.place} {entry.method}") for entry in ENTRIES if entry.method in HELD]
)
def test_the_figures_that_are_held_are_reproduced(entry: Entry) -> None:
    checked = check(entry)
    assert checked.status == "ok", checked.line


@pytest.mark.parametrize("entry", OFFERED)
def test_the_reference_figures_are_reproduced(entry: Entry) -> None:
    checked = check(entry)
    assert checked.status == "ok", checked.line
    assert "not compared" not in checked.why


@pytest.mark.parametrize("entry", OFFERED)
def test_each_figure_that_is_off_is_seen(entry: Entry) -> None:
    found = METHODS[entry.method](entry.given, entry.wanted)
    for wrong in _each_figure_moved(entry.wanted, entry.tolerance):
        assert match(found, wrong, entry.tolerance).different


def _each_figure_moved(wanted: Any, tolerance: float) -> Iterator[Any]:
    """The expected figures with one of them changed by 3 tolerances, or by more where they are in other units."""
    for path in list(_paths(wanted)):
        moved = deepcopy(wanted)
        place = moved
        for step in path[:-1]:
            place = place[step]
        unit = 500.0 if path[0] in IN_OTHER_UNITS else 1.0
        place[path[-1]] += max(3 * tolerance, 1e-8 * abs(place[path[-1]])) * unit + (path[-1] == "n_formula") * 5
        yield moved


def _paths(value: Any) -> Iterator[tuple[Any, ...]]:
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        if isinstance(inner, int | float) and step not in ASKS:
            yield (step,)
        yield from ((step, *rest) for rest in _paths(inner))


def test_a_line_an_entry_and_the_missing_methods_with_their_reasons(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = [
        _entry("mcnemar", MCNEMAR, {"exact_two_sided": 0.04138946533, "yule_q": 1.0}),
        _entry("mcnemar", MCNEMAR, {"yule_q": 1.0}),
        _entry("fleiss_kappa", {}, {"kappa": 1}),
        _entry("tea_leaves", {}, {"kappa": 1}),
        _entry("evalue.sequential_mcnemar.beta_mixture_one_sided", {"wins": 1, "losses": 0, "prior": "beta(2,2)"}, {}),
    ]
    assert main([_written(tmp_path, table)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "ok             0 mcnemar: exact_two_sided; not compared: yule_q"
    assert said[1].startswith("not compared   1 mcnemar: nothing that is expected is known here")
    assert said[2].startswith("not offered    2 fleiss_kappa: agreement between people")
    assert "beta(2,2)" in said[4]
    assert said[6] == "Not implemented:"
    assert "  tea_leaves: no method of this name is known here" in said


def test_a_mismatch_ends_with_1_and_says_both_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([_written(tmp_path, [_entry("mcnemar", MCNEMAR, {"acc_diff_A_minus_B": 0.1})])]) == 1
    assert "MISMATCH" in (said := capsys.readouterr().out)
    assert "acc_diff_A_minus_B is -0.1, wanted is 0.1 (tolerance 1e-06)" in said


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("no json", "is not JSON"),
        ({"entries": []}, "holds an object; needed is a list"),
        ([], "nothing to check"),
        ([3], "entry 0 is a number"),
        ([_entry("mcnemar", {}, {}), {"method": "mcnemar"}], 'entry 1: "input" must be an object'),
        ([_entry("mcnemar", {}, {}) | {"expected": [1]}], '"expected" must be an object, and is a list'),
        ([_entry("mcnemar", {}, {}) | {"tolerance": None}], '"tolerance" must be a number'),
        ([_entry("mcnemar", {}, {}) | {"tolerance": -1}], '"tolerance" must be at least 0'),
    ],
)
def test_another_shape_is_said_and_ends_with_2(
    content: object, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([_written(tmp_path, content)]) == 2
    assert message in capsys.readouterr().err


def test_a_file_that_is_not_there_is_said() -> None:
    with pytest.raises(WrongShape, match="cannot be read"):
        read(Path("nowhere.json"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "the input lacks 'table_rows_A_correct_wrong_cols_B'"),
        ({"table_rows_A_correct_wrong_cols_B": 3}, "the input cannot be used"),
    ],
)
def test_an_input_of_another_shape_is_said_and_ends_with_2(given: dict[str, Any], message: str) -> None:
    checked = check(Entry(0, "mcnemar", given, {"exact_two_sided": 1.0}, 1e-6))
    assert message in checked.line
    assert exit_code([checked]) == 2


# the first by scipy's binomtest, the others by hand
@pytest.mark.parametrize(
    ("method", "given", "expected"),
    [
        ("wilson_interval", {"successes": 8, "n": 10, "conf": 0.9}, {"wilson": [0.540793, 0.931442]}),
        ("evalue.grid_betting.H0_diff_ge_delta", {"wins": 1, "losses": 2, "lambdas": [0.5]}, {"e_value": 1.125}),
        ("power.mde", {"alpha": 0.1, "power": 0.5, "discordance": 0.2}, {"mde": {"400": 0.036780}}),
        ("multilabel.metrics", {"y": [[1, 0]], "pred": [[1, 1]]}, {"f2_micro": 5 / 6, "micro_precision": 0.5}),
        ("multiclass.metrics", {"y": [0, 0], "pred": [0, 1]}, {"macro_f1": 1 / 3, "weighted_recall": 0.5}),
        ("permutation.paired.mean_diff", {"a": [1] * 30, "b": [0] * 30}, {"p_two_sided": 2**-29}),
    ],
)
def test_parameters_and_other_keys_are_honoured(method: str, given: dict[str, Any], expected: dict[str, Any]) -> None:
    checked = check(Entry(0, method, given, expected, 1e-6))
    assert checked.status == "ok", checked.line
