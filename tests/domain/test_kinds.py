"""What a column of answers holds is guessed from its cells, and each kind is read or refused with its row and field."""

from typing import Any

import pytest

from app.domain.columns import Columns, Wishes, guess_columns
from app.domain.examples import ConflictingLabels, Imported, build_examples
from app.domain.kinds import guess_kind
from app.domain.rightanswers import Reference
from app.domain.setchecks import answers_of
from app.errors import Invalid
from tests.domain.test_examples import Values, table

CYCLE = 40


@pytest.mark.parametrize(
    ("name", "cells", "kind"),
    [
        ("label", ["a", "b"], "label"),
        ("label", [["a"], []], "labels"),
        ("label", [["a"], "b", "c"], "label"),
        ("labels", ["a|b", "a"], "labels"),
        ("labels", ["a; b", ""], "labels"),
        ("labels", ['["a", "b"]', "[]"], "labels"),
        ("labels", ["a", "b"], "label"),
        ("label", [{"x": True}, {"x": False}], "fields"),
        ("checklist", ['{"x": 1}', '{"x": 2}'], "fields"),
        ("reference", ["3", "64", "1,234", "$5", "7.5%"], "number"),
        ("reference", ["3", "sixty"], "text"),
        ("answer", list(range(40)), "number"),
        ("answer", [0, 1], "label"),
        ("answer", ["yes", "no"], "label"),
        ("answer", [f"the town of {n}" for n in range(40)], "text"),
        ("label", list(range(40)), "label"),
        ("reference", ["True", "(A)"], "text"),
        ("Метки", ["a|b", "a"], "labels"),
        ("метка", ["a, b", "a"], "label"),
        ("Ответ", [f"the town of {n}" for n in range(40)], "text"),
        ("правильный_ответ", list(range(40)), "number"),
        ("эталон", ["да", "нет"], "text"),
    ],
)
def test_the_kind_is_guessed_from_the_cells_and_the_name(name: str, cells: list[Any], kind: str) -> None:
    assert guess_kind(name, [cells[i % len(cells)] for i in range(CYCLE)]) == kind


def made(cells: list[Any], name: str = "labels", wishes: Wishes | None = None, **more: Any) -> tuple[Imported, Columns]:
    rows: list[Values] = [{"input": f"text number {i}", name: cells[i % len(cells)], **more} for i in range(CYCLE)]
    found = table(rows)
    columns = guess_columns(found, wishes=wishes)
    return build_examples(found, columns, "refuse"), columns


def references(imported: Imported) -> set[Reference]:
    return {example.reference for example in imported.examples}


def test_sets_are_read_from_arrays_and_from_texts_with_one_mark_for_the_column() -> None:
    assert references(made([["b", "a", "a"], []])[0]) == {("a", "b"), ()}
    assert references(made(["no, thanks|yes", "no, thanks", ""])[0]) == {("no, thanks", "yes"), ("no, thanks",), ()}
    assert references(made(["x, y", "y", '["z"]'])[0]) == {("x", "y"), ("y",), ("z",)}


def test_json_in_a_cell_is_cleaned_like_the_file_itself() -> None:
    assert references(made(['["a\\u0000b"]', '["c\\ud800"]'])[0]) == {("ab",), ("c",)}
    cells = ['{"x": "a\\u0000", "y\\udfff": true}', '{"x": "b", "y": "no"}']
    assert references(made(cells, "checklist")[0]) == {(("x", "a"), ("y", "true")), (("x", "b"), ("y", "false"))}


