"""Looks into a labelled file before anything of it is kept for good: which column is what, what would be dropped."""

from dataclasses import dataclass, field
from typing import Any

from app.domain.columns import Columns
from app.domain.examples import ConflictingLabels, build_examples
from app.domain.previews import first_rows, labels_in, likely_columns
from app.domain.prompts import placeholders
from app.domain.tables import Table, read_table
from app.errors import Invalid
from app.services import importing
from app.services.importing import Choices
from app.services.projects import ProjectDraft
from app.settings import Settings

PREVIEW_ROWS = 8
_CONFLICTS_LISTED = 10


@dataclass(frozen=True)
class Filled:
    """What a person has filled in so far: about the job to be done, and about the file."""

    draft: ProjectDraft
    choices: Choices = field(default_factory=Choices)


@dataclass(frozen=True)
class Preview:
    """What a file holds. `labels` is None where the label column is unknown or holds no labels.

    `conflicts` are inputs that have different labels, `conflict_rows` the rows they stand in, `conflict_lines` the
    lines of the first of them. `checked` is False until both columns are known.
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


def read(settings: Settings, data: bytes, filename: str, filled: Filled) -> Preview:
    """The file with its columns guessed, or chosen. Raises Invalid with everything that is wrong with it.

    Where names do not tell which column is what, but a person could, nothing is checked yet.
    """
    table = read_table(data, filename, importing.limits(settings))
    try:
        columns = importing.columns_of(table, filled.choices, filled.draft.start_prompt)
    except Invalid:
        likely = _likely(table, filled)
        if likely is None:
            raise
        return _preview(table, Columns(*likely))
    return _checked(table, columns)


def _likely(table: Table, filled: Filled) -> tuple[str, str] | None:
    """Columns for a person to confirm; None where a choice or a placeholder is what is wrong, or nothing would do."""
    wanted = set(placeholders(filled.draft.start_prompt)) - {"input"}
    if filled.choices.input_column or filled.choices.label_column or not wanted <= set(table.columns):
        return None
    return likely_columns(table)


def _preview(table: Table, columns: Columns, **found: Any) -> Preview:
    return Preview(
        columns=list(table.columns),
        input=columns.input,
        label=columns.label,
        variables=list(columns.variables),
        rows=first_rows(table, PREVIEW_ROWS),
        row_count=len(table.rows),
        labels=labels_in(table, columns.label) if columns.label else None,
        **found,
    )


def _checked(table: Table, columns: Columns) -> Preview:
    groups: tuple[tuple[int, ...], ...] = ()
    try:
        imported = build_examples(table, columns, "ask")
    except ConflictingLabels as asked:
        groups = asked.groups
        imported = build_examples(table, columns, "drop")
    return _preview(
        table,
        columns,
        checked=True,
        examples=len(imported.examples),
        duplicates=imported.duplicates_dropped,
        conflicts=len(groups),
        conflict_rows=sum(map(len, groups)),
        conflict_lines=[list(lines) for lines in groups[:_CONFLICTS_LISTED]],
    )
