"""Which column of a labelled file is what: guessed from names, corrected by a person, wanted by a prompt."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from app.domain import rules
from app.domain.answerspace import KINDS, Answers, Kind
from app.domain.cells import absent, cell, spoken
from app.domain.findings import Findings
from app.domain.kinds import SETS, guess_kind, yes_no_columns
from app.domain.rightanswers import MARKS, as_object, mark_of
from app.domain.rules import Options
from app.domain.tables import Table
from app.domain.times import time_reader
from app.errors import Invalid

__all__ = ["INPUTS", "LABELS", "NO_COLUMN", "Columns", "Wishes", "cell", "first_named", "guess_columns"]

# A name stands here in small letters, with blanks where a file may have underscores.
INPUTS = ("input", "text", "message", "question", "query", "prompt", "sentence", "content", "utterance", "comment",
          "текст", "сообщение", "вопрос", "запрос", "ввод", "вход", "предложение", "содержание", "высказывание",
          "реплика", "фраза", "комментарий", "обращение", "отзыв")  # fmt: skip
LABELS = ("label", "labels", "reference", "expected", "category", "class", "intent", "target", "answer", "output", "gold",
          "tag", "метка", "разметка", "эталон", "эталонный ответ", "правильный ответ", "верный ответ", "ожидаемый ответ",
          "категория", "класс", "намерение", "интент", "ответ", "вывод", "тег", *SETS[1:], "checklist", "чек-лист",
          "чеклист")  # fmt: skip
IDS = ("id", "uid", "guid", "идентификатор", "ид")
GROUPS = ("group", "group id", "thread", "thread id", "user", "user id", "document", "document id", "conversation id",
          "группа", "ветка", "диалог", "пользователь", "документ")  # fmt: skip
TIMES = ("created at", "createdat", "timestamp", "datetime", "date", "time", "created", "sent at", "received at",
         "published at", "at", "дата создания", "дата и время", "дата", "время", "создано", "отправлено", "получено",
         "опубликовано")  # fmt: skip
NO_COLUMN = "-"  # a person's choice of none where one would be guessed
_OUTER = ("meta", "metadata")


@dataclass(frozen=True)
class Columns:
    """Which column is what; `meta` are the rest, kept but not shown to a model.

    A name with a dot that is no column itself means a field of an object: `meta.group` is `group` inside `meta`. The
    right answer stands in `label`, in `fields` (each a column of its own), or in `fields` inside the objects of
    `label`; `mark` stands between the labels of a set that is written as text. `rule` says how a number or text is
    compared.
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
    group = _known(table, wished.group, GROUPS, "group", findings)
    at = _known(table, wished.time, TIMES, "time", findings)
    kind = _kind(table, wished.kind, label, fields, findings)
    rule = _rule(kind, wished.rule, findings)
    findings.settle()
    left = [name for name in table.columns if name not in (text, label, *fields)]
    known = first_named(left, IDS), group if group not in (text, label, *fields) else None
    rest = [name for name in left if name not in known and name not in wanted_variables]
    if kind == "fields" and label:
        fields = _fields_inside(table, label)
    mark = mark_of(cell(row.values, label) for row in table.rows) if kind == "labels" else MARKS[-1]
    at = at if at not in (text, label, *fields) else None
    return Columns(text, label, *known, tuple(wanted_variables), tuple(rest), kind, fields, at, mark, rule)


def _answers(table: Table, wished: Wishes, findings: Findings) -> tuple[str, tuple[str, ...]]:
    """(column, none) or (nothing, columns that are fields)."""
    if wished.fields and not wished.label:
        for name in wished.fields:
            if not _is_there(table, name):
                findings.add(f"there is no column {name} for a field; there are: {_listed(table)}", "label")
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
        findings.add(f"there is no column {chosen} for the {role}; there are: {_listed(table)}", role)
    return found or chosen


def _known(table: Table, chosen: str, names: Sequence[str], role: str, findings: Findings) -> str | None:
    """The column of groups or times, also inside an object: chosen, or the first by name that would do."""
    if chosen == NO_COLUMN:
        return None
    if chosen:
        return _choose(table, chosen, (), role, findings)
    inside = {outer: _names_inside(table, outer) for outer in _OUTER if outer in table.columns}
    inner = [f"{outer}.{found[name]}" for outer, found in inside.items() for name in names if name in found]
    likely = [found] if (found := first_named(table.columns, names)) else []
    return next((name for name in (*likely, *inner) if _would_do(table, name, role)), None)


def _names_inside(table: Table, outer: str) -> dict[str, str]:
    """The names in the objects that a column holds, by how they are spoken."""
    held = (row.values.get(outer) for row in table.rows)
    return {spoken(name): name for one in held if isinstance(one, dict) for name in one}


def _would_do(table: Table, name: str, role: str) -> bool:
    """Any group there is; times that all can be read, in at least half of the rows."""
    values = [cell(row.values, name) for row in table.rows]
    if role == "group":
        return name in table.columns or any(value is not None for value in values)
    there = sum(not absent(value) for value in values)
    return 2 * there >= max(1, len(values)) and time_reader(values)[0] is not None


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
            findings.add(f"no column looks like the {role}; name it. There are: {_listed(table)}", role)
    if text and text in (label, *fields):
        findings.add(f"input and label cannot both be the column {text}", text)
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


def first_named(columns: Iterable[str], names: Sequence[str]) -> str | None:
    """The column that has the first of these names which any has; of equal ones the first in the file."""
    by_name = {spoken(column): column for column in reversed(tuple(columns))}
    return next((by_name[name] for name in names if name in by_name), None)


def _listed(table: Table) -> str:
    return ", ".join(name[:80] for name in table.columns[:50]) + (", ..." if len(table.columns) > 50 else "")
