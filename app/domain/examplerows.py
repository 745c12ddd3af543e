"""From one row of a file to one example, or everything that is wrong with the row."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from app.domain.cells import absence, absent, cell, plain
from app.domain.columns import Columns
from app.domain.findings import Findings
from app.domain.references import expected
from app.domain.rightanswers import (
    Reference,
    Unusable,
    in_words,
    read_fields,
    read_label,
    read_number,
    read_set,
    read_text,
)
from app.domain.tables import Row, Table
from app.domain.times import Reader, commonest_reader, time_reader
from app.errors import Invalid

LONGEST_NAME = 500

_canonical = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode


@dataclass(frozen=True)
class Example:
    """`key` is the hash of input and variables: what a model sees, wherever the row stood. `line` is 0 for none."""

    key: str
    input: str
    variables: Mapping[str, str]
    reference: Reference
    group: str | None = None
    external_id: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    line: int = 0
    at: datetime | None = None

    @property
    def text(self) -> str:
        """All that a model sees of it: the input and, by name, the variables that do not repeat it."""
        others = (self.variables[name] for name in sorted(self.variables))
        return "\n".join([self.input, *(value for value in others if value != self.input)])

    @property
    def label(self) -> str:
        """The right answer in words."""
        return in_words(self.reference)

    @property
    def identity(self) -> str:
        """The right answer as a text that no other answer has."""
        return self.reference if isinstance(self.reference, str) else _canonical(self.reference)


class RowReader:
    """Reads the rows of one table; what is wrong with the time column as a whole is found at once."""

    def __init__(self, table: Table, columns: Columns, findings: Findings) -> None:
        self._columns, self._findings = columns, findings
        self._time = self._time_reader(table)

    def _time_reader(self, table: Table) -> Reader | None:
        if self._columns.at is None:
            return None
        values = [cell(row.values, self._columns.at) for row in table.rows]
        reader, why = time_reader(values)
        if why:
            self._findings.add(why, f"column {self._columns.at}")
        return reader or (None if why else commonest_reader(values))

    def example(self, row: Row) -> Example | None:
        """None where a row is bad; the findings then say why."""
        columns, found = self._columns, list(self._problems(row))
        reference = None
        try:
            reference = reference_of(row.values, columns)
        except Unusable as fault:
            found.insert(sum(column == columns.input for _, column in found), (str(fault), fault.column))
        for message, column in found:
            self._findings.add(message, f"line {row.line}, column {column}")
        if found or reference is None:
            return None
        text = row.values[columns.input].strip()
        variables = {name: plain(cell(row.values, name)) for name in columns.variables}
        group, external = (_optional(row, name) for name in (columns.group, columns.id))
        meta = {name: row.values[name] for name in columns.meta if name in row.values}
        return Example(
            key_of(text, variables), text, variables, reference, group, external, meta, row.line, self._at(row)
        )

    def _at(self, row: Row) -> datetime | None:
        value = cell(row.values, self._columns.at) if self._columns.at else None
        return self._time(value) if self._time and not absent(value) else None

    def _problems(self, row: Row) -> Iterator[tuple[str, str]]:
        """(what is wrong, the column) of everything wrong in a row but its right answer, the input first."""
        columns, text = self._columns, row.values.get(self._columns.input)
        if absent(text) or not isinstance(text, str):
            yield absence(text) or "is not text", columns.input
        yield from _other_problems(row, columns)
        if self._time and columns.at and not absent(cell(row.values, columns.at)) and self._at(row) is None:
            yield "is not a time as the other rows have it; ISO 8601 is read always", columns.at


def _other_problems(row: Row, columns: Columns) -> Iterator[tuple[str, str]]:
    for name in columns.variables:
        value = cell(row.values, name)
        if value is None or not isinstance(value, str | int | float):
            yield "is missing" if value is None else "is not text or a number, as a placeholder needs", name
    for column in filter(None, (columns.id, columns.group)):
        value = cell(row.values, column)
        if not isinstance(value, str | int | float | None):
            yield "is not text or a number", column
        elif len(plain(value)) > LONGEST_NAME:
            yield f"is longer than {LONGEST_NAME} characters", column


def reference_of(values: Mapping[str, Any], columns: Columns) -> Reference:
    """The right answer of a row. Raises Unusable with the column and what is wrong."""
    if columns.kind == "labels":
        return read_set(values, columns.label, columns.mark)
    if columns.kind == "fields":
        return read_fields(values, columns.label, columns.fields)
    if columns.kind == "number":
        return read_number(values, columns.label)
    return _text_of(values, columns) if columns.kind == "text" else read_label(values, columns.label)


def _text_of(values: Mapping[str, Any], columns: Columns) -> str:
    """A text that can be compared by the rule, as a pattern or a list of facts must be one."""
    text = read_text(values, columns.label)
    try:
        expected(columns.rule, text)
    except Invalid as fault:
        raise Unusable(f"cannot be compared by {columns.rule.texts.match}: {fault}", columns.label) from None
    return text


def _optional(row: Row, column: str | None) -> str | None:
    value = cell(row.values, column) if column is not None else None
    return None if absent(value) else plain(value)


def key_of(text: str, variables: Mapping[str, str]) -> str:
    return sha256(_canonical([text, dict(variables)]).encode()).hexdigest()
