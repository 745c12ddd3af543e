"""Tables of cases for what a person sees of a file before its import."""

import json

import pytest

from app.domain.previews import QUOTED_CHARACTERS, first_rows, labels_in, likely_columns, lines_of, quoted_lines
from app.domain.tables import Table, TableLimits, read_table
from app.errors import Problem


def table(*rows: dict[str, object]) -> Table:
    data = "\n".join(json.dumps(row) for row in rows).encode()
    return read_table(data, "rows.jsonl", TableLimits())


def cycled(**columns: list[object]) -> Table:
    """Twelve rows, each column going round in its values; `text` is different in every row."""
    rows = [{name: values[number % len(values)] for name, values in columns.items()} for number in range(12)]
    return table(*({"words": f"some longer text {number}", **row} for number, row in enumerate(rows)))


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        pytest.param({"kind": ["a", "b"]}, ("words", "kind"), id="the one column of few values is the label"),
        pytest.param({"kind": ["a", "b"], "lang": ["en", "ru"]}, ("words", ""), id="of two such a person chooses"),
        pytest.param({"y": [1, 2, 3], "label": ["a", "b"]}, ("words", "label"), id="a name goes before what is held"),
        pytest.param(
            {"text": ["short"], "kind": ["a", "b"]}, ("text", "kind"), id="a named input is not outdone by length"
        ),
        pytest.param({"n": [1.5]}, None, id="one value is no label"),
        pytest.param({"kind": [["a"], ["b"]]}, None, id="lists are no labels"),
    ],
)
def test_likely_columns_are_offered_for_a_person_to_confirm(
    columns: dict[str, list[object]], expected: tuple[str, str] | None
) -> None:
    assert likely_columns(cycled(**columns)) == expected


def test_a_file_without_any_text_has_no_likely_columns() -> None:
    rows: list[dict[str, object]] = [{"n": number, "kind": number % 2} for number in range(8)]
    assert likely_columns(table(*rows)) is None


def test_labels_are_counted_by_name_with_blanks_as_one_and_empty_cells_as_none() -> None:
    rows = table({"y": "b"}, {"y": "a  c"}, {"y": " a c"}, {"y": ""}, {"y": None}, {"x": 1}, {"y": 3}, {"y": True})
    assert labels_in(rows, "y") == {"3": 1, "a c": 2, "b": 1, "true": 1}


@pytest.mark.parametrize("values", [[{"deep": 1}], ["a", "b", "c", "d"], [""]])
def test_a_column_of_objects_of_too_many_values_or_of_nothing_holds_no_labels(values: list[object]) -> None:
    assert labels_in(table(*({"y": value} for value in values)), "y", most=3) is None


def test_first_rows_are_short_texts_with_a_text_for_every_column() -> None:
    rows = first_rows(table({"a": "x" * 1000, "b": {"c": 1}}, {"a": "y"}), 2)
    assert rows[0] == {"a": "x" * 399 + "…", "b": '{"c": 1}'}
    assert rows[1] == {"a": "y", "b": ""}


@pytest.mark.parametrize(
    ("where", "lines"),
    [
        ("line 4", (4,)),
        ("line 12, column label", (12,)),
        ("lines 3, 17, 20 and 5 more", (3, 17, 20)),
        ("label", ()),
        ("lined paper", ()),
    ],
)
def test_a_problem_names_its_lines(where: str, lines: tuple[int, ...]) -> None:
    assert lines_of(where) == lines


def test_lines_are_quoted_as_far_as_they_can_be_read() -> None:
    data = b"\xef\xbb\xbffirst\r\nsec\xffond\tone\n\n" + b"x" * 5000
    problems = [Problem("is bad", where) for where in ("line 1", "line 2, column a", "lines 3, 4", "line 9")]
    quoted = quoted_lines(data, problems)
    assert quoted == {1: "first", 2: "sec�ond one", 3: "", 4: "x" * (QUOTED_CHARACTERS - 1) + "…"}
