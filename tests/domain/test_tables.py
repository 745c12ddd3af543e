"""Labelled files: what is read from good ones, and what is said of bad ones, by line and column."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.tables import Table, TableLimits, read_table
from app.errors import Invalid

LIMITS = TableLimits(max_rows=1000, max_row_bytes=200_000)


def problems(data: bytes, filename: str, limits: TableLimits = LIMITS) -> list[str]:
    with pytest.raises(Invalid) as refused:
        read_table(data, filename, limits)
    return [str(problem) for problem in refused.value.problems]


def seen(table: Table) -> list[tuple[int, dict[str, object]]]:
    return [(row.line, row.values) for row in table.rows]


READ: dict[str, tuple[bytes, str, list[tuple[int, dict[str, object]]]]] = {
    "blank lines are skipped but counted": (
        b'\n{"a": "x"}\n \n{"b": 1}\n',
        "x.jsonl",
        [(2, {"a": "x"}), (4, {"b": 1})],
    ),
    "a byte order mark is no part of a name": (b'\xef\xbb\xbf{"a": 1}', "x.jsonl", [(1, {"a": 1})]),
    "lines may end with CR LF": (b'{"a": 1}\r\n{"a": 2}\r\n', "x.jsonl", [(1, {"a": 1}), (2, {"a": 2})]),
    "lines may end with CR": (b'{"a": 1}\r{"a": 2}', "x.jsonl", [(1, {"a": 1}), (2, {"a": 2})]),
    "objects and lists stay as they are": (b'{"a": {"b": [1, null]}}', "x.jsonl", [(1, {"a": {"b": [1, None]}})]),
    "a pair of escapes is one character": (b'{"a": "\\ud83d\\ude00"}', "x.jsonl", [(1, {"a": "\U0001f600"})]),
    "an unnamed kind that begins with an object": (b'{"a": "x"}', "upload", [(1, {"a": "x"})]),
    "a line separator inside a text is no line end": (
        '{"a": "x\u2028y"}\n{"a": "z"}'.encode(),
        "x.jsonl",
        [(1, {"a": "x\u2028y"}), (2, {"a": "z"})],
    ),
    "commas": (b"a,b\n1,2\n", "x.csv", [(2, {"a": "1", "b": "2"})]),
    "semicolons, with a comma in the header": (b'a;"b, c"\n1;2\n', "x.csv", [(2, {"a": "1", "b, c": "2"})]),
    "tabs": (b"a\tb\n1\t2,3;4\n", "x.tsv", [(2, {"a": "1", "b": "2,3;4"})]),
    "a quoted line end": (
        b'a,b\n"x\ny",1\nz,2\n',
        "x.csv",
        [(2, {"a": "x\ny", "b": "1"}), (4, {"a": "z", "b": "2"})],
    ),
    "blank records, and those of commas alone": (b"\na,b\n\n,\n1,2\n", "x.csv", [(5, {"a": "1", "b": "2"})]),
    "one column": (b"a\nx\n", "x.csv", [(2, {"a": "x"})]),
    "blanks around names": (b" a , b \n1,2\n", "x.csv", [(2, {"a": "1", "b": "2"})]),
    "a cell above the reader's own limit": (
        b"a,b\n" + b"x" * 150_000 + b",y\n",
        "x.csv",
        [(2, {"a": "x" * 150_000, "b": "y"})],
    ),
}


@pytest.mark.parametrize("name", sorted(READ))
def test_good_files_are_read_with_their_line_numbers(name: str) -> None:
    data, filename, rows = READ[name]
    assert seen(read_table(data, filename, LIMITS)) == rows


def test_columns_stand_in_the_order_of_their_first_appearance() -> None:
    assert read_table(b'{"b": 1, "a": 1}\n{"c": 1, "a": 1}', "x.jsonl", LIMITS).columns == ("b", "a", "c")


@pytest.mark.parametrize(
    ("data", "filename", "value", "cleaned"),
    [
        (b'{"a": "x\\u0000y\\ud800"}', "x.jsonl", "xy", 2),
        (b'{"a": "%s\x00y"}' % (b"x" * 60), "x.jsonl", "x" * 60 + "y", 1),
        (b"a,b\n%s\x00,y\n" % (b"x" * 60), "x.csv", "x" * 60, 1),
        (b'{"a": ["\\udfff", {"\\u0000k": "\\u0000"}]}', "x.jsonl", ["", {"k": ""}], 3),
    ],
)
def test_what_no_database_keeps_is_dropped_and_counted(data: bytes, filename: str, value: object, cleaned: int) -> None:
    table = read_table(data, filename, LIMITS)
    assert (table.rows[0].values["a"], table.cleaned) == (value, cleaned)


JSON_ROW = b'{"a": 1}\n'
BAD: dict[str, tuple[bytes, str, list[str]]] = {
    "nothing": (b"", "x.csv", ["x.csv: the file is empty"]),
    "blanks": (b"\xef\xbb\xbf \r\n\t\n", "x.jsonl", ["the file is empty"]),
    "a header alone": (b"a,b\n", "x.csv", ["the file is empty: it holds no rows"]),
    "latin-1": (
        b"a,b\n1,caf\xe9\n",
        "x.csv",
        ["line 2: is not UTF-8 (byte 6 of the line is 0xE9); save the file as UTF-8"],
    ),
    "UTF-16": ("a,b\n1,2".encode("utf-16"), "x.csv", ["is UTF-16, not UTF-8 text"]),
    "UTF-16 without a mark": ("a,b\n1,2".encode("utf-16-le"), "x.csv", ["is a binary file"]),
    "a picture": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00", "x.csv", ["is a binary file"]),
    "a spreadsheet": (
        b"PK\x03\x04...",
        "x.xlsx",
        ["is a ZIP or XLSX archive, not UTF-8 text; export it as CSV or JSON Lines"],
    ),
    "an old spreadsheet": (b"\xd0\xcf\x11\xe0\xa1\xb1", "x.csv", ["is an old Excel or Word file"]),
    "an array": (
        b'[{"a": 1},\n{"a": 2}]',
        "x.json",
        ["line 1: this is one JSON array; write one object a line instead"],
    ),
    "an array under another name": (b' [{"a": 1}]', "x.jsonl", ["line 1: this is one JSON array"]),
    "an array under no name": (b'[{"a": 1}]', "upload", ["line 1: this is one JSON array"]),
    "no JSON": (JSON_ROW + b"{a: 1}\n", "x.jsonl", ["line 2: is not valid JSON: Expecting property name"]),
    "a comma after the object": (
        JSON_ROW + b'{"a": 1},',
        "x.jsonl",
        ["line 2: is not valid JSON: Extra data at character 9"],
    ),
    "a text": (JSON_ROW + b'"a"\n', "x.jsonl", ["line 2: is not a JSON object"]),
    "no number": (
        JSON_ROW + b'{"a": NaN}\n{"a": -Infinity}',
        "x.jsonl",
        ["line 2: NaN is not", "line 3: -Infinity is not"],
    ),
    "a number without end": (b'{"a": 1e999}', "x.jsonl", ["line 1: the number 1e999 is too large"]),
    "a number of 5,000 digits": (b'{"a": %s}' % (b"1" * 5000), "x.jsonl", ["line 1: "]),
    "a name twice": (b'{"a": 1, "a": 2}', "x.jsonl", ["line 1: the name a is used twice"]),
    "no name": (b'{"": 1}', "x.jsonl", ["line 1: has a column without a name"]),
    "names that differ in what is dropped": (
        b'{"a": 1, "\\u0000a": 2}',
        "x.jsonl",
        ["line 1: the name a is used twice"],
    ),
    "depth": (
        b'{"a": ' + b"[" * 60 + b"]" * 60 + b"}",
        "x.jsonl",
        ["line 1: is not valid JSON for us: nested deeper than 50"],
    ),
    "bottomless depth": (
        b'{"a": ' + b"[" * 99_000 + b"}",
        "x.jsonl",
        ["line 1: is not valid JSON for us: nested deeper"],
    ),
    "too few cells": (b'a,b\n"x\ny",1\n1\n', "x.csv", ["line 4: has 1 cells, the header has 2"]),
    "too many cells": (b"a,b\n1,2,3\n", "x.csv", ["line 2: has 3 cells, the header has 2"]),
    "a column without a name": (b"a,,b\n1,2,3\n", "x.csv", ["line 1, column 2: the column has no name"]),
    "a name twice in a header": (b"a,b, a\n1,2,3\n", "x.csv", ["line 1, column 3: the name a is used twice"]),
    "an open quote": (
        b'a,b\n1,2\n"3,4\n5,6\n',
        "x.csv",
        ["line 3: is not valid CSV: a quote that opens here is never closed"],
    ),
    "a lone quote": (
        b'a,b\n"x" y,1\n',
        "x.csv",
        ["line 2: is not valid CSV: a quote inside a quoted cell must be written twice"],
    ),
    "a large line": (
        b'{"a": "%s"}\n' % (b"x" * 200_000),
        "x.jsonl",
        ["line 1: is larger than 200 kB, the most that one example"],
    ),
    "a line large in bytes alone": (('{"a": "' + "я" * 110_000 + '"}').encode(), "x.jsonl", ["line 1: is larger"]),
    "a large record": (b"a,b\n1,2\n" + b"x" * 250_000 + b",y\n", "x.csv", ["line 3: is larger than 200 kB"]),
    "a large record in quotes": (b'a,b\n"' + b"x\n" * 400_000 + b'",y\n', "x.csv", ["line 2: is larger than 200 kB"]),
}


@pytest.mark.parametrize("name", sorted(BAD))
def test_bad_files_are_refused_with_what_is_wrong_where(name: str) -> None:
    data, filename, said = BAD[name]
    found = problems(data, filename)
    for message, expected in zip(found, said, strict=False):
        assert expected in message
    assert len(found) >= len(said)


def test_all_bad_lines_are_named_at_once_and_a_long_list_ends_with_its_count() -> None:
    found = problems(b"a,b\n" + b"1\n1,2\n" * 130, "x.csv")
    assert found[:3] == [f"line {line}: has 1 cells, the header has 2" for line in (2, 4, 6)]
    assert (len(found), found[-1]) == (101, "and 30 more problems")


def test_reading_goes_on_after_a_record_that_cannot_be_read() -> None:
    found = problems(b'a,b\n"x" y,1\n1,2\n1\n', "x.csv")
    assert [message.split(":")[0] for message in found] == ["line 2", "line 4"]


def test_more_rows_than_allowed_are_refused() -> None:
    assert problems(JSON_ROW * 1001, "x.jsonl") == ["x.jsonl: more than 1000 rows; split the file"]
    assert len(read_table(JSON_ROW * 1000, "x.jsonl", LIMITS).rows) == 1000


@pytest.mark.parametrize("head", [b'{"a": "', b"a,b\n", b'a,b\n"'])
def test_a_row_of_five_megabytes_is_refused_quickly(head: bytes) -> None:
    began = time.process_time()
    assert "is larger than 200 kB" in problems(head + b"x" * 5_000_000, "x.csv" if head[:1] == b"a" else "x.jsonl")[0]
    assert time.process_time() - began < 1.0


MARKS = st.sampled_from(
    [b"\n", b"\r", b'"', b",", b";", b"\t", b"{", b"}", b"[", b"\x00", b"\xff", b"\\ud800", b":", b" ", b"1e999"]
)
GOOD = [
    b"\n".join(
        json.dumps({"id": i, "input": f"text {i}", "label": "ab"[i % 2], "meta": {"k": [i]}}).encode() for i in range(8)
    ),
    b"id;text;label\n" + b"".join(b'%d;"one\n""two"" %d";a\n' % (i, i) for i in range(8)),
]


@st.composite
def mutated_files(draw: st.DrawFn) -> bytes:
    data = draw(st.sampled_from(GOOD))
    for _ in range(draw(st.integers(1, 6))):
        first = draw(st.integers(0, len(data)))
        last = draw(st.integers(first, min(len(data), first + 20)))
        data = data[:first] + draw(MARKS | st.binary(max_size=4)) + data[last:]
    return data


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400) | mutated_files(), st.sampled_from(["x.csv", "x.tsv", "x.jsonl", "x.json", "upload"]))
def test_any_bytes_give_a_table_or_a_reason(data: bytes, filename: str) -> None:
    try:
        table = read_table(data, filename, TableLimits(max_rows=5, max_row_bytes=100))
    except Invalid as refused:
        assert all(problem.message for problem in refused.problems)  # noqa: PT017 - either a table or a reason
    else:
        assert table.rows
        assert all(set(row.values) <= set(table.columns) for row in table.rows)
        json.dumps([row.values for row in table.rows], allow_nan=False).encode()
