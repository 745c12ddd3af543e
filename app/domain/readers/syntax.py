"""Parses the part of Python's regular expressions that can be searched in linear time; refuses the rest in words."""

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass

from app.errors import Invalid

LONGEST_PATTERN = 500
_DEEPEST = 50
_FLAGS = re.compile(r"\(\?([ims]+)\)")
_OPENING = re.compile(r"\((?:\?:|\?P<[^>]*>|(?!\?))")
_REPEAT = re.compile(r"\{(?:([0-9]+)|([0-9]*),([0-9]*))\}")
_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|0[0-7]{0,2}|.)", re.DOTALL)
_LETTERS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}

Test = Callable[[str], object]
Assertion = Callable[[str, str], bool]  # of what stands before and after: "" nothing, "w" a word character, "\n" ...


@dataclass(frozen=True)
class One:
    """One character that a test allows, or a place where an assertion holds."""

    test: Test | None = None
    holds: Assertion | None = None


@dataclass(frozen=True)
class Sequence:
    """Parts one after the other."""

    parts: tuple["Node", ...]


@dataclass(frozen=True)
class Alternatives:
    """Any one of the parts."""

    parts: tuple["Node", ...]


@dataclass(frozen=True)
class Repeat:
    """A part so many times; most is None where there is no limit."""

    part: "Node"
    least: int
    most: int | None


Node = One | Sequence | Alternatives | Repeat


def parsed(text: str) -> Node:
    """The tree of a pattern. Raises Invalid with what is wrong with it, or what is not supported."""
    if len(text) > LONGEST_PATTERN:
        raise Invalid(f"the pattern is longer than {LONGEST_PATTERN} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(text)
    except (re.error, OverflowError, RecursionError) as fault:
        raise Invalid(f"the pattern is not valid: {fault}") from None
    return _Parser(text).whole()


def _at_start(before: str, after: str) -> bool:
    return before == ""


def _at_line_start(before: str, after: str) -> bool:
    return before in ("", "\n", "\n$")


def _at_end(before: str, after: str) -> bool:
    return after in ("", "\n$")


def _at_very_end(before: str, after: str) -> bool:
    return after == ""


def _at_line_end(before: str, after: str) -> bool:
    return after in ("", "\n", "\n$")


def _at_word_edge(before: str, after: str) -> bool:
    return (before == "w") != (after == "w")


def _within(before: str, after: str) -> bool:
    return (before == "w") == (after == "w")


_EDGES: dict[str, Assertion] = {"\\A": _at_start, "\\Z": _at_very_end, "\\b": _at_word_edge, "\\B": _within}


class _Parser:
    """Reads a valid pattern from left to right."""

    def __init__(self, text: str) -> None:
        found = _FLAGS.match(text)
        self._text, self._place, self._depth = text, found.end() if found else 0, 0
        self._flags = re.RegexFlag(0)
        for letter in found[1] if found else "":
            self._flags |= _LETTERS[letter]

    def whole(self) -> Node:
        return self._alternatives()

    def _alternatives(self) -> Node:
        parts = [self._sequence()]
        while self._text.startswith("|", self._place):
            self._place += 1
            parts.append(self._sequence())
        return parts[0] if len(parts) == 1 else Alternatives(tuple(parts))

    def _sequence(self) -> Node:
        parts: list[Node] = []
        while self._place < len(self._text) and self._text[self._place] not in "|)":
            parts.append(self._repeated(self._atom()))
        return Sequence(tuple(parts))

    def _repeated(self, atom: Node) -> Node:
        least, most = self._times()
        if (least, most) == (1, 1):
            return atom
        if self._text.startswith("+", self._place):
            raise Invalid("the pattern has a possessive repeat (++, *+ or ?+), which is not supported: use a plain one")
        if self._text.startswith("?", self._place):
            self._place += 1
        return Repeat(atom, least, most)

    def _times(self) -> tuple[int, int | None]:
        sign = self._text[self._place : self._place + 1]
        if sign in ("*", "+", "?"):
            self._place += 1
            return (1 if sign == "+" else 0), (1 if sign == "?" else None)
        found = _REPEAT.match(self._text, self._place)
        if found is None:
            return 1, 1
        self._place = found.end()
        if found[1]:
            return int(found[1]), int(found[1])
        return int(found[2] or 0), int(found[3]) if found[3] else None

    def _atom(self) -> Node:
        sign = self._text[self._place]
        if sign == "(":
            return self._group()
        if sign == "^" or sign == "$":
            self._place += 1
            return One(holds=self._edge(sign))
        shape = {"[": _CLASS, "\\": _ESCAPE}.get(sign)
        found = shape.match(self._text, self._place) if shape else None
        written = found[0] if found else sign
        self._place += len(written)
        return self._one(written)

    def _edge(self, sign: str) -> Assertion:
        lines = bool(self._flags & re.MULTILINE)
        if sign == "^":
            return _at_line_start if lines else _at_start
        return _at_line_end if lines else _at_end

    def _one(self, written: str) -> Node:
        if written in _EDGES:
            return One(holds=_EDGES[written])
        if written[:1] == "\\" and (written[1:2] in "123456789" or written == "\\N"):
            raise Invalid(f"the pattern has {written}, a reference to a group or a named character: not supported")
        source = written if len(written) > 1 or written == "." else re.escape(written)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return One(test=re.compile(source, self._flags).fullmatch)

    def _group(self) -> Node:
        found = _OPENING.match(self._text, self._place)
        if found is None:
            beginning = self._text[self._place : self._place + 4]
            raise Invalid(
                f"the pattern has {beginning!r}: looking ahead or behind, conditions and flags are not supported"
            )
        self._place, self._depth = found.end(), self._depth + 1
        if self._depth > _DEEPEST:
            raise Invalid(f"the pattern has groups more than {_DEEPEST} deep")
        inner = self._alternatives()
        self._place, self._depth = self._place + 1, self._depth - 1
        return inner