def test_a_checklist_is_read_from_objects_or_from_columns_and_yes_no_is_true_false() -> None:
    cells = [{"tone": "rude", "spam": True}, {"tone": "kind", "spam": False}]
    imported, columns = made(cells, "expected")
    assert references(imported) == {(("tone", "rude"), ("spam", "true")), (("tone", "kind"), ("spam", "false"))}
    answers = answers_of(columns.kind, imported.examples)
    assert [(one.name, one.values) for one in answers.fields] == [
        ("tone", ("kind", "rude")),
        ("spam", ("true", "false")),
    ]
    rows: list[Values] = [
        {"input": f"t {i}", "urgent": "yes" if i % 2 else "no", "team": "ab"[i % 3 > 1]} for i in range(40)
    ]
    found = table(rows)
    chosen = guess_columns(found, wishes=Wishes(fields=("urgent", "team")))
    assert (chosen.kind, chosen.label, chosen.answers) == ("fields", "", ("urgent", "team"))
    read = build_examples(found, chosen, "refuse")
    assert {example.label for example in read.examples} <= {
        f"urgent: {u}, team: {t}" for u in ("true", "false") for t in "ab"
    }


def test_two_columns_of_true_and_false_are_a_checklist_where_no_column_is_named_label() -> None:
    rows: list[Values] = [{"input": f"t {i}", "spam": i % 2 == 0, "rude": i % 3 == 0} for i in range(40)]
    assert guess_columns(table(rows)).fields == ("spam", "rude")


@pytest.mark.parametrize(
    ("cells", "wishes", "said"),
    [
        ([["a"], [["b"]]], None, "column labels: holds something that is not a label"),
        ([["a"], {"b": 1}], None, "column labels: is an object, not a list of labels"),
        ([["a"], None], None, "column labels: is missing; write []"),
        (["1", "two"], Wishes(kind="number"), "column labels: is not a number"),
        (["x", ""], Wishes(kind="text"), "column labels: is empty"),
        ([{"a": 1}, {"b": 1}], Wishes(kind="fields"), "column labels.b: is missing"),
        ([{"a": 1}, 7], Wishes(kind="fields"), "column labels: is not a JSON object"),
        ([["a"]], None, "every row has the same right answer"),
        (
            [[f"l{n}"] for n in range(40)] + [[f"m{n}" for n in range(30)]],
            None,
            "different labels; a set can be of at most 62",
        ),
        (["a", "b"], Wishes(kind="verdict"), "kind: the kind of answers must be one of"),
    ],
)
def test_what_cannot_be_an_answer_is_named_by_row_and_field(cells: list[Any], wishes: Wishes | None, said: str) -> None:
    rows: list[Values] = [{"input": f"text number {i}", "labels": cells[i % len(cells)]} for i in range(82)]
    found = table(rows)
    with pytest.raises(Invalid) as refused:
        build_examples(found, guess_columns(found, wishes=wishes), "refuse")
    assert said in str(refused.value)


def test_the_same_input_with_other_answers_is_a_contradiction_in_every_kind() -> None:
    rows: list[Values] = [{"input": f"text {i % 30}", "labels": ["a"] if i < 30 else ["a", "b"]} for i in range(31)]
    found = table(rows)
    with pytest.raises(ConflictingLabels) as asked:
        build_examples(found, guess_columns(found), "ask")
    assert (
        str(asked.value)
        == "lines 1, 31: the same input has different answers (a; a, b); drop these rows or correct them"
    )


def test_groups_and_times_are_found_inside_meta_and_a_person_may_want_none() -> None:
    meta = {"created_at": "2023-07-17T22:43:05Z", "group": "g"}
    columns = made(["a", "b"], "label", meta=meta)[1]
    assert (columns.group, columns.at) == ("meta.group", "meta.created_at")
    columns = made(["a", "b"], "label", Wishes(group="-", time="-"), meta=meta)[1]
    assert (columns.group, columns.at) == (None, None)


def test_a_time_that_cannot_be_read_is_named_when_the_column_was_chosen() -> None:
    rows: list[Values] = [
        {"input": f"t {i}", "label": "ab"[i % 2], "when": "2023-07-17" if i else "soon"} for i in range(30)
    ]
    found = table(rows)
    with pytest.raises(Invalid, match="line 1, column when: is not a time as the other rows have it"):
        build_examples(found, guess_columns(found, wishes=Wishes(time="when")), "refuse")
