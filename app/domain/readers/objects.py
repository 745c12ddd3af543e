"""Finds the one JSON object with which a reply ends, or says why there is no such object."""

import json
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from app.domain.answers import comparable
from app.domain.readers.readings import Unreadable

_MOST_BRACES = 50
_LONGEST_NUMBER = 400
_AFTER = re.compile(r"[\s`]*")
_LIKE_AN_OBJECT = re.compile(r"\s*[\"'“”„«‘’}]|[^{}]*:")

Object = dict[str, Any]


class _Broken(ValueError):
    """Valid JSON in form that still says nothing certain."""


def the_object(reply: str) -> Object:
    """The names of its fields are folded by `folded`; its numbers are Decimal.

    Text and code fences may stand before it, only blanks and a closing fence after it: what follows an answer may
    take it back. Raises Unreadable when there is none, when two differ, or when something else looks like one.
    """
    found: list[Object] = []
    place, braces, end = reply.find("{"), 0, 0
    while place >= 0:
        braces += 1
        if braces > _MOST_BRACES:
            raise Unreadable("the reply has too many braces to tell which is the JSON object")
        try:
            value, end = _decoder.raw_decode(reply, place)
            found.append(value)
        except _Broken as fault:
            raise Unreadable(f"the JSON object {fault}") from None
        except (ValueError, RecursionError):
            _refuse_lookalike(reply, place)
        place = reply.find("{", max(end, place + 1))
    if not found:
        raise Unreadable("the reply holds no JSON object")
    if _differ(found):
        raise Unreadable("the reply holds two different JSON objects")
    if _AFTER.fullmatch(reply, end) is None:
        raise Unreadable("text follows the JSON object")
    return found[0]


def _differ(found: list[Object]) -> bool:
    try:
        return any(other != found[0] for other in found[1:])
    except RecursionError:
        return True


def _refuse_lookalike(reply: str, place: int) -> None:
    """Braces in prose or formulas are passed over; a broken object is not, since it may hold another answer."""
    if _LIKE_AN_OBJECT.match(reply, place + 1):
        raise Unreadable("the JSON object is broken or incomplete")


def folded(name: str) -> str:
    """A field's name without case and surrounding blanks."""
    return " ".join(name.casefold().split())


def _unique(pairs: Iterable[tuple[str, Any]]) -> Object:
    made: Object = {}
    for name, value in pairs:
        key = folded(name)
        if key in made:
            raise _Broken(f"has the field {comparable(key)[:40]} twice")
        made[key] = value
    return made


def _number(digits: str) -> Decimal:
    if len(digits) > _LONGEST_NUMBER:
        raise _Broken("holds a number of too many digits")
    try:
        return Decimal(digits)
    except ArithmeticError:
        raise _Broken("holds a number that is too large") from None


def _constant(name: str) -> Any:
    raise _Broken(f"holds {name}, which is no JSON")


_decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_number, parse_int=_number, parse_constant=_constant)
