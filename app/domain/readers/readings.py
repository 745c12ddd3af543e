"""What was read in a reply, and the words for a reply that cannot be read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.domain.answercodes import UNREADABLE
from app.domain.prompts import clean

LONGEST_VALUE = 500
_LONGEST_QUOTE = 60

Reference = str | int | float | None | Sequence[str] | Mapping[str, object]


@dataclass(frozen=True)
class Reading:
    """What a reply says.

    `code`: see `answercodes`; -1 is unreadable, and then `why` says in one line what was missing. `value`: the answer
    in words, at most 500 characters. `score`: from 0 to 1, right from 1, for numbers and texts, whose reference was
    given; None for the closed kinds, where only the codes are compared. `stated`: the confidence that the reply gives
    its own verdict, from 0 to 1, one number for a label, else one for each label or field; empty when none was asked
    for or it cannot be read, which does not make the verdict unreadable.
    """

    code: int
    why: str = ""
    value: str = ""
    score: float | None = None
    stated: tuple[float, ...] = ()


class Unreadable(Exception):
    """Ends the reading of a reply; its message is the reading's `why`."""


def unreadable(why: str) -> Reading:
    return Reading(UNREADABLE, why)


def quoted(text: str) -> str:
    """The beginning of a text, on one line, as a message can hold it."""
    line = " ".join(clean(text[: 4 * _LONGEST_QUOTE])[0].split())
    return repr(line if len(line) <= _LONGEST_QUOTE else line[: _LONGEST_QUOTE - 1] + "…")


def kept(text: str) -> str:
    """A text as a reading keeps it."""
    return clean(text[:LONGEST_VALUE])[0]
