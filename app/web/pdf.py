"""Prints a document as PDF, with fonts of our own: Latin, Greek, Cyrillic and the common signs."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.errors import Conflict
from app.web.report_documents import Block, Facts, Grid, Heading, Paragraph, Verbatim

if TYPE_CHECKING:
    from fpdf import FPDF

FONTS = Path(__file__).resolve().parents[1] / "data" / "fonts"
_FILES = {"sans": "DejaVuSans.ttf", "bold": "DejaVuSans-Bold.ttf", "mono": "DejaVuSansMono.ttf"}
_INK, _NOTE, _SUNKEN = 23, 99, 240
_SIZES = {1: 17.0, 2: 12.5, 3: 10.5}
_BODY, _SMALL, _MARGIN = 9.5, 8.5, 18.0
_INSTEAD = "\N{WHITE SQUARE}"
_LEFT_OUT = "Some characters are not in this document's fonts and are shown as squares; the Markdown export has them."


def pdf(blocks: Iterable[Block], title: str) -> bytes:
    """The document on A4. Raises Conflict where the library that prints is not installed."""
    try:
        from fpdf import FPDF
    except ImportError:
        raise Conflict("PDF needs the package fpdf2, which is not installed; take the Markdown instead.") from None
    printer = _Printer(FPDF(format="A4"), title)
    for block in blocks:
        printer.add(block)
    return printer.finish()


class _Printer:
    """One document on its way to paper."""

    def __init__(self, paper: "FPDF", title: str) -> None:
        self._paper, self._left_out = paper, False
        paper.set_margin(_MARGIN)
        paper.set_auto_page_break(True, _MARGIN)
        paper.set_title(title)
        paper.set_creator("Agon")
        for family, name in _FILES.items():
            paper.add_font(family, fname=FONTS / name)
        paper.add_page()

    def add(self, block: Block) -> None:
        """Set the block below what is there."""
        match block:
            case Heading():
                self._heading(block)
            case Paragraph():
                self._font("bold" if block.strong else "sans", _BODY)
                self._text(block.text)
            case Facts():
                self._facts(block)
            case Grid():
                self._grid(block)
            case Verbatim():
                self._verbatim(block)
        self._paper.ln(2)

    def finish(self) -> bytes:
        if self._left_out:
            self._font("sans", _SMALL, _NOTE)
            self._text(_LEFT_OUT)
        return bytes(self._paper.output())

    def _font(self, family: str, size: float, grey: int = _INK) -> None:
        self._paper.set_font(family, size=size)
        self._paper.set_text_color(grey)

    def _text(self, text: str, family: str = "sans", **how: Any) -> None:
        height = self._paper.font_size * 1.45
        self._paper.multi_cell(0, height, self._known(text, family), align="L", new_x="LMARGIN", new_y="NEXT", **how)

    def _known(self, text: str, family: str = "sans") -> str:
        """The text with a square for what the font has not."""
        there = _characters(_FILES[family])
        known = "".join(one if one in "\n\t" or ord(one) in there else _INSTEAD for one in text)
        self._left_out = self._left_out or known != text
        return known.replace("\t", "    ")

    def _heading(self, block: Heading) -> None:
        paper = self._paper
        if block.level > 1:
            paper.ln(2)
        if paper.will_page_break(36):
            paper.add_page()
        if block.level == 2:
            paper.set_draw_color(_INK)
            paper.line(paper.l_margin, paper.get_y(), paper.w - paper.r_margin, paper.get_y())
            paper.ln(1.5)
        self._font("bold", _SIZES[block.level])
        self._text(block.text)

    def _facts(self, block: Facts) -> None:
        def fill(table: Any) -> None:
            for name, said in block.rows:
                row = table.row()
                row.cell(self._known(name))
                row.cell(self._known(said))

        self._font("sans", _BODY)
        self._table((27, 73), fill, first_row_as_headings=False)

    def _grid(self, block: Grid) -> None:
        def fill(table: Any) -> None:
            for cells in (block.head, *block.rows):
                row = table.row()
                for cell in cells:
                    row.cell(self._known(cell))

        self._font("sans", _SMALL)
        self._table((30, *[70 / (len(block.head) - 1)] * (len(block.head) - 1)), fill)

    def _table(self, widths: tuple[float, ...], fill: Callable[[Any], None], **how: Any) -> None:
        from fpdf.fonts import FontFace

        usual: dict[str, Any] = {"borders_layout": "HORIZONTAL_LINES", "text_align": "LEFT", "align": "LEFT"}
        self._paper.set_draw_color(200)
        head = FontFace(family="bold", emphasis="", size_pt=_SMALL)
        height = self._paper.font_size * 1.45
        with self._paper.table(
            col_widths=widths, headings_style=head, line_height=height, padding=0.8, **usual, **how
        ) as table:
            fill(table)

    def _verbatim(self, block: Verbatim) -> None:
        self._font("mono", _SMALL)
        self._paper.set_fill_color(_SUNKEN)
        self._text(block.text, "mono", fill=True, padding=2, wrapmode="WORD")


@lru_cache
def _characters(name: str) -> frozenset[int]:
    """What a font has, as code points."""
    from fontTools.ttLib import TTFont

    with TTFont(FONTS / name, lazy=True) as font:
        return frozenset(font.getBestCmap() or ())
