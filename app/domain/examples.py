"""From rows to labelled examples: what repeats, what contradicts itself, what cannot be used."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from app.domain.answers import read_label
from app.domain.columns import INPUTS, LABELS, Columns, cell, guess_columns
from app.domain.findings import Findings
from app.domain.tables import Row, Table
from app.errors import Invalid

__all__ = ["INPUTS", "LABELS", "Columns", "ConflictingLabels", "Example", "Imported", "build_examples", "guess_columns"]

SMALLEST, MOST_LABELS = 20, 500
LONGEST_LABEL, LONGEST_NAME = 200, 500
_LINES = 20

_canonical = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode


@dataclass(frozen=True)
class Example:
    """`key` is the hash of input and variables: what a model sees, wherever the row stood."""

    key: str
    input: str
    variables: Mapping[str, str]
    label: str
    group: str | None
    external_id: str | None
    meta: Mapping[str, Any]
    line: int

    @property
    def text(self) -> str:
        """All that a model sees of it: the input and, by name, the variables that do not repeat it."""
        others = (self.variables[name] for name in sorted(self.variables))
        return "\n".join([self.input, *(value for value in others if value != self.input)])


@dataclass(frozen=True)
class Imported:
    """Examples in the order of the file, and what became of its other rows."""

    examples: tuple[Example, ...]
    rows: int
    duplicates_dropped: int
    conflicts_dropped: int
    cleaned: int
    conflicts: tuple[tuple[int, ...], ...] = field(default=())


class ConflictingLabels(Invalid):
    """The same input with different labels; `groups` are the lines of each such input. A person must decide."""

    def __init__(self, groups: Sequence[tuple[int, ...]], labels: Sequence[Sequence[str]]) -> None:
        self.groups = tuple(groups)
        findings = Findings()
        for lines, names in zip(groups, labels, strict=True):
            said = ", ".join(names[:5])
            findings.add(
                f"the same input has different labels ({said}); drop these rows or correct them", _lines(lines)
            )
        super().__init__(findings.problems())


@dataclass(frozen=True)
class _Merged:
    kept: list[Example]
    duplicates: int
    conflicts: list[list[Example]]


def build_examples(table: Table, columns: Columns, on_conflict: str) -> Imported:
    """Examples without repeats. `on_conflict` is ask, refuse or drop (all rows of such an input).

    Raises Invalid with every bad row; ConflictingLabels, which is Invalid, where a person has to decide.
    """
    findings = Findings()
    examples = [example for row in table.rows if (example := _example(row, columns, findings)) is not None]
    _check_ids(examples, findings)
    findings.settle()
    merged = _merged(examples)
    if merged.conflicts and on_conflict != "drop":
        _raise_conflicts(merged.conflicts, on_conflict)
    _check_set(merged.kept, findings)
    findings.settle()
    conflicts = tuple(_line_numbers(same) for same in merged.conflicts)
    dropped = sum(map(len, conflicts))
    return Imported(tuple(merged.kept), len(table.rows), merged.duplicates, dropped, table.cleaned, conflicts)


def _example(row: Row, columns: Columns, findings: Findings) -> Example | None:
    found = list(_row_problems(row, columns))
    for message, column in found:
        findings.add(message, f"line {row.line}, column {column}")
    if found:
        return None
    text = row.values[columns.input].strip()
    variables = {name: _plain(cell(row.values, name)) for name in columns.variables}
    group, external = (_optional(row, name) for name in (columns.group, columns.id))
    meta = {name: row.values[name] for name in columns.meta if name in row.values}
    label = " ".join(_plain(row.values[columns.label]).split())
    return Example(_key(text, variables), text, variables, label, group, external, meta, row.line)


def _row_problems(row: Row, columns: Columns) -> Iterator[tuple[str, str]]:
    """(what is wrong, the column) of everything wrong in a row."""
    text = row.values.get(columns.input)
    if _absent(text) or not isinstance(text, str):
        yield _absence(text) or "is not text", columns.input
    label = row.values.get(columns.label)
    if _absent(label) or not isinstance(label, str | int | float):
        yield _absence(label) or "is not one label (text, number, true or false)", columns.label
    elif len(_plain(label)) > LONGEST_LABEL:
        yield f"is longer than {LONGEST_LABEL} characters, too long for a label", columns.label
    for name in columns.variables:
        value = cell(row.values, name)
        if value is None or not isinstance(value, str | int | float):
            yield "is missing" if value is None else "is not text or a number, as a placeholder needs", name
    for column in filter(None, (columns.id, columns.group)):
        value = cell(row.values, column)
        if not isinstance(value, str | int | float | None):
            yield "is not text or a number", column
        elif len(_plain(value)) > LONGEST_NAME:
            yield f"is longer than {LONGEST_NAME} characters", column


def _absent(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _absence(value: Any) -> str:
    """What to say of a value that is not there, or nothing."""
    if value is None:
        return "is missing"
    return "is empty" if _absent(value) else ""


def _plain(value: Any) -> str:
    """Text as it is; numbers and truth values as JSON writes them, 1.0 as 1."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return json.dumps(value) if isinstance(value, bool | float) else str(value)


