"""Where a value stands in JSON text: byte positions, which no parser of the standard library tells."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

Step = str | int

MOST_DEPTH = 100
MOST_STARTS = 8  # openings that are tried: a reply may hold braces before its JSON
_BLANK = re.compile(rb"[ \t\r\n]*+")
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_LITERAL = re.compile(rb"true|false|null|-?\d++(?:\.\d++)?(?:[eE][+-]?\d++)?")
_OPENING = re.compile(rb"[{\[]")
_BEGUN = re.compile(rb'\{[ \t\r\n]*+"[^"\\]*+(?:\\.[^"\\]*+)*+"[ \t\r\n]*+:', re.DOTALL)


@dataclass(frozen=True)
class Span:
    """The bytes [start, end) of a value; of a string without its opening and with its closing quote."""

    start: int
    end: int
    quoted: bool


class _Broken(Exception):
    """The text is no JSON from here."""


def find_value(text: bytes, path: Sequence[Step], begin: int = 0) -> Span | None:
    """The span of the string, number, true, false or null that a path of keys and places names.

    The first whole object or list (from `begin` on) that holds the path counts, whatever stands around it; of equal
    keys the last, as parsers read them. None when the JSON is broken or has no such value there; it never raises.
    """
    for _ in range(MOST_STARTS):
        opening = _OPENING.search(text, begin)
        if opening is None:
            return None
        begin = opening.start() + 1
        try:
            begin, span = _scan(text, opening.start(), tuple(path), 0)
        except _Broken:
            if _BEGUN.match(text, opening.start()):  # what stands inside a broken object is not the reply's own
                return None
            continue
        if span is not None:
            return span
    return None


def _scan(text: bytes, at: int, path: tuple[Step, ...] | None, depth: int) -> tuple[int, Span | None]:
    """Where the value that starts here ends, and the span that the path names in it; a path of None names none."""
    if depth > MOST_DEPTH:
        raise _Broken
    mark = text[at : at + 1]
    if mark in (b"{", b"["):
        return _scan_parts(text, at + 1, path, depth, b"}" if mark == b"{" else b"]")
    found = (_STRING if mark == b'"' else _LITERAL).match(text, at)
    if found is None:
        raise _Broken
    quoted = mark == b'"'
    return found.end(), Span(at + quoted, found.end(), quoted) if path == () else None


def _scan_parts(
    text: bytes, at: int, path: tuple[Step, ...] | None, depth: int, close: bytes
) -> tuple[int, Span | None]:
    """The members of an object or the items of a list, from after its opening to after its end."""
    span, place, at = None, 0, _skip(text, at)
    if text.startswith(close, at):
        return at + 1, None
    while True:
        step: Step = place
        if close == b"}":
            at, step = _key(text, at)
        on = path[1:] if path and type(path[0]) is type(step) and path[0] == step else None
        at, within = _scan(text, at, on, depth + 1)
        span = within if on is not None else span
        at, place = _skip(text, at), place + 1
        if text.startswith(close, at):
            return at + 1, span
        if not text.startswith(b",", at):
            raise _Broken
        at = _skip(text, at + 1)


def _key(text: bytes, at: int) -> tuple[int, str]:
    """Where the value after this key begins, and the key."""
    found = _STRING.match(text, at)
    if found is None:
        raise _Broken
    at = _skip(text, found.end())
    if not text.startswith(b":", at):
        raise _Broken
    return _skip(text, at + 1), _plain(found.group())


def _plain(quoted: bytes) -> str:
    """The text that a JSON string stands for; as it is written, where its escapes are broken."""
    text = quoted.decode("utf-8", "replace")
    if "\\" not in text:
        return text[1:-1]
    try:
        return str(json.loads(text, strict=False))
    except ValueError:
        return text[1:-1]


def _skip(text: bytes, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at
