"""From rows to labelled examples: what repeats, what contradicts itself, what cannot be used."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from app.domain.columns import INPUTS, LABELS, Columns, guess_columns
from app.domain.examplerows import Example, RowReader
from app.domain.findings import Findings
from app.domain.rightanswers import yes_no
from app.domain.setchecks import MOST_LABELS, SMALLEST, check_set
from app.domain.tables import Table
from app.errors import Invalid

__all__ = [
    "INPUTS", "LABELS", "MOST_LABELS", "SMALLEST", "Columns", "ConflictingLabels", "Example", "Imported",
    "build_examples", "guess_columns", "read_examples",
]  # fmt: skip

_LINES = 20


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
    """The same input with different answers; `groups` are the lines of each such input. A person must decide."""

    def __init__(
        self, groups: Sequence[tuple[int, ...]], labels: Sequence[Sequence[str]], what: str = "labels"
    ) -> None:
        self.groups = tuple(groups)
        findings = Findings()
        for lines, names in zip(groups, labels, strict=True):
            said = (", " if what == "labels" else "; ").join(name[:80] for name in names[:5])
            findings.add(
                f"the same input has different {what} ({said}); drop these rows or correct them", _lines(lines)
            )
        super().__init__(findings.problems())


@dataclass(frozen=True)
class _Merged:
    kept: list[Example]
    duplicates: int
    conflicts: list[list[Example]]


def build_examples(table: Table, columns: Columns, on_conflict: str) -> Imported:
    """Examples without repeats that make up a test set. `on_conflict` is ask, refuse or drop (all rows of such an input).

    Raises Invalid with every bad row; ConflictingLabels, which is Invalid, where a person has to decide.
    """
    imported = read_examples(table, columns, on_conflict)
    check_set(imported.examples, columns.kind)
    return imported


def read_examples(table: Table, columns: Columns, on_conflict: str) -> Imported:
    """As `build_examples`, also of rows that alone would be no test set."""
    findings = Findings()
    reader = RowReader(table, columns, findings)
    examples = [example for row in table.rows if (example := reader.example(row)) is not None]
    _check_ids(examples, findings)
    findings.settle()
    merged = _merged(_with_yes_no(examples) if columns.kind == "fields" else examples)
    if merged.conflicts and on_conflict != "drop":
        _raise_conflicts(merged.conflicts, columns.kind, on_conflict)
    conflicts = tuple(_line_numbers(same) for same in merged.conflicts)
    dropped = sum(map(len, conflicts))
    return Imported(tuple(merged.kept), len(table.rows), merged.duplicates, dropped, table.cleaned, conflicts)


def _with_yes_no(examples: Sequence[Example]) -> list[Example]:
    """Yes/no fields have the values true and false, however the file writes them."""
    written: dict[str, dict[str, None]] = {}
    for example in examples:
        for name, value in _pairs(example):
            written.setdefault(name, {})[value] = None
    ways = {name: way for name, values in written.items() if (way := yes_no(values)) is not None}
    if not ways:
        return list(examples)
    return [
        replace(one, reference=tuple((name, ways.get(name, {}).get(value, value)) for name, value in _pairs(one)))
        for one in examples
    ]


def _pairs(example: Example) -> list[tuple[str, str]]:
    return [(part[0], part[1]) for part in example.reference if not isinstance(part, str)]


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
    """Of equal rows one is kept, the same one whatever their order: one with a group, an id and a time, if any has them."""
    by_key: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        by_key[example.key].append(example)
    kept, duplicates, conflicts = [], 0, []
    for same in by_key.values():
        if len({example.reference for example in same}) > 1:
            conflicts.append(same)
        else:
            kept.append(min(same, key=_preference))
            duplicates += len(same) - 1
    return _Merged(kept, duplicates, conflicts)


def _preference(example: Example) -> tuple[bool, str, bool, str, bool, str]:
    """The earliest of several times, as a repeat tells nothing new."""
    group, external = example.group, example.external_id
    at = example.at.isoformat() if example.at else ""
    return (group is None, group or "", external is None, external or "", example.at is None, at)


def _raise_conflicts(conflicts: Sequence[Sequence[Example]], kind: str, on_conflict: str) -> None:
    lines = [_line_numbers(same) for same in conflicts]
    answers = [sorted({example.label for example in same}) for same in conflicts]
    asked = ConflictingLabels(lines, answers, "labels" if kind == "label" else "answers")
    raise asked if on_conflict == "ask" else Invalid(asked.problems)


def _line_numbers(examples: Sequence[Example]) -> tuple[int, ...]:
    return tuple(example.line for example in examples)


def _lines(numbers: Sequence[int]) -> str:
    more = f" and {len(numbers) - _LINES} more" if len(numbers) > _LINES else ""
    return "lines " + ", ".join(str(line) for line in numbers[:_LINES]) + more
