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


def _grams(words: Sequence[str]) -> Iterator[bytes]:
    """Each run of eight words, whatever their case, as a 64-bit hash."""
    folded = [word.casefold() for word in words]
    for start in range(len(folded) - WORDS + 1):
        run = " ".join(folded[start : start + WORDS])
        yield blake2b(run.encode(), digest_size=_BYTES).digest()


def eight_grams(text: str) -> set[bytes]:
    """The hashes of every eight words in a row; a text of fewer words has none."""
    return set(_grams(_words(text)))


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
    words = _words(text)
    for start, gram in enumerate(_grams(words)):
        if _holds(forbidden, gram):
            return " ".join(words[start : start + WORDS])
    return None


def _holds(forbidden: bytes, gram: bytes) -> bool:
    place = bisect_left(range(len(forbidden) // _BYTES), gram, key=lambda i: forbidden[i * _BYTES : (i + 1) * _BYTES])
    return forbidden[place * _BYTES : (place + 1) * _BYTES] == gram
