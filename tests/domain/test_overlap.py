"""Copied words: eight in a row of a sealed example are found in a prompt, unless a train example has them too."""

from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.overlap import copied_gram, eight_grams, forbidden_grams

SECRET = "The refund for order nine has never arrived, and nobody answers."
COPY = "refund for order nine has never arrived and"


@pytest.mark.parametrize(
    ("prompt", "copied"),
    [
        (f"Example: {SECRET}", "The refund for order nine has never arrived"),
        ("refund FOR order-nine has\nnever  arrived 'and'", "refund FOR order nine has never arrived and"),
        ("the refund for order nine has never", None),
        ("The refund for order nine has finally arrived and nobody answers", None),
        ("", None),
    ],
)
def test_eight_words_in_a_row_are_a_copy_whatever_stands_between_them(prompt: str, copied: str | None) -> None:
    assert copied_gram(prompt, forbidden_grams(["something else"], [SECRET])) == copied


def test_what_train_examples_say_too_is_nobodys_secret() -> None:
    forbidden = forbidden_grams([f"and so: {COPY}!"], [SECRET])
    assert copied_gram(COPY, forbidden) is None
    assert copied_gram(SECRET, forbidden) == "The refund for order nine has never arrived"


def test_letters_written_in_two_ways_are_the_same_letters() -> None:
    composed = "Привет й é ñ ü ä ö å"
    assert copied_gram(composed, forbidden_grams([], [normalize("NFD", composed)])) == composed


def test_the_words_that_are_named_stand_in_the_prompt_even_where_case_folding_lengthens_them() -> None:
    words = ["İstanbul", "ﬃ", "ŉ", "ß", "two", "three", "four", "five", "six"]
    assert (
        copied_gram(" ".join(words[1:]), forbidden_grams([], [" ".join(words)])) == "ffi ʼn ß two three four five six"
    )


def test_the_list_is_sorted_frozen_and_eight_bytes_an_entry() -> None:
    texts = [f"{SECRET} {number}" for number in range(50)]
    forbidden = forbidden_grams([], texts)
    grams = [forbidden[first : first + 8] for first in range(0, len(forbidden), 8)]
    assert grams == sorted(set().union(*map(eight_grams, texts)))
    assert forbidden == forbidden_grams([], reversed(texts))
    assert forbidden_grams([], ["only seven words are in this text"]) == b""


WORDS = st.lists(st.sampled_from("abc"), max_size=40).map(" ".join)


@given(WORDS, st.lists(WORDS, max_size=3), st.lists(WORDS, max_size=3))
def test_a_copy_is_found_exactly_where_a_search_for_the_words_finds_one(
    prompt: str, train: list[str], sealed: list[str]
) -> None:
    def runs(text: str) -> list[str]:
        words = text.split()
        return [" ".join(words[first : first + 8]) for first in range(len(words) - 7)]

    known = {run for text in train for run in runs(text)}
    secret = {run for text in sealed for run in runs(text)} - known
    assert copied_gram(prompt, forbidden_grams(train, sealed)) == next((r for r in runs(prompt) if r in secret), None)
