"""Eight words in a row: the only thing of dev and holdout examples that a campaign is given, hashed and frozen."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from hashlib import blake2b

WORDS = 8
_BYTES = 8
_WORD = re.compile(r"\w+")


def _grams(text: str) -> Iterator[tuple[bytes, int]]:
    """Each run of eight words as a 64-bit hash, with the index of its first word."""
    words = _WORD.findall(text.casefold())
    for start in range(len(words) - WORDS + 1):
        run = " ".join(words[start : start + WORDS])
        yield blake2b(run.encode(), digest_size=_BYTES).digest(), start


def eight_grams(text: str) -> set[bytes]:
    """The hashes of every eight words in a row; a text of fewer words has none."""
    return {gram for gram, _ in _grams(text)}


def forbidden_grams(train: Iterable[str], sealed: Iterable[str]) -> bytes:
    """The sorted hashes, joined, of the 8-grams of dev and holdout texts that stand in no train text."""
    found: set[bytes] = set()
    for text in sealed:
        found |= eight_grams(text)
    for text in train:
        found -= eight_grams(text)
    return b"".join(sorted(found))


def copied_gram(text: str, forbidden: bytes) -> str | None:
    """The first eight words in a row of `text` that are forbidden, or None."""
    for gram, start in _grams(text):
        if _holds(forbidden, gram):
            return " ".join(_WORD.findall(text)[start : start + WORDS])
    return None


def _holds(forbidden: bytes, gram: bytes) -> bool:
    place = bisect_left(range(len(forbidden) // _BYTES), gram, key=lambda i: forbidden[i * _BYTES : (i + 1) * _BYTES])
    return forbidden[place * _BYTES : (place + 1) * _BYTES] == gram
