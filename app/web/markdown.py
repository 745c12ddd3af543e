"""Writes a document as Markdown that people read in any viewer, and that no text in it can break."""

import re
from collections.abc import Iterable, Sequence

from app.web.report_documents import Block, Facts, Grid, Heading, Paragraph, Verbatim

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#])")


def markdown(blocks: Iterable[Block]) -> str:
    return "\n\n".join(_written(block) for block in blocks) + "\n"


def _written(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * level} {_plain(text)}"
        case Paragraph(text, strong):
            return f"**{_plain(text)}**" if strong else _plain(text)
        case Facts(rows):
            return "\n".join(f"- **{_plain(name)}:** {_plain(said)}" for name, said in rows)
        case Grid(head, rows):
            return "\n".join([_row(head), _row(["---"] * len(head), raw=True), *(_row(row) for row in rows)])
        case Verbatim(text):
            return _fenced(text)


def _plain(text: str) -> str:
    """One line in which nothing is a mark."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _row(cells: Sequence[str], *, raw: bool = False) -> str:
    return f"| {' | '.join(cell if raw else _plain(cell) for cell in cells)} |"


def _fenced(text: str) -> str:
    """Between more backticks than the text has anywhere in a row."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"
