"""From rows to labelled examples: which column is what, what repeats, what contradicts itself, what cannot be used."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from app.domain.answers import read_label
from app.domain.tables import LISTED, Row, Table
from app.errors import Invalid, Problem

INPUTS = ("input", "text", "message", "question", "query", "prompt", "sentence", "content", "utterance", "comment")
LABELS = ("label", "expected", "category", "class", "intent", "target", "answer", "output", "gold", "tag")
IDS, GROUPS = ("id", "uid", "guid"), ("group", "group_id", "thread", "thread_id", "user", "user_id", "document")
SMALLEST, MOST_LABELS, LONGEST_LABEL = 20, 500, 200


@dataclass(frozen=True)
class Columns:
    """Which column is what; `meta` are the rest, kept but not shown to a model."""

    input: str
    label: str
    id: str | None = None
    group: str | None = None
    variables: tuple[str, ...] = ()
    meta: tuple[str, ...] = ()


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


@dataclass(frozen=True)
class Imported:
    examples: tuple[Example, ...]
    rows: int
    duplicates_dropped: int
    conflicts_dropped: int
    cleaned: int
    conflicts: tuple[tuple[int, ...], ...] = field(default=())


class ConflictingLabels(Invalid):
    """The same input with different labels; `groups` are the lines of each such input. A person must decide."""

    def __init__(self, groups: Sequence[tuple[int, ...]]) -> None:
        self.groups = tuple(groups)
        problems = [
            Problem("the same input has different labels; drop these rows or correct them", _lines(group))
            for group in self.groups[:LISTED]
        ]
        super().__init__(problems)


def _lines(group: Sequence[int]) -> str:
    return "lines " + ", ".join(str(line) for line in group[:20])


def guess_columns(
    table: Table,
    input_column: str | None = None,
    label_column: str | None = None,
    wanted_variables: Sequence[str] = (),
) -> Columns:
    """The likely meaning of each column; a choice given goes before a guess.

    Other columns are variables when a prompt wants them, else meta. Raises Invalid listing the columns there are.
    """
    problems: list[Problem] = []
    text = _choose(table, input_column, INPUTS, "input", problems)
    label = _choose(table, label_column, LABELS, "label", problems)
    problems += [
        Problem(f"the prompt has a placeholder {{{{{name}}}}}, but there is no such column", name)
        for name in wanted_variables
        if name not in table.columns
    ]
    if not problems and text == label:
        problems.append(Problem(f"input and label cannot both be the column {text}", text))
    if problems:
        raise Invalid(problems)
    left = [name for name in table.columns if name not in (text, label)]
    known = _first(left, IDS), _first(left, GROUPS)
    rest = [name for name in left if name not in known and name not in wanted_variables]
    return Columns(text, label, known[0], known[1], tuple(wanted_variables), tuple(rest))


def _choose(table: Table, chosen: str | None, names: Sequence[str], role: str, problems: list[Problem]) -> str:
    found = ", ".join(table.columns)
    if chosen is not None:
        if chosen not in table.columns:
            problems.append(Problem(f"there is no column {chosen} for the {role}; there are: {found}", role))
        return chosen
    guessed = _first(table.columns, names)
    if guessed is None:
        problems.append(Problem(f"no column looks like the {role}; name it. There are: {found}", role))
    return guessed or ""


def _first(columns: Sequence[str], names: Sequence[str]) -> str | None:
    by_name = {column.strip().casefold(): column for column in reversed(columns)}
    return next((by_name[name] for name in names if name in by_name), None)


def build_examples(table: Table, columns: Columns, on_conflict: str) -> Imported:
    """Examples without repeats. `on_conflict` is ask, refuse or drop.

    Raises Invalid with every bad row, ConflictingLabels when the same input has different labels and `ask` was given.
    """
    problems: list[Problem] = []
    examples = [example for row in table.rows if (example := _example(row, columns, problems)) is not None]
    problems += _repeated_ids(examples)
    _raise(problems)
    kept, duplicates, conflicts = _merged(examples)
    if conflicts and on_conflict == "ask":
        raise ConflictingLabels(conflicts)
    if conflicts and on_conflict != "drop":
        _raise(list(ConflictingLabels(conflicts).problems))
    _raise(_set_problems(kept))
    dropped = sum(len(group) for group in conflicts)
    return Imported(tuple(kept), len(table.rows), duplicates, dropped, table.cleaned, tuple(conflicts))


def _raise(problems: list[Problem]) -> None:
    if len(problems) > LISTED:
        problems = [*problems[:LISTED], Problem(f"and {len(problems) - LISTED} more problems of this kind")]
    if problems:
        raise Invalid(problems)


def _example(row: Row, columns: Columns, problems: list[Problem]) -> Example | None:
    found = list(_row_problems(row, columns))
    problems += found
    if found:
        return None
    text = row.values[columns.input].strip()
    variables = {name: _plain(row.values.get(name, "")) for name in columns.variables}
    group, external = (_optional(row, name) for name in (columns.group, columns.id))
    meta = {name: row.values[name] for name in columns.meta if name in row.values}
    label = " ".join(_plain(row.values[columns.label]).split())
    return Example(_key(text, variables), text, variables, label, group, external, meta, row.line)


def _row_problems(row: Row, columns: Columns) -> Iterator[Problem]:
    text, label = row.values.get(columns.input), row.values.get(columns.label)
    if not isinstance(text, str):
        yield Problem("is missing" if text is None else "is not text", f"line {row.line}, column {columns.input}")
    elif not text.strip():
        yield Problem("is empty", f"line {row.line}, column {columns.input}")
    where = f"line {row.line}, column {columns.label}"
    if label is None or (isinstance(label, str) and not label.strip()):
        yield Problem("is missing" if label is None else "is empty", where)
    elif not isinstance(label, str | int | float | bool):
        yield Problem("is not one label (text, number, true or false)", where)
    elif len(str(label)) > LONGEST_LABEL:
        yield Problem(f"is longer than {LONGEST_LABEL} characters, too long for a label", where)


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _optional(row: Row, column: str | None) -> str | None:
    value = row.values.get(column) if column is not None else None
    return None if value is None or value == "" else _plain(value)


def _key(text: str, variables: Mapping[str, str]) -> str:
    content = json.dumps([text, dict(variables)], ensure_ascii=False, sort_keys=True)
    return sha256(content.encode()).hexdigest()


def _repeated_ids(examples: Sequence[Example]) -> Iterator[Problem]:
    lines: dict[str, list[int]] = defaultdict(list)
    for example in examples:
        if example.external_id is not None:
            lines[example.external_id].append(example.line)
    for external_id, found in lines.items():
        if len(found) > 1:
            yield Problem(f"the id {external_id[:80]} is used {len(found)} times", _lines(found))


def _merged(examples: Sequence[Example]) -> tuple[list[Example], int, list[tuple[int, ...]]]:
    """(examples without repeats, repeats dropped, the lines of each input whose labels differ)."""
    by_key: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        by_key[example.key].append(example)
    kept, duplicates, conflicts = [], 0, []
    for same in by_key.values():
        if len({example.label for example in same}) > 1:
            conflicts.append(tuple(example.line for example in same))
        else:
            kept.append(min(same, key=lambda example: (example.external_id or "", example.group or "")))
            duplicates += len(same) - 1
    return kept, duplicates, conflicts


def _set_problems(examples: Sequence[Example]) -> list[Problem]:
    """What makes the whole set useless: too few rows, one label, too many labels, labels that read the same."""
    labels = sorted({example.label for example in examples})
    if len(labels) == 1:
        return [Problem(f"every row has the label {labels[0]}; at least two labels are needed", "label")]
    if len(examples) < SMALLEST:
        return [Problem(f"only {len(examples)} usable rows; at least {SMALLEST} are needed")]
    if len(labels) > MOST_LABELS or len(labels) > len(examples) / 2:
        return [Problem(f"{len(labels)} different labels in {len(examples)} rows: this looks like free text", "label")]
    problems = []
    for index, label in enumerate(labels):
        read = read_label(label, labels)
        if read is None:
            problems.append(Problem(f"{label!r} cannot be read back as a label: it holds no letter or digit", "label"))
        elif read != index:
            problems.append(Problem(f"{labels[read]!r} and {label!r} would be read as the same label", "label"))
    return problems
