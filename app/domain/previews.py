"""What a person sees of a labelled file before it is imported: its first rows, a column's labels, lines at fault."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from app.domain.columnnames import INPUTS, LABELS, first_named
from app.domain.examples import MOST_LABELS
from app.domain.tables import Table
from app.errors import Problem

SHOWN_CHARACTERS = 400
QUOTED_CHARACTERS = 200
QUOTED_LINES = 100
_LINES = re.compile(r"^lines? ([0-9]+(?:, [0-9]+)*)")


def shown(value: Any, longest: int = SHOWN_CHARACTERS) -> str:
    """A cell as text, cut off with an ellipsis."""
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def first_rows(table: Table, count: int) -> list[dict[str, str]]:
    """The first rows as short texts, with a text for every column."""
    return [{name: shown(row.values.get(name)) for name in table.columns} for row in table.rows[:count]]


def labels_in(table: Table, column: str, most: int = MOST_LABELS) -> dict[str, int] | None:
    """How often each label occurs in a column, by name; None for a column with more than `most` or with no labels.

    Blanks count as one, as they do when examples are built; empty cells count as nothing.
    """
    counts: Counter[str] = Counter()
    for row in table.rows:
        value = row.values.get(column)
        if value is not None and not isinstance(value, str | int | float | bool):
            return None
        counts[" ".join(shown(value, 1000).split())] += 1
        if len(counts) > most + 1:
            return None
    del counts[""]
    return dict(sorted(counts.items())) if 0 < len(counts) <= most else None


def could_be_label(table: Table, column: str) -> bool:
    """Whether a column holds a few values again and again."""
    labels = labels_in(table, column)
    return labels is not None and 2 <= len(labels) <= len(table.rows) / 2


def likely_columns(table: Table) -> tuple[str, str] | None:
    """(input, label) by name, else by what the columns hold; empty where several would do, None where none does.

    It is for a person to confirm.
    """
    label = first_named(table.columns, LABELS)
    fitting = [name for name in table.columns if could_be_label(table, name)]
    labels = [label] if label and labels_in(table, label) else fitting
    texts = [name for name in table.columns if name not in labels[:1] and _mean_length(table, name) > 0]
    if not labels or not texts:
        return None
    chosen = labels[0] if len(labels) == 1 else ""
    named = first_named(texts, INPUTS)
    return named or max(texts, key=lambda name: (name not in fitting, _mean_length(table, name))), chosen


def _mean_length(table: Table, column: str) -> float:
    """Characters of a column that is text throughout; 0 for any other."""
    texts = [value for row in table.rows if (value := row.values.get(column)) is not None]
    if not texts or not all(isinstance(text, str) for text in texts):
        return 0.0
    return sum(map(len, texts)) / len(texts)


def lines_of(where: str) -> tuple[int, ...]:
    """The lines of the file that a problem names, 1-based."""
    found = _LINES.match(where)
    return tuple(int(number) for number in found[1].split(", ")) if found else ()


def quoted_lines(data: bytes, problems: Iterable[Problem]) -> dict[int, str]:
    """The beginning of every line that a problem names, by its number, as far as it can be read."""
    wanted = sorted({number for problem in problems for number in lines_of(problem.where)})[:QUOTED_LINES]
    quoted: dict[int, str] = {}
    start, number = 0, 1
    for line in wanted:
        while number < line and (start := data.find(b"\n", start) + 1) > 0:
            number += 1
        if number != line:
            break
        end = data.find(b"\n", start)
        quoted[line] = _printable(data[start : end if end >= 0 else None][: QUOTED_CHARACTERS * 4])
    return quoted


def _printable(line: bytes) -> str:
    """One line as a person can see it: what cannot be shown is a dot."""
    text = line.decode("utf-8", "replace").strip("\ufeff\r\n").replace("\t", " ")
    return shown("".join(mark if mark.isprintable() else "·" for mark in text), QUOTED_CHARACTERS)
