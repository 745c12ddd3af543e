"""Labelled files: JSON Lines and CSV in, rows with their line numbers out, or every problem at once."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from app.domain.prompts import clean
from app.errors import Invalid, Problem

LISTED = 100
_MAGIC = {b"PK\x03\x04": "a ZIP or XLSX archive", b"%PDF": "a PDF", b"\x1f\x8b": "a gzip archive"}


@dataclass(frozen=True)
class TableLimits:
    max_rows: int = 100_000
    max_row_bytes: int = 200_000


@dataclass(frozen=True)
class Row:
    """`line` is the 1-based line of the file where the row begins."""

    line: int
    values: dict[str, Any]


@dataclass(frozen=True)
class Table:
    """Columns in order of first appearance; `cleaned` counts characters that no database keeps and were dropped."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    cleaned: int


class _Problems:
    """Collects what is wrong, and raises it all together; a long list is cut with its count."""

    def __init__(self) -> None:
        self._found: list[Problem] = []
        self._more = 0

    def add(self, message: str, where: str) -> None:
        if len(self._found) < LISTED:
            self._found.append(Problem(message, where))
        else:
            self._more += 1

    def settle(self) -> None:
        if self._more:
            self._found.append(Problem(f"and {self._more} more problems of this kind"))
        if self._found:
            raise Invalid(self._found)


def read_table(data: bytes, filename: str, limits: TableLimits) -> Table:
    """The rows of a file. Raises Invalid naming every bad line and column, and what to do."""
    text = _decoded(data, filename)
    cleaner = _Cleaner()
    read = _csv_rows if _is_csv(text, filename) else _json_rows
    problems = _Problems()
    rows = []
    for row in read(text, limits, problems):
        rows.append(Row(row.line, cleaner.clean(row.values)))
        if len(rows) > limits.max_rows:
            raise Invalid([Problem(f"more than {limits.max_rows} rows; split the file", filename)])
    problems.settle()
    if not rows:
        raise Invalid([Problem("the file is empty: it holds no rows", filename)])
    columns = dict.fromkeys(name for row in rows for name in row.values)
    return Table(tuple(columns), tuple(rows), cleaner.dropped)


def _decoded(data: bytes, filename: str) -> str:
    if not data.strip():
        raise Invalid([Problem("the file is empty", filename)])
    for magic, what in _MAGIC.items():
        if data.startswith(magic):
            raise Invalid([Problem(f"is {what}, not text; export it as CSV or JSON Lines in UTF-8", filename)])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = data.count(b"\n", 0, fault.start) + 1
        message = f"is not UTF-8 (byte {fault.start}); save the file as UTF-8 and try again"
        raise Invalid([Problem(message, f"line {line}")]) from None


def _is_csv(text: str, filename: str) -> bool:
    if filename.lower().endswith((".jsonl", ".ndjson", ".json")):
        return False
    return filename.lower().endswith((".csv", ".tsv")) or not text.lstrip().startswith("{")


class _Cleaner:
    """Drops NUL and lone surrogates from every text, however deep, and counts them."""

    def __init__(self) -> None:
        self.dropped = 0

    def clean(self, value: dict[str, Any]) -> dict[str, Any]:
        return {self._text(name): self._value(inner) for name, inner in value.items()}

    def _text(self, text: str) -> str:
        cleaned, dropped = clean(text)
        self.dropped += dropped
        return cleaned

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, dict):
            return self.clean(value)
        if isinstance(value, list):
            return [self._value(inner) for inner in value]
        return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name is used twice")
    return made


def _json_rows(text: str, limits: TableLimits, problems: _Problems) -> Iterator[Row]:
    if text.lstrip().startswith("["):
        raise Invalid([Problem("this is one JSON array; write one object a line instead (JSON Lines)", "line 1")])
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"line {number}"
        if _too_large(line, limits):
            problems.add(_size_message(limits), where)
            continue
        try:
            value = json.loads(line, parse_constant=_refuse_constant, object_pairs_hook=_unique)
        except (ValueError, RecursionError) as fault:
            problems.add(f"is not valid JSON: {str(fault)[:120]}", where)
            continue
        if isinstance(value, dict):
            yield Row(number, value)
        else:
            problems.add("is not a JSON object", where)


def _too_large(text: str, limits: TableLimits) -> bool:
    return len(text) > limits.max_row_bytes or len(text.encode("utf-8", "surrogatepass")) > limits.max_row_bytes


def _size_message(limits: TableLimits) -> str:
    return f"is larger than {limits.max_row_bytes // 1000} kB, the most that one example may have"


def _csv_rows(text: str, limits: TableLimits, problems: _Problems) -> Iterator[Row]:
    csv.field_size_limit(max(limits.max_row_bytes * 2, 131_072))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    records = _records(reader, problems, limits)
    first = next(records, None)
    if first is None:
        return
    names = [name.strip() for name in first[1]]
    _check_header(names, problems)
    for line, cells in records:
        if len(cells) != len(names):
            problems.add(f"has {len(cells)} cells, the header has {len(names)}", f"line {line}")
        elif _too_large("".join(cells), limits):
            problems.add(_size_message(limits), f"line {line}")
        else:
            yield Row(line, dict(zip(names, cells, strict=True)))


def _delimiter(text: str) -> str:
    header = text.split("\n", 1)[0]
    return max(",;\t", key=lambda mark: (header.count(mark), mark == ","))


def _records(reader: Any, problems: _Problems, limits: TableLimits) -> Iterator[tuple[int, list[str]]]:
    """(first line, cells) of each record that is not blank; stops at a fault of the format."""
    step: Callable[[], list[str]] = reader.__next__
    while True:
        line = reader.line_num + 1
        try:
            cells = step()
        except StopIteration:
            return
        except csv.Error as fault:
            large = "field larger" in str(fault)
            problems.add(_size_message(limits) if large else f"is not valid CSV: {fault}", f"line {line}")
            return
        if any(cell.strip() for cell in cells):
            yield line, cells


def _check_header(names: list[str], problems: _Problems) -> None:
    for place, name in enumerate(names, start=1):
        if not name:
            problems.add("the column has no name", f"line 1, column {place}")
        elif names.index(name) != place - 1:
            problems.add(f"the name {name} is used twice", f"line 1, column {place}")
