"""Eight words in a row: the only thing of dev and holdout examples that a campaign is given, hashed and frozen."""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b

WORDS = 8
_BYTES = 8
_WORD = re.compile(r"\w+")


def _words(text: str) -> list[str]:
    """The words of a text; that an accent is a character of its own does not cut a word in two."""
    return _WORD.findall(text if text.isascii() else unicodedata.normalize("NFKC", text))


def _runs(words: Sequence[str]) -> Iterator[str]:
    """Each eight words in a row, whatever their case."""
    folded = [word.casefold() for word in words]
    for start in range(len(folded) - WORDS + 1):
        yield " ".join(folded[start : start + WORDS])


def _hashed(run: str) -> bytes:
    return blake2b(run.encode(), digest_size=_BYTES).digest()


def eight_grams(text: str) -> set[bytes]:
    """The 64-bit hashes of every eight words in a row; a text of fewer words has none."""
    return set(map(_hashed, _runs(_words(text))))


def forbidden_grams(train: Iterable[str], sealed: Iterable[str]) -> bytes:
    """The sorted hashes, joined, of the 8-grams of dev and holdout texts that stand in no train text."""
    found: set[str] = set()
    for text in sealed:
        found.update(_runs(_words(text)))
    for text in train:
        found.difference_update(_runs(_words(text)))
    return b"".join(sorted(set(map(_hashed, found))))


def copied_gram(text: str, forbidden: bytes) -> str | None:
    """The first eight words in a row of `text` that are forbidden, or None."""
    words = _words(text)
    for start, run in enumerate(_runs(words)):
        if _holds(forbidden, _hashed(run)):
            return " ".join(words[start : start + WORDS])
    return None


def _holds(forbidden: bytes, gram: bytes) -> bool:
    place = bisect_left(range(len(forbidden) // _BYTES), gram, key=lambda i: forbidden[i * _BYTES : (i + 1) * _BYTES])
    return forbidden[place * _BYTES : (place + 1) * _BYTES] == gram
