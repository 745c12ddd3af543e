"""What prints a document: Markdown that nothing breaks, and PDF in several scripts."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Conflict
from app.web.markdown import markdown
from app.web.pdf import pdf
from app.web.report_documents import Facts, Grid, Heading, Paragraph, Verbatim

BLOCKS = (
    Heading("Отчёт | a *report*", 1), Paragraph("Better. p < 0.05", strong=True), Facts((("Goal", "recall[spam]"),)),
    Heading("Scores"), Grid(("Prompt", "Dev"), (("v1 | x", "0.5 (0.4–0.6)"),)), Verbatim("Скажи: {{input}}\n```\nx\n```\n日本"),
)  # fmt: skip


def test_marks_in_texts_are_not_marks_of_the_document() -> None:
    written = markdown(BLOCKS)
    assert r"# Отчёт \| a \*report\*" in written
    assert r"**Better. p \< 0.05**" in written
    assert r"- **Goal:** recall\[spam\]" in written
    assert "| Prompt | Dev |\n| --- | --- |\n| v1 \\| x | 0.5 (0.4–0.6) |" in written
    assert "````text\nСкажи: {{input}}\n```\nx\n```\n日本\n````" in written


@given(st.text())
def test_no_prompt_ends_its_own_fence(text: str) -> None:
    fence = markdown([Verbatim(text)]).partition("text\n")[0]
    assert set(fence) == {"`"}
    assert fence not in text


@given(st.text())
def test_a_cell_stays_one_cell_on_one_line(text: str) -> None:
    [_, _, row] = markdown([Grid(("a", "b"), ((text, "1"),))]).rstrip("\n").split("\n")
    assert row.replace("\\\\", "").replace("\\|", "").count("|") == 3


def test_a_pdf_holds_its_fonts_and_as_many_pages_as_it_needs() -> None:
    pytest.importorskip("fpdf", reason="fpdf2 is not installed")
    short, long = pdf(BLOCKS, "t"), pdf([*BLOCKS, Verbatim("слово и дело\n" * 400)], "t")
    assert short.startswith(b"%PDF-")
    assert short.count(b"/Type /Page\n") == 1
    assert long.count(b"/Type /Page\n") > 4
    assert short.count(b"/FontFile2") == 3
    assert len(short) < 100_000, "only the characters that are used are in it"


def test_without_the_library_the_markdown_is_offered_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fpdf", None)
    with pytest.raises(Conflict, match="take the Markdown instead"):
        pdf(BLOCKS, "t")
