"""Labelled files: JSON Lines and CSV in, rows with their line numbers out, or every problem at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.domain.csvrows import csv_rows
from app.domain.findings import Findings
from app.domain.jsonlines import json_rows, without_lost
from app.errors import Invalid, Problem

_MAGIC = {
    b"PK\x03\x04": "a ZIP or XLSX archive",
    b"\xd0\xcf\x11\xe0": "an old Excel or Word file",
    b"%PDF": "a PDF",
    b"\x1f\x8b": "a gzip archive",
    b"PAR1": "a Parquet file",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
_BEGINNING = 8192
_ADVICE = "export it as CSV or JSON Lines in UTF-8"


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


def read_table(data: bytes, filename: str, limits: TableLimits) -> Table:
    """The rows of a file. Raises Invalid naming every bad line and column, and what to do."""
    text = _decoded(data, filename)
    findings = Findings()
    lost: list[int] = []
    rows = []
    for line, values in _rows(text, filename, limits, findings, lost):
        rows.append(Row(line, values))
        if len(rows) > limits.max_rows:
            raise Invalid([Problem(f"more than {limits.max_rows} rows; split the file", filename)])
    findings.settle()
    if not rows:
        raise Invalid([Problem("the file is empty: it holds no rows", filename)])
    columns = dict.fromkeys(name for row in rows for name in row.values)
    return Table(tuple(columns), tuple(rows), sum(lost))


def _rows(
    text: str, filename: str, limits: TableLimits, findings: Findings, lost: list[int]
) -> Iterator[tuple[int, dict[str, Any]]]:
    if _is_csv(text, filename):
        return csv_rows(without_lost(text, lost.append), limits.max_row_bytes, findings)
    return json_rows(text, limits.max_row_bytes, findings, lost.append)


def _decoded(data: bytes, filename: str) -> str:
    for magic, what in _MAGIC.items():
        if data.startswith(magic):
            raise Invalid([Problem(f"is {what}, not UTF-8 text; {_ADVICE}", filename)])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise Invalid([_not_utf8(data, fault, filename)]) from None
    if data[:_BEGINNING].count(0) * 50 > len(data[:_BEGINNING]):
        raise Invalid([_binary(filename)])
    if not text.strip():
        raise Invalid([Problem("the file is empty", filename)])
    return text


def _not_utf8(data: bytes, fault: UnicodeDecodeError, filename: str) -> Problem:
    if 0 in data[:_BEGINNING]:
        return _binary(filename)
    line = data.count(b"\n", 0, fault.start) + 1
    place = fault.start - data.rfind(b"\n", 0, fault.start)
    message = (
        f"is not UTF-8 (byte {place} of the line is 0x{data[fault.start]:02X}); save the file as UTF-8 and try again"
    )
    return Problem(message, f"line {line}")


def _binary(filename: str) -> Problem:
    return Problem(f"is a binary file, not text; {_ADVICE}", filename)


def _is_csv(text: str, filename: str) -> bool:
    """By the file's name; where that does not tell, JSON begins with a bracket."""
    name = filename.lower()
    if name.endswith((".jsonl", ".ndjson", ".json")):
        return False
    return name.endswith((".csv", ".tsv")) or not text.lstrip().startswith(("{", "["))