def _optional(row: Row, column: str | None) -> str | None:
    value = cell(row.values, column) if column is not None else None
    return None if _absent(value) else _plain(value)


def _key(text: str, variables: Mapping[str, str]) -> str:
    return sha256(_canonical([text, dict(variables)]).encode()).hexdigest()


def _check_ids(examples: Sequence[Example], findings: Findings) -> None:
    """An id may come twice only with the same input, as in a row that is repeated."""
    found: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        if example.external_id is not None:
            found[example.external_id].append(example)
    for external_id, same in found.items():
        if len({example.key for example in same}) > 1:
            findings.add(f"the id {external_id[:80]} is used {len(same)} times", _lines(_line_numbers(same)))


def _merged(examples: Sequence[Example]) -> _Merged:
    """Of equal rows one is kept, the same one whatever their order: one with a group and an id, if any has them."""
    by_key: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        by_key[example.key].append(example)
    kept, duplicates, conflicts = [], 0, []
    for same in by_key.values():
        if len({example.label for example in same}) > 1:
            conflicts.append(same)
        else:
            kept.append(min(same, key=_preference))
            duplicates += len(same) - 1
    return _Merged(kept, duplicates, conflicts)


def _preference(example: Example) -> tuple[bool, str, bool, str]:
    return (example.group is None, example.group or "", example.external_id is None, example.external_id or "")


def _raise_conflicts(conflicts: Sequence[Sequence[Example]], on_conflict: str) -> None:
    lines = [_line_numbers(same) for same in conflicts]
    asked = ConflictingLabels(lines, [sorted({example.label for example in same}) for same in conflicts])
    raise asked if on_conflict == "ask" else Invalid(asked.problems)


def _check_set(examples: Sequence[Example], findings: Findings) -> None:
    """What makes the whole set useless: too few rows, one label, too many labels, labels that read the same."""
    labels = sorted({example.label for example in examples})
    if len(labels) == 1:
        findings.add(f"every row has the label {labels[0]}; at least two labels are needed", "label")
    if len(examples) < SMALLEST:
        findings.add(f"only {len(examples)} usable rows; at least {SMALLEST} are needed")
    elif len(labels) > MOST_LABELS or 2 * len(labels) > len(examples):
        findings.add(f"{len(labels)} different labels in {len(examples)} rows: this looks like free text", "label")
    else:
        _check_labels(labels, findings)


def _check_labels(labels: Sequence[str], findings: Findings) -> None:
    for index, label in enumerate(labels):
        read = read_label(label, labels)
        if read_label("", [label]) is not None:
            findings.add(f"{label!r} cannot be read back as a label: it holds no letter or digit", "label")
        elif read is not None and read != index:
            findings.add(f"{labels[read]!r} and {label!r} would be read as the same label", "label")


def _line_numbers(examples: Sequence[Example]) -> tuple[int, ...]:
    return tuple(example.line for example in examples)


def _lines(numbers: Sequence[int]) -> str:
    more = f" and {len(numbers) - _LINES} more" if len(numbers) > _LINES else ""
    return "lines " + ", ".join(str(line) for line in numbers[:_LINES]) + more
