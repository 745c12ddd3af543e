"""Answer formats: what to ask a task model for, and how to read its reply or say that it cannot be read."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

_LEADING = re.compile(r"^(answer|label|ответ)\s*:\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Label:
    """One label of a closed set."""

    name: str
    description: str = ""


def describe_format(labels: Sequence[Label]) -> str:
    """The answer format in words, for a prompt's author."""
    names = ", ".join(label.name for label in labels)
    return f"one label alone, exactly as written, without any other word: {names}"


def _strip_marks(text: str) -> str:
    """Drop blanks, quotes and punctuation from both ends; marks inside a label stay."""
    first, last = 0, len(text)
    while first < last and _is_mark(text[first]):
        first += 1
    while last > first and _is_mark(text[last - 1]):
        last -= 1
    return text[first:last]


def _is_mark(character: str) -> bool:
    return character.isspace() or unicodedata.category(character)[0] == "P" or character in "`^"


def read_label(reply: str, labels: Sequence[str]) -> int | None:
    """The index of the one label that the reply is, or None when it cannot be read.

    Case, blanks, quotes, punctuation at the ends and a leading "Answer:", "Label:" or "Ответ:" do not matter;
    nothing is guessed from a longer text.
    """
    wanted = [comparable(label) for label in labels]
    text = comparable(reply)
    return wanted.index(text) if text in wanted else None


def comparable(text: str) -> str:
    """What is left of a short answer when everything is taken away that `read_label` does not look at."""
    stripped = _strip_marks(unicodedata.normalize("NFKC", text))
    stripped = _strip_marks(_LEADING.sub("", stripped))
    return " ".join(stripped.casefold().split())
