"""What changed between two prompts, word by word, and where a prompt's placeholders are."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import groupby
from typing import Literal, NamedTuple

from app.domain.prompts import PLACEHOLDER

Kind = Literal["same", "removed", "added"]

# Comparing takes about as many steps as there are pairs of equal words: minutes for "a a a a ..." against itself.
MOST_PAIRS = 1_000_000
_TOKEN = re.compile(r"\n|[^\S\n]+|\S+[^\S\n]*")


class Part(NamedTuple):
    """A stretch of text and what became of it."""

    kind: Kind
    text: str


@dataclass(frozen=True)
class Changes:
    """The stretches in reading order, the words counted; `by_word` is False when the texts were too long for that."""

    parts: tuple[Part, ...]
    added: int
    removed: int
    by_word: bool


def _tokens(text: str) -> list[str]:
    """Words with the blanks behind them, and line breaks, which together are the text."""
    return _TOKEN.findall(text)


def _steps(before: Sequence[str], after: Sequence[str]) -> Iterator[Part]:
    old, new = ([token.strip(" \t") for token in side] for side in (before, after))
    for tag, left, left_end, right, right_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            yield Part("same", "".join(after[right:right_end]))
            continue
        yield Part("removed", "".join(before[left:left_end]))
        yield Part("added", "".join(after[right:right_end]))


def _pairs(before: Sequence[str], after: Sequence[str]) -> int:
    counts = Counter(before)
    return sum(counts[token] for token in after)


def _merged(parts: Iterator[Part]) -> Iterator[Part]:
    for kind, group in groupby((part for part in parts if part.text), key=lambda part: part.kind):
        yield Part(kind, "".join(part.text for part in group))


@lru_cache(maxsize=256)
def word_changes(before: str, after: str) -> Changes:
    """The word diff of two texts; one whole removal and addition when comparing would take seconds."""
    old, new = _tokens(before), _tokens(after)
    by_word = _pairs(old, new) <= MOST_PAIRS
    whole = iter((Part("removed", before), Part("added", after)))
    parts = tuple(_merged(_steps(old, new) if by_word else whole))
    counts = {kind: sum(len(part.text.split()) for part in parts if part.kind == kind) for kind in ("added", "removed")}
    return Changes(parts, counts["added"], counts["removed"], by_word)


def marked_placeholders(text: str) -> list[tuple[bool, str]]:
    """The text in pieces, each with whether it is a placeholder."""
    pieces: list[tuple[bool, str]] = []
    end = 0
    for gap in PLACEHOLDER.finditer(text):
        pieces += [(False, text[end : gap.start()]), (True, gap.group())]
        end = gap.end()
    return [piece for piece in (*pieces, (False, text[end:])) if piece[1]]
