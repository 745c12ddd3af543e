"""From a file's bytes to splits: every bad row named, repeats dropped, groups whole, labels spread."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.examples import ConflictingLabels, Imported, build_examples, guess_columns
from app.domain.overlap import copied_gram, forbidden_grams
from app.domain.splits import Placement, SplitItem, split
from app.domain.tables import TableLimits, read_table
from app.errors import Invalid

LIMITS = TableLimits(max_rows=1000, max_row_bytes=2000)


def lines(rows: Sequence[Mapping[str, object]]) -> bytes:
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()


def good_rows(count: int = 30) -> list[dict[str, object]]:
    return [{"input": f"text number {i}", "label": "ab"[i % 2]} for i in range(count)]


def imported(rows: Sequence[Mapping[str, object]], on_conflict: str = "refuse") -> Imported:
    table = read_table(lines(rows), "x.jsonl", LIMITS)
    return build_examples(table, guess_columns(table), on_conflict)


BAD_FILES = {
    "empty": (b"", "x.csv", "empty"),
    "only blanks": (b" \n\n", "x.jsonl", "empty"),
    "latin-1": ("input,label\ncaf\xe9,a\n".encode("latin-1"), "x.csv", "line 2: is not UTF-8"),
    "archive": (b"PK\x03\x04rest", "x.xlsx", "XLSX"),
    "no json": (b'{"input": "a", "label": "b"}\nhello\n', "x.jsonl", "line 2: is not valid JSON"),
    "no object": (b"[1, 2]", "x.json", "one JSON array"),
    "a list on a line": (b'{"input": "a"}\n[1]\n', "x.jsonl", "line 2: is not a JSON object"),
    "not a number": (b'{"input": NaN, "label": "a"}', "x.jsonl", "NaN"),
    "too few cells": (b"input,label\na\n", "x.csv", "line 2: has 1 cells, the header has 2"),
    "doubled header": (b"input,input\na,b\n", "x.csv", "line 1, column 2: the name input is used twice"),
    "nameless column": (b"input,,label\na,b,c\n", "x.csv", "line 1, column 2: the column has no name"),
    "open quote": (b'input,label\n"a,b\n', "x.csv", "not valid CSV"),
    "huge row": (b'{"input": "' + b"x" * 5_000_000 + b'"}', "x.jsonl", "line 1: is larger than 2 kB"),
    "huge cell": (b"input,label\n" + b"x" * 5_000_000 + b",a\n", "x.csv", "line 2: is larger than 2 kB"),
    "too many rows": (b'{"input": "a"}\n' * 1001, "x.jsonl", "more than 1000 rows"),
}


@pytest.mark.parametrize("name", sorted(BAD_FILES))
def test_a_bad_file_is_refused_with_what_is_wrong_and_where(name: str) -> None:
    data, filename, says = BAD_FILES[name]
    with pytest.raises(Invalid) as refused:
        read_table(data, filename, LIMITS)
    assert says in str(refused.value)


BAD_ROWS: dict[str, tuple[list[dict[str, object]], str]] = {
    "no label column": ([{"input": "a", "note": "b"}], "no column looks like the label"),
    "missing input": ([*good_rows(), {"label": "a"}], "line 31, column input: is missing"),
    "empty input": ([*good_rows(), {"input": "  ", "label": "a"}], "line 31, column input: is empty"),
    "input no text": ([*good_rows(), {"input": 5, "label": "a"}], "line 31, column input: is not text"),
    "empty label": ([*good_rows(), {"input": "x", "label": ""}], "line 31, column label: is empty"),
    "label a list": ([*good_rows(), {"input": "x", "label": ["a"]}], "line 31, column label: is not one label"),
    "long label": ([*good_rows(), {"input": "x", "label": "y" * 201}], "too long for a label"),
    "one label": ([{"input": f"t{i}", "label": "same"} for i in range(30)], "every row has the label same"),
    "few rows": (good_rows(10), "only 10 usable rows"),
    "free text": ([{"input": f"t{i}", "label": f"answer {i}"} for i in range(30)], "looks like free text"),
    "alike labels": ([*good_rows(), {"input": "x", "label": "A."}], "would be read as the same label"),
    "ids twice": ([{**row, "id": "same"} for row in good_rows()], "the id same is used 30 times"),
}


@pytest.mark.parametrize("name", sorted(BAD_ROWS))
def test_bad_rows_are_named_by_line_and_column(name: str) -> None:
    rows, says = BAD_ROWS[name]
    with pytest.raises(Invalid) as refused:
        imported(rows)
    assert says in str(refused.value)


def test_every_bad_row_is_named_at_once_and_a_long_list_ends_with_its_count() -> None:
    bad: list[dict[str, object]] = [{"input": "", "label": "a"}] * 150
    with pytest.raises(Invalid) as refused:
        imported([*good_rows(), *bad])
    assert len(refused.value.problems) == 101
    assert "and 50 more" in refused.value.problems[-1].message


def test_repeats_are_dropped_and_counted_and_contradictions_are_asked_about() -> None:
    rows: list[dict[str, object]] = [*good_rows(), good_rows()[0], {"input": "text number 1", "label": "a"}]
    with pytest.raises(ConflictingLabels) as asked:
        imported(rows, "ask")
    assert asked.value.groups == ((2, 32),)
    with pytest.raises(Invalid, match="lines 2, 32"):
        imported(rows, "refuse")
    kept = imported(rows, "drop")
    assert (len(kept.examples), kept.duplicates_dropped, kept.conflicts_dropped) == (29, 1, 2)


def test_numbers_and_truth_values_are_labels_and_cleaned_characters_are_counted() -> None:
    rows: list[dict[str, object]] = [{"input": f"t\0{i}", "label": i % 2 == 0} for i in range(30)]
    found = imported(rows)
    assert {example.label for example in found.examples} == {"true", "false"}
    assert found.cleaned == 30


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_csv_with_any_usual_mark_and_a_byte_order_mark_is_read(mark: str) -> None:
    body = f'\ufeffText{mark}Category\n"two\nlines"{mark}a\nplain{mark}b\n'
    table = read_table(body.encode(), "x.csv", LIMITS)
    columns = guess_columns(table)
    assert (columns.input, columns.label) == ("Text", "Category")
    assert [(row.line, row.values["Text"]) for row in table.rows] == [(2, "two\nlines"), (4, "plain")]


def test_a_placeholder_without_a_column_is_refused_and_one_with_a_column_becomes_a_variable() -> None:
    table = read_table(lines([{**row, "lang": "en"} for row in good_rows()]), "x.jsonl", LIMITS)
    assert guess_columns(table, wanted_variables=("lang",)).variables == ("lang",)
    with pytest.raises(Invalid, match="no such column"):
        guess_columns(table, wanted_variables=("tone",))


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_no_file_breaks_the_reader_otherwise_than_by_a_message(data: bytes) -> None:
    for filename in ("x.csv", "x.jsonl"):
        try:
            table = read_table(data, filename, LIMITS)
            build_examples(table, guess_columns(table), "refuse")
        except Invalid as refused:
            assert refused.problems  # noqa: PT017 - either a table or a reason


def items(count: int, labels: int, groups: int, seed: int) -> list[SplitItem]:
    rng = Random(seed)
    return [
        SplitItem(f"k{i}", f"l{rng.randrange(labels)}", f"g{rng.randrange(groups)}" if groups else None, i)
        for i in range(count)
    ]


def by_key(placements: list[Placement]) -> dict[str, str]:
    return {placement.key: placement.split for placement in placements}


@settings(max_examples=60, deadline=None)
@given(st.integers(20, 500), st.integers(2, 6), st.sampled_from([0, 12, 80]), st.integers(0, 5))
def test_every_item_is_placed_once_groups_stay_whole_and_order_does_not_matter(
    count: int, labels: int, groups: int, seed: int
) -> None:
    made = items(count, labels, groups, seed)
    placed = split(made, seed)
    assert sorted(by_key(placed)) == sorted(item.key for item in made)
    for name in ("train", "dev", "holdout"):
        positions = sorted(p.position for p in placed if p.split == name)
        assert positions == list(range(len(positions)))
    where = by_key(placed)
    for group in {item.group for item in made} - {None}:
        assert len({where[item.key] for item in made if item.group == group}) == 1
    shuffled = made[:]
    Random(seed).shuffle(shuffled)
    assert sorted(map(repr, split(shuffled, seed))) == sorted(map(repr, placed))
    assert sum(p.split == "dev" for p in placed) <= 300


@pytest.mark.parametrize(
    ("count", "sizes"), [(1000, (500, 300, 200)), (2000, (1300, 300, 400)), (100, (40, 35, 25)), (50, (25, 25, 0))]
)
def test_splits_have_the_promised_sizes_and_label_shares(count: int, sizes: tuple[int, int, int]) -> None:
    made = [SplitItem(f"k{i}", "rare" if i % 10 == 0 else "common", None, i) for i in range(count)]
    placed = split(made, 0)
    found = Counter(p.split for p in placed)
    for name, size in zip(("train", "dev", "holdout"), sizes, strict=True):
        assert abs(found[name] - size) <= 2
        if size:
            rare = sum(p.split == name and int(p.key[1:]) % 10 == 0 for p in placed)
            assert abs(rare / found[name] - 0.1) < 0.03


def test_every_prefix_of_a_split_has_nearly_the_shares_of_the_whole() -> None:
    made = [SplitItem(f"k{i}", f"l{i % 4}", None, i) for i in range(1000)]
    order = sorted((p.position, int(p.key[1:]) % 4) for p in split(made, 3) if p.split == "dev")
    for prefix in (50, 100, 150, 200):
        assert all(abs(n / prefix - 0.25) < 0.04 for n in Counter(label for _, label in order[:prefix]).values())


def test_eight_copied_words_are_found_unless_a_train_example_holds_them() -> None:
    secret = "one two three four five six seven eight nine"
    forbidden = forbidden_grams(["three four five six seven eight nine ten"], [secret, "too short"])
    assert copied_gram("Say: One, two three FOUR five six seven eight!", forbidden) == (
        "One two three FOUR five six seven eight"
    )
    assert copied_gram("one two three four five six seven", forbidden) is None
    assert copied_gram("three four five six seven eight nine ten", forbidden) is None
