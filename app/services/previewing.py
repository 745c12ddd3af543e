"""Looks into a labelled file before anything of it is kept for good: which column is what, what would be dropped, how
it would be split."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from app.domain import plans
from app.domain.answerspace import Answers
from app.domain.columns import NO_COLUMN, Columns
from app.domain.examples import ConflictingLabels, Example, Imported, build_examples, read_examples
from app.domain.kinds import guess_kind
from app.domain.nearness import near_groups
from app.domain.previews import first_rows, labels_in, likely_columns
from app.domain.prompts import placeholders
from app.domain.rightanswers import parts_of
from app.domain.rules import Options, chosen, in_words, options_of
from app.domain.setchecks import check_set
from app.domain.tables import Table, read_table
from app.errors import Invalid
from app.services import growing, importing
from app.services.growing import Standing
from app.services.importing import Choices
from app.services.projects import ProjectDraft
from app.services.splitting import Planned, counts_of, follow, near_examples, told
from app.settings import Settings

PREVIEW_ROWS = 8
_CONFLICTS_LISTED = 10
# Near-duplicates of a larger file are looked for by the worker alone: a page would be waited for too long.
_COMPARED = 30_000
# The choices that decide what splits hold; the seed and how answers are compared are left out.
_DECIDING = ("input", "label", "kind", "fields", "group", "time", "plan", "shares", "add_to")


@dataclass(frozen=True)
class Filled:
    """What a person has filled in so far: about the job to be done, and about the file."""

    draft: ProjectDraft
    choices: Choices = field(default_factory=Choices)


@dataclass(frozen=True)
class SplitPreview:
    """How the file would be split: the plan, the sizes, what is advised; `problem` where the plan cannot be followed.

    `compared` is False for a file so large that near-duplicates are looked for during the import only. `near` are
    beginnings of texts that are nearly the same; `changes` are counts, for rows that join a test set.
    """

    plan: dict[str, Any] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    left_out: int = 0
    compared: bool = True
    near_duplicates: int = 0
    near: list[list[str]] = field(default_factory=list)
    first: str | None = None
    last: str | None = None
    suggestions: list[dict[str, Any]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    outlook: dict[str, Any] = field(default_factory=dict)
    changes: dict[str, int] = field(default_factory=dict)
    new_labels: list[str] = field(default_factory=list)
    problem: str = ""


@dataclass(frozen=True)
class Preview:
    """What a file holds. `labels` counts the parts of right answers, None where they are unknown or too many.

    `conflicts` are inputs that have different labels, `conflict_rows` the rows they stand in, `conflict_lines` the
    lines of the first of them. `checked` is False until the columns are known. `settled` are all choices with what was
    guessed for those that were left open. `compared` says how answers will be compared, where there is a choice.
    """

    columns: list[str]
    input: str
    label: str
    variables: list[str]
    rows: list[dict[str, str]]
    row_count: int
    checked: bool = False
    labels: dict[str, int] | None = None
    examples: int = 0
    duplicates: int = 0
    conflicts: int = 0
    conflict_rows: int = 0
    conflict_lines: list[list[int]] = field(default_factory=list)
    kind: str = "label"
    fields: list[str] = field(default_factory=list)
    group: str | None = None
    time: str | None = None
    split: SplitPreview = field(default_factory=SplitPreview)
    settled: dict[str, Any] = field(default_factory=dict)
    compared: str = ""


def kept(stored: dict[str, Any]) -> Preview:
    """A preview as JSON kept it."""
    return Preview(**{**stored, "split": SplitPreview(**stored.get("split", {}))})


def settled(choices: Choices, preview: Preview) -> dict[str, Any]:
    """The choices, with what the preview found for those that were left open."""
    return {
        "input": choices.input_column or preview.input,
        "label": "" if choices.field_columns and not choices.label_column else choices.label_column or preview.label,
        "kind": choices.kind or preview.kind,
        "fields": list(choices.field_columns or preview.fields),
        "group": choices.group_column or preview.group or NO_COLUMN,
        "time": choices.time_column or preview.time or NO_COLUMN,
        "plan": choices.plan,
        "shares": [choices.dev_share, choices.holdout_share],
        "seed": choices.split_seed,
        "add_to": [choices.add_to, choices.replace],
        "rule": _compared(choices.kind or preview.kind, choices.rule),
    }


def shows(before: Preview, wanted: Preview) -> bool:
    """Whether who saw the one preview saw the splits of the other too, but for which rows a seed takes."""
    same = all(before.settled.get(name) == wanted.settled.get(name) for name in _DECIDING)
    return before.checked and same and before.variables == wanted.variables


def _compared(kind: Any, rule: Options) -> dict[str, Any]:
    """Every option of comparing, as far as those that were named go together."""
    try:
        return options_of(chosen(Answers(kind), rule))
    except Invalid:
        return dict(rule)


def read(settings: Settings, data: bytes, filename: str, filled: Filled, found: Standing | None = None) -> Preview:
    """The file with its columns guessed, or chosen; `found` is the test set that its rows would join.

    Raises Invalid with everything that is wrong with it. Where names do not tell which column is what, but a person
    could, nothing is checked yet.
    """
    table = read_table(data, filename, importing.limits(settings))
    try:
        columns = (
            growing.columns_of(table, filled.choices, found)
            if found
            else importing.columns_of(table, filled.choices, filled.draft.start_prompt)
        )
    except Invalid:
        likely = None if found else _likely(table, filled)
        if likely is None:
            raise
        return _likely_preview(table, *likely)
    return _checked(table, columns, settings, filled.choices, found)


def _likely(table: Table, filled: Filled) -> tuple[str, str] | None:
    """Columns for a person to confirm; None where a choice or a placeholder is what is wrong, or nothing would do."""
    wanted = set(placeholders(filled.draft.start_prompt)) - {"input"}
    if filled.choices.columns != type(filled.choices.columns)() or not wanted <= set(table.columns):
        return None
    return likely_columns(table)


def _likely_preview(table: Table, text: str, label: str) -> Preview:
    kind = guess_kind(label, [row.values.get(label) for row in table.rows]) if label else "label"
    return _preview(table, Columns(text, label, kind=kind), labels=labels_in(table, label) if label else None)


def _preview(table: Table, columns: Columns, **found: Any) -> Preview:
    return Preview(
        columns=list(table.columns),
        input=columns.input,
        label=columns.label,
        variables=list(columns.variables),
        rows=first_rows(table, PREVIEW_ROWS),
        row_count=len(table.rows),
        kind=columns.kind,
        fields=list(columns.fields),
        group=columns.group,
        time=columns.at,
        compared=in_words(columns.rule),
        **found,
    )


def _checked(table: Table, columns: Columns, settings: Settings, choices: Choices, found: Standing | None) -> Preview:
    imported, groups = _examples(table, columns, alone=found is None)
    looked = (
        _split(imported, columns, settings, choices) if found is None else _grown(imported, columns, choices, found)
    )
    preview = _preview(
        table,
        columns,
        checked=True,
        labels=counts_of(imported.examples, columns.kind) or None,
        examples=len(imported.examples),
        duplicates=imported.duplicates_dropped,
        conflicts=len(groups),
        conflict_rows=sum(map(len, groups)),
        conflict_lines=[list(lines) for lines in groups[:_CONFLICTS_LISTED]],
        split=looked,
    )
    return replace(preview, settled=settled(choices, preview))


def _examples(table: Table, columns: Columns, *, alone: bool) -> tuple[Imported, tuple[tuple[int, ...], ...]]:
    """What would be imported, and the lines of every contradiction; rows that join others need be no set alone."""
    build = build_examples if alone else read_examples
    try:
        return build(table, columns, "ask"), ()
    except ConflictingLabels as asked:
        return build(table, columns, "drop"), asked.groups


def _near(examples: Sequence[Example]) -> list[int]:
    if len(examples) > _COMPARED:
        return list(range(len(examples)))
    return near_groups([example.text for example in examples])


def _split(imported: Imported, columns: Columns, settings: Settings, choices: Choices) -> SplitPreview:
    near = _near(imported.examples)
    try:
        planned = follow(imported.examples, near, columns, choices.splits, settings.dev_limit)
    except Invalid as invalid:
        if any(problem.where for problem in invalid.problems):
            raise
        return SplitPreview(problem=str(invalid))
    return _shown(imported.examples, near, planned, columns)


def _shown(examples: Sequence[Example], near: Sequence[int], planned: Planned, columns: Columns) -> SplitPreview:
    held = Counter(
        part
        for one in examples
        if one.key in planned.placements and planned.placements[one.key].split == "holdout"
        for part in parts_of(one.reference, closed=columns.kind not in ("number", "text"))
    )
    facts = planned.facts
    advice = told(facts, planned.sizes, held)
    return SplitPreview(
        plan=plans.dump(planned.plan),
        sizes=planned.sizes,
        left_out=planned.left_out,
        compared=len(examples) <= _COMPARED,
        near_duplicates=facts.near_duplicates,
        near=near_examples(examples, near),
        first=facts.first.isoformat() if facts.first else None,
        last=facts.last.isoformat() if facts.last else None,
        **asdict(advice),
    )


def _grown(imported: Imported, columns: Columns, choices: Choices, found: Standing) -> SplitPreview:
    """What would change in a test set; the texts of its own rows are not shown, as some of them are sealed."""
    examples = growing.joined(found, imported, replace_all=choices.replace)
    check_set(examples, columns.kind)
    answers = growing.grown(found.answers, examples)
    near = _near(examples)
    planned = growing.placed(found, examples, near, columns)
    changes = growing.changes(found, examples, planned)
    unchanged = not any(number for name, number in changes.items() if name != "unchanged")
    return replace(
        _shown(examples, near, planned, columns),
        problem=growing.NOTHING_CHANGES if unchanged else "",
        near=[],
        suggestions=[],
        changes=changes,
        new_labels=list(answers.names[len(found.answers.names) :]),
    )
