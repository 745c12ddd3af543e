"""Tables as files for spreadsheets: no cell is ever taken for a formula."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from app.services.aligning import Row
from app.services.comparables import Side

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def safe(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def lines(rows: Iterable[Sequence[object]]) -> str:
    """Rows as lines of CSV; texts are made safe."""
    out = io.StringIO()
    csv.writer(out).writerows([safe(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return out.getvalue()


def compared(sides: Sequence[Side], pages: Iterable[Sequence[Row]]) -> Iterator[str]:
    """A comparison's rows, piece by piece: an answer that could not be read is empty, and so is one that is not there."""
    heads = [f"{side.letter} v{side.version} on {side.task_model.name}" for side in sides]
    about = [f"{head}: {what}" for head in heads for what in ("answer", "right", "score", "reply", "call")]
    yield lines([["row", "input", "expected", "change", *about]])
    for rows in pages:
        yield lines([_line(row) for row in rows])


def _line(row: Row) -> list[object]:
    cells: list[object] = [row.position + 1, row.input, row.expected, row.change.replace("_", " ")]
    for one in row.answers:
        if one is None:
            cells += ["", "", "", "", ""]
        else:
            right, graded = "yes" if one.right else "no", "" if one.score is None else one.score
            cells += [one.answered or "", right, graded, one.reply, one.call_id or ""]
    return cells
