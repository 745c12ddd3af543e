"""What one cell of a labelled file holds: found by a plain or dotted name, as text, or missing."""

import json
from collections.abc import Mapping
from typing import Any


def cell(values: Mapping[str, Any], name: str) -> Any:
    """What a row holds under a column's name or, by a dotted name, inside an object; None where it holds nothing."""
    if name in values or "." not in name:
        return values.get(name)
    outer, inner = name.split(".", 1)
    held = values.get(outer)
    return cell(held, inner) if isinstance(held, dict) else None


def spoken(name: str) -> str:
    """A column's name as it is recognised: in small letters, with single blanks, also for underscores."""
    return " ".join(name.replace("_", " ").split()).casefold()


def absent(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def absence(value: Any) -> str:
    """What to say of a value that is not there, or nothing."""
    if value is None:
        return "is missing"
    return "is empty" if absent(value) else ""


def plain(value: Any) -> str:
    """Text as it is; numbers and truth values as JSON writes them, 1.0 as 1."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return json.dumps(value) if isinstance(value, bool | float) else str(value)


def one_line(value: Any) -> str:
    """As `plain`, with single blanks between words."""
    return " ".join(plain(value).split())
