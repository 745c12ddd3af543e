"""JSON Lines: one object a line, and what makes a line no row."""

import json
from collections.abc import Callable, Iterator
from math import isinf
from typing import Any

from app.domain.findings import Findings
from app.domain.prompts import clean

_DEEPEST = 50

Dropped = Callable[[int], None]


def json_rows(
    text: str, max_row_bytes: int, findings: Findings, dropped: Dropped
) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line, values) of every line that holds an object; `dropped` is told how many characters were cleaned away."""
    if text.lstrip().startswith("["):
        message = "this is one JSON array; write one object a line instead (JSON Lines), without [ ] and commas between"
        findings.add(message, "line 1")
        return
    lines = text.split("\n") if "\n" in text else text.split("\r")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        if row_too_large(line, max_row_bytes):
            findings.add(too_large_message(max_row_bytes), f"line {number}")
            continue
        try:
            yield number, _row(line, dropped)
        except json.JSONDecodeError as fault:
            findings.add(f"is not valid JSON: {fault.msg} at character {fault.colno}", f"line {number}")
        except RecursionError:
            findings.add(f"is not valid JSON for us: nested deeper than {_DEEPEST} levels", f"line {number}")
        except ValueError as fault:
            findings.add(str(fault), f"line {number}")


def row_too_large(text: str, max_row_bytes: int) -> bool:
    """Whether this takes more than so many bytes in UTF-8; cheap however long the text is."""
    if len(text) > max_row_bytes or 4 * len(text) <= max_row_bytes:
        return len(text) > max_row_bytes
    return len(text.encode("utf-8", "surrogatepass")) > max_row_bytes


def too_large_message(max_row_bytes: int) -> str:
    return f"is larger than {max_row_bytes // 1000} kB, the most that one example may have"


def without_lost(text: str, dropped: Dropped) -> str:
    """The text without what no database keeps (NUL, lone surrogates)."""
    kept, lost = clean(text)
    if lost:
        dropped(lost)
    return kept


def _row(line: str, dropped: Dropped) -> dict[str, Any]:
    """Raises ValueError (JSONDecodeError where it is no JSON) or RecursionError."""
    value = _decode(without_lost(line, dropped))
    if not isinstance(value, dict):
        raise ValueError("is not a JSON object")
    row: dict[str, Any] = _kept(value, dropped, _DEEPEST)
    if "" in row:
        raise ValueError("has a column without a name")
    return row


def _kept(value: Any, dropped: Dropped, levels: int) -> Any:
    """The value with every text in it cleaned: escapes may bring in what the file itself could not hold."""
    if isinstance(value, str):
        return without_lost(value, dropped)
    if not isinstance(value, dict | list):
        return value
    if levels == 0:
        raise RecursionError
    if isinstance(value, list):
        return [_kept(inner, dropped, levels - 1) for inner in value]
    return _unique([(without_lost(name, dropped), _kept(inner, dropped, levels - 1)) for name, inner in value.items()])


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in pairs:
        if name in made:
            raise ValueError(f"the name {name[:80]} is used twice")
        made[name] = value
    return made


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _finite(digits: str) -> float:
    number = float(digits)
    if isinf(number):
        raise ValueError(f"the number {digits[:20]} is too large")
    return number


_decode = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_unique).decode
