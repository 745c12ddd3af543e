"""Which column of a labelled file is what: guessed from names, corrected by a person, wanted by a prompt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.domain.findings import Findings
from app.domain.tables import Table

INPUTS = ("input", "text", "message", "question", "query", "prompt", "sentence", "content", "utterance", "comment")
LABELS = ("label", "expected", "category", "class", "intent", "target", "answer", "output", "gold", "tag")
IDS = ("id", "uid", "guid")
GROUPS = ("group", "group_id", "thread", "thread_id", "user", "user_id", "document")
_NESTED_GROUPS = ("meta.group", "meta.group_id", "metadata.group", "metadata.group_id")


@dataclass(frozen=True)
class Columns:
    """Which column is what; `meta` are the rest, kept but not shown to a model.

    A name with a dot that is no column itself means a field of an object: `meta.group` is `group` inside `meta`.
    """

    input: str
    label: str
    id: str | None = None
    group: str | None = None
    variables: tuple[str, ...] = ()
    meta: tuple[str, ...] = ()


def cell(values: Mapping[str, Any], name: str) -> Any:
    """What a row holds under a column's name or, by a dotted name, inside an object; None where it holds nothing."""
    if name in values or "." not in name:
        return values.get(name)
    outer, inner = name.split(".", 1)
    held = values.get(outer)
    return cell(held, inner) if isinstance(held, dict) else None


def guess_columns(
    table: Table,
    input_column: str | None = None,
    label_column: str | None = None,
    wanted_variables: Sequence[str] = (),
) -> Columns:
    """The likely meaning of each column; a choice given goes before a guess.

    Other columns are variables when a prompt wants them, else meta. Raises Invalid listing the columns there are.
    """
    findings = Findings()
    text = _choose(table, input_column, INPUTS, "input", findings)
    label = _choose(table, label_column, LABELS, "label", findings)
    text = text or _only_other(table, label)
    _check(table, text, label, wanted_variables, findings)
    findings.settle()
    left = [name for name in table.columns if name not in (text, label)]
    known = _first(left, IDS), _first(left, GROUPS) or _nested_group(table)
    rest = [name for name in left if name not in known and name not in wanted_variables]
    return Columns(text, label, known[0], known[1], tuple(wanted_variables), tuple(rest))


def _choose(table: Table, chosen: str | None, names: Sequence[str], role: str, findings: Findings) -> str:
    """The column for a role, or nothing: where a person chose one that is not there, that is a problem."""
    if chosen is None:
        return _first(table.columns, names) or ""
    found = chosen if chosen in table.columns else _first(table.columns, (chosen.strip().casefold(),))
    if found is None:
        findings.add(f"there is no column {chosen} for the {role}; there are: {_listed(table)}", role)
    return found or chosen


def _check(table: Table, text: str, label: str, wanted: Sequence[str], findings: Findings) -> None:
    for role, column in (("input", text), ("label", label)):
        if not column:
            findings.add(f"no column looks like the {role}; name it. There are: {_listed(table)}", role)
    if text and text == label:
        findings.add(f"input and label cannot both be the column {text}", text)
    for name in wanted:
        if name == label:
            findings.add(f"the prompt has the placeholder {{{{{name}}}}}, which would show the label", name)
        elif name not in table.columns and all(cell(row.values, name) is None for row in table.rows):
            message = (
                f"the prompt has a placeholder {{{{{name}}}}}, but there is no such column; there are: {_listed(table)}"
            )
            findings.add(message, name)


def _only_other(table: Table, known: str) -> str:
    """In a file of two columns, the one beside the label; a label itself is never guessed so boldly."""
    others = [name for name in table.columns if name != known]
    return others[0] if known in table.columns and len(table.columns) == 2 else ""


def _first(columns: Sequence[str], names: Sequence[str]) -> str | None:
    by_name = {column.strip().casefold(): column for column in reversed(columns)}
    return next((by_name[name] for name in names if name in by_name), None)


def _nested_group(table: Table) -> str | None:
    return next(
        (name for name in _NESTED_GROUPS if any(cell(row.values, name) is not None for row in table.rows)), None
    )


def _listed(table: Table) -> str:
    return ", ".join(name[:80] for name in table.columns[:50]) + (", ..." if len(table.columns) > 50 else "")
