"""Which column of a labelled file is what: guessed from names, corrected by a person, wanted by a prompt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.domain import rules
from app.domain.answerspace import KINDS, Answers, Kind
from app.domain.cells import absent, cell, spoken
from app.domain.columnnames import GROUPS, IDS, INPUTS, LABELS, TIMES, all_named, first_named
from app.domain.findings import Findings
from app.domain.kinds import guess_kind, yes_no_columns
from app.domain.rightanswers import MARKS, as_object, mark_of
from app.domain.rules import Options
from app.domain.tables import Table
from app.domain.timecolumns import time_trouble
from app.errors import Invalid

__all__ = ["INPUTS", "LABELS", "NO_COLUMN", "Columns", "Wishes", "cell", "guess_columns"]

FEWEST_GROUPS = 10  # different values of a column that is taken for one of groups by its name
FEWEST_ROWS = 60  # of a file that is held to that
NO_COLUMN = "-"  # a person's choice of none where one would be guessed
_WHY_NOT = {
    ("group", "answer"): "and all rows of one answer would go to one split",
    ("group", "input"): "and rows with the same input are one example already",
    ("time", "answer"): "not when a row came to be",
    ("time", "input"): "not when a row came to be",
}


@dataclass(frozen=True)
class Columns:
    """Which column is what; `meta` are the rest, kept but not shown to a model.

    A name with a dot that is no column itself means a field of an object: `meta.group` is `group` inside `meta`. The
    right answer stands in `label`, in `fields` (each a column of its own), or in `fields` inside the objects of
    `label`; `mark` stands between the labels of a set that is written as text. `rule` says how a number or text is
    compared. `time_problem` and `group_problem` say why a column that is named like one of times or groups is not used, where
    there is no other.
    """

    input: str
    label: str
    id: str | None = None
    group: str | None = None
    variables: tuple[str, ...] = ()
    meta: tuple[str, ...] = ()
    kind: Kind = "label"
    fields: tuple[str, ...] = ()
    at: str | None = None
    mark: str = MARKS[-1]
    rule: Answers = field(default_factory=Answers)
    time_problem: str = ""
    group_problem: str = ""

    @property
    def answers(self) -> tuple[str, ...]:
        """The columns that hold the right answer: no model may see them."""
        return (self.label,) if self.label else self.fields


@dataclass(frozen=True)
class Wishes:
    """What a person chose of the columns; what is empty is guessed, and "-" means none."""

    input: str = ""
    label: str = ""
    kind: str = ""
    fields: tuple[str, ...] = ()
    group: str = ""
    time: str = ""
    rule: Options = field(default_factory=dict)


def guess_columns(
    table: Table,
    input_column: str | None = None,
    label_column: str | None = None,
    wanted_variables: Sequence[str] = (),
    wishes: Wishes | None = None,
) -> Columns:
    """The likely meaning of each column; a choice given goes before a guess.

    Other columns are variables when a prompt wants them, else meta. Raises Invalid listing the columns there are.
    """
    wished = wishes or Wishes(input_column or "", label_column or "")
    findings = Findings()
    text = _choose(table, wished.input, INPUTS, "input", findings)
    label, fields = _answers(table, wished, findings)
    text = text or _only_other(table, label)
    _check(table, text, label, fields, wanted_variables, findings)
    taken = _taken(text, label, fields)
    group, group_problem = _group(table, wished.group, taken, findings)
    at, time_problem = _time(table, wished.time, taken, findings)
    kind = _kind(table, wished.kind, label, fields, findings)
    rule = _rule(kind, wished.rule, findings)
    findings.settle()
    left = [name for name in table.columns if name not in (text, label, *fields)]
    known = first_named(left, IDS), group
    rest = [name for name in left if name not in known and name not in wanted_variables]
    if kind == "fields" and label:
        fields = _fields_inside(table, label)
    mark = mark_of(cell(row.values, label) for row in table.rows) if kind == "labels" else MARKS[-1]
    others = tuple(wanted_variables), tuple(rest)
    return Columns(text, label, *known, *others, kind, fields, at, mark, rule, time_problem, group_problem)


def _answers(table: Table, wished: Wishes, findings: Findings) -> tuple[str, tuple[str, ...]]:
    """(column, none) or (nothing, columns that are fields)."""
    if wished.fields and not wished.label:
        for name in wished.fields:
            if not _is_there(table, name):
                findings.add(f"there is no column {name} for a field; there are: {_listed(table)}", "label_column")
        return "", tuple(dict.fromkeys(wished.fields))
    label = _choose(table, wished.label, LABELS, "label", findings)
    if not label and wished.kind in ("", "fields"):
        return "", yes_no_columns(table.columns, [row.values for row in table.rows])
    return label, ()


def _choose(table: Table, chosen: str, names: Sequence[str], role: str, findings: Findings) -> str:
    """The column for a role, or nothing: where a person chose one that is not there, that is a problem."""
    if not chosen:
        return first_named(table.columns, names) or ""
    if chosen in table.columns or ("." in chosen and _is_there(table, chosen)):
        return chosen
    found = first_named(table.columns, (spoken(chosen),))
    if found is None:
        findings.add(f"there is no column {chosen} for the {role}; there are: {_listed(table)}", f"{role}_column")
    return found or chosen


def _taken(text: str, label: str, fields: Sequence[str]) -> dict[str, str]:
    """What the columns that are known hold."""
    answers = dict.fromkeys((label, *fields) if label else fields, "answer")
    return {**answers, text: "input"} if text else answers


def _beside(table: Table, chosen: str, role: str, taken: Mapping[str, str], findings: Findings) -> str:
    """A column that a person chose for groups or times: there must be such a column, and it must serve for nothing else."""
    name = _choose(table, chosen, (), role, findings)
    outer = name if name in table.columns else name.split(".", 1)[0]
    holds = taken.get(name) or taken.get(outer)
    if holds and _is_there(table, name):
        why = _WHY_NOT[role, holds]
        findings.add(
            f"the column {name[:80]} holds the {holds}, {why}; choose another column, or none", f"{role}_column"
        )
    return name


def _group(table: Table, chosen: str, taken: Mapping[str, str], findings: Findings) -> tuple[str | None, str]:
    """(the column of groups, nothing) or (None, why one that is named so is not it): chosen, or the first that would do."""
    if chosen == NO_COLUMN:
        return None, ""
    if chosen:
        return _beside(table, chosen, "group", taken, findings), ""
    problem = ""
    for name in (one for one in all_named(table, GROUPS) if one not in taken):
        different = len({str(cell(row.values, name)) for row in table.rows if not absent(cell(row.values, name))})
        if different >= FEWEST_GROUPS or len(table.rows) < FEWEST_ROWS:
            return name, ""
        few = f"Column {name[:80]} has {different:,} different values, too few to keep whole groups apart"
        problem = problem or f"{few}; choose it all the same if its rows belong together."
    return None, problem


def _time(table: Table, chosen: str, taken: Mapping[str, str], findings: Findings) -> tuple[str | None, str]:
    """(the column of times, nothing) or (None, why one that is named so is not it): chosen, or the first that would do."""
    if chosen not in ("", NO_COLUMN):
        return _beside(table, chosen, "time", taken, findings), ""
    problem = ""
    for name in (one for one in all_named(table, TIMES) if one not in taken):
        trouble = time_trouble(table, name)
        if not trouble:
            return (None, f"Column {name[:80]} holds times, but is not chosen.") if chosen else (name, "")
        problem = problem or f"Column {name[:80]}: {trouble}."
    return None, problem


def _kind(table: Table, chosen: str, label: str, fields: Sequence[str], findings: Findings) -> Kind:
    if fields and chosen in ("", "fields"):
        return "fields"
    if chosen and chosen not in KINDS:
        findings.add(f"the kind of answers must be one of {', '.join(KINDS)}; given was {chosen[:80]}", "kind")
    if fields:
        findings.add("several columns hold a checklist; for another kind of answers choose one column", "kind")
    return next((kind for kind in KINDS if kind == chosen), None) or guess_kind(
        label, [cell(row.values, label) for row in table.rows]
    )


def _rule(kind: Kind, wished: Options, findings: Findings) -> Answers:
    try:
        return rules.chosen(Answers(kind), wished)
    except Invalid as invalid:
        for problem in invalid.problems:
            findings.add(problem.message, problem.where)
        return Answers(kind)


def _fields_inside(table: Table, label: str) -> tuple[str, ...]:
    """Every name in the objects of a column, in order of first appearance."""
    names: dict[str, None] = {}
    for row in table.rows:
        names.update(dict.fromkeys(as_object(cell(row.values, label)) or ()))
    return tuple(names)


def _check(
    table: Table, text: str, label: str, fields: Sequence[str], wanted: Sequence[str], findings: Findings
) -> None:
    for role, column in (("input", text), ("label", label or fields)):
        if not column:
            findings.add(f"no column looks like the {role}; name it. There are: {_listed(table)}", f"{role}_column")
    if text and text in (label, *fields):
        findings.add(f"input and label cannot both be the column {text}", "label_column")
    for name in wanted:
        if name in (label, *fields):
            findings.add(f"the prompt has the placeholder {{{{{name}}}}}, which would show the label", name)
        elif not _is_there(table, name):
            message = (
                f"the prompt has a placeholder {{{{{name}}}}}, but there is no such column; there are: {_listed(table)}"
            )
            findings.add(message, name)


def _is_there(table: Table, name: str) -> bool:
    return name in table.columns or any(cell(row.values, name) is not None for row in table.rows)


def _only_other(table: Table, known: str) -> str:
    """In a file of two columns, the one beside the label; a label itself is never guessed so boldly."""
    others = [name for name in table.columns if name != known]
    return others[0] if known in table.columns and len(table.columns) == 2 else ""


def _listed(table: Table) -> str:
    return ", ".join(name[:80] for name in table.columns[:50]) + (", ..." if len(table.columns) > 50 else "")
