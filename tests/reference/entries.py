"""Reads a table of reference figures: a list of entries with method, input, expected and tolerance."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
NAME = "statistics_reference.json"
FORM = 'a list of objects with "method", "input", "expected" and "tolerance"'


class WrongShape(Exception):
    """The file, or an entry's input, is not of the form that is read here; the message says where and how."""


@dataclass(frozen=True)
class Entry:
    """One call of a method with what it must give; `place` counts from 0 in the file."""

    place: int
    method: str
    given: Mapping[str, Any]
    wanted: Mapping[str, Any]
    tolerance: float


def reference_file() -> Path | None:
    """The design's own table: named by AGON_TEST_REFERENCE, else in shared/design beside or in the checkout."""
    named = os.environ.get("AGON_TEST_REFERENCE")
    places = [Path(named)] if named else [top / "shared" / "design" / NAME for top in (ROOT.parent, ROOT)]
    return next((place for place in places if place.is_file()), None)


def read(path: Path) -> list[Entry]:
    """The entries of a file; WrongShape when it cannot be read or has another form."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as trouble:
        raise WrongShape(f"{path} cannot be read: {trouble.strerror}") from None
    except UnicodeDecodeError:
        raise WrongShape(f"{path} is not text in UTF-8; needed is JSON: {FORM}") from None
    except (json.JSONDecodeError, RecursionError) as trouble:
        raise WrongShape(f"{path} is not JSON ({trouble}); needed is {FORM}") from None
    if not isinstance(found, list):
        raise WrongShape(f"{path} holds {_kind(found)}; needed is {FORM}")
    if not found:
        raise WrongShape(f"{path} holds an empty list, so there is nothing to check; needed is {FORM}")
    return [_entry(place, one) for place, one in enumerate(found)]


def _entry(place: int, one: object) -> Entry:
    if not isinstance(one, dict):
        raise WrongShape(f"entry {place} is {_kind(one)}; needed is {FORM}")
    for key, kind, name in (("method", str, "a text"), ("input", dict, "an object"), ("expected", dict, "an object")):
        if not isinstance(one.get(key), kind):
            raise WrongShape(f'entry {place}: "{key}" must be {name}, and is {_kind(one.get(key))}')
    tolerance = one.get("tolerance")
    if isinstance(tolerance, bool) or not isinstance(tolerance, int | float):
        raise WrongShape(f'entry {place}: "tolerance" must be a number, and is {_kind(tolerance)}')
    if not isfinite(tolerance) or tolerance < 0:
        raise WrongShape(f'entry {place}: "tolerance" must be at least 0, and is {tolerance}')
    return Entry(place, one["method"], one["input"], one["expected"], float(tolerance))


def _kind(value: object) -> str:
    if value is None:
        return "missing or null"
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    return kinds.get(type(value), "a number")
