"""The practice models' tokenizer: nothing is lost, like beginnings have like tokens, characters may be split."""

from itertools import takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.practice.pieces import pieces


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", []),
        ('{"spam":true}', ['{"', "spam", '":', "tru", "e", "}"]),
        ('{"a":"b","c":"d"}', ['{"', "a", '":"', "b", '","', "c", '":"', "d", '"}']),
        ('{"tags":["x"]}', ['{"', "tags", '":[', '"', "x", '"]}']),
        ("12345.6", ["123", "45", ".", "6"]),
        ("car cargo", ["car", " ca", "rg", "o"]),
        ("a\n\n b", ["a", "\n\n ", "b"]),
    ],
)
def test_texts_are_cut_as_byte_level_vocabularies_cut_them(text: str, tokens: list[str]) -> None:
    assert [token.decode() for token in pieces(text)] == tokens


def test_a_character_of_several_bytes_may_lie_across_two_tokens() -> None:
    cut = pieces("привет мир, 日本語 и ещё много слов")
    assert any(token.decode("utf-8", "replace").endswith("\ufffd") for token in cut)
    assert b"".join(cut).decode() == "привет мир, 日本語 и ещё много слов"


@given(st.text(st.characters(exclude_categories=[])))
def test_the_bytes_of_the_tokens_are_those_of_the_text(text: str) -> None:
    cut = pieces(text)
    assert b"".join(cut) == text.encode("utf-8", "replace")
    assert all(cut)


@given(st.text("abcdeя", min_size=6, max_size=12), st.text("xyz", min_size=1, max_size=4))
def test_words_that_begin_alike_begin_with_the_same_tokens(word: str, ending: str) -> None:
    """But for the piece in which they part, which may be longer in the longer word."""
    one, other = pieces(word), pieces(word + ending)
    shared = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))))
    assert len(b"".join(one[shared:]).decode("utf-8", "ignore")) <= 5
