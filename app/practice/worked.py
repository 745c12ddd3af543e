"""Worked examples inside a prompt: found in the forms that people and generators write them in."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from app.practice.fields import ANSWERS, INPUTS, PAIR
from app.practice.text_shapes import unquoted

_LONGEST_LABEL = 60
_JSON_LINE = re.compile(r"^[ \t*-]*(?P<object>\{\".*\})[ \t,]*$", re.MULTILINE)
_ARROW = re.compile(
    r"^[ \t]*(?:[-*•][ \t]+|\d+[.)][ \t]+)?(?P<input>\S.*?)[ \t]*(?:->|=>|→|⇒)[ \t]*(?P<label>\S[^\n]*)$", re.MULTILINE
)


@dataclass(frozen=True)
class Worked:
    """One example with its answer, and where in the text it stands."""

    input: str
    label: str
    start: int
    end: int


def find_worked(text: str) -> list[Worked]:
    """All worked examples in order; a stretch of text belongs to one example only."""
    found: list[Worked] = []
    for finder in _FINDERS:
        new = list(finder(text))
        found += new
        text = without(text, new, " ")
    return sorted(found, key=lambda example: example.start)


def without(text: str, examples: Sequence[Worked], mark: str = "") -> str:
    """The text with each example's stretch replaced by `mark`, once for each of its characters."""
    parts, at = [], 0
    for example in examples:
        parts += [text[at : example.start], mark * (example.end - example.start)]
        at = example.end
    return "".join([*parts, text[at:]])


def _pairs(text: str) -> Iterator[Worked]:
    for match in PAIR.finditer(text):
        yield from _worked(match, match["input"], match["label"])


def _json_lines(text: str) -> Iterator[Worked]:
    for match in _JSON_LINE.finditer(text):
        try:
            row = json.loads(match["object"])
        except ValueError:
            continue
        given = next((row[key] for key in INPUTS if isinstance(row.get(key), str)), None)
        label = next((row[key] for key in ("expected", *ANSWERS) if isinstance(row.get(key), str)), None)
        if given is not None and label is not None:
            yield from _worked(match, given, label)


def _arrows(text: str) -> Iterator[Worked]:
    for match in _ARROW.finditer(text):
        yield from _worked(match, match["input"].strip("\"'«»“”`"), match["label"])


def _worked(match: re.Match[str], given: str, label: str) -> Iterator[Worked]:
    name = unquoted(label)
    if given.strip() and 0 < len(name) <= _LONGEST_LABEL:
        yield Worked(given.strip(), name, match.start(), match.end())


_FINDERS: tuple[Callable[[str], Iterator[Worked]], ...] = (_json_lines, _pairs, _arrows)
