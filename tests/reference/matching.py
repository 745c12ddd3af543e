"""Compares what a method gives with what a table expects, number by number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

PRINTED = 1e-9  # tables print ten significant digits: a larger number is not known better than this part of it


@dataclass(frozen=True)
class Scaled:
    """A value in another unit than the tolerance is in: `unit` of its own are one of the tolerance's."""

    value: Any
    unit: float


@dataclass
class Matching:
    """What was compared, what a method cannot give, and what differs, in words."""

    compared: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)


def match(found: Mapping[str, Any], wanted: Mapping[str, Any], tolerance: float) -> Matching:
    """Compares every key that is wanted and found; wanted alone is left out, found alone says nothing."""
    matching = Matching()
    _object(found, wanted, tolerance, "", matching)
    return matching


def _object(found: Mapping[str, Any], wanted: Mapping[str, Any], tolerance: float, at: str, into: Matching) -> None:
    for key, value in wanted.items():
        name = f"{at}{key}"
        if key not in found:
            into.left_out.append(name)
        elif isinstance(value, Mapping) and isinstance(found[key], Mapping):
            _object(found[key], value, tolerance, f"{name}.", into)
        else:
            into.compared.append(name)
            _value(found[key], value, tolerance, name, into)


def _value(found: Any, wanted: Any, tolerance: float, name: str, into: Matching) -> None:
    if isinstance(found, Scaled):
        _value(found.value, wanted, tolerance * found.unit, name, into)
    elif _is_list(found) and _is_list(wanted):
        if len(found) != len(wanted):
            into.different.append(f"{name} has {len(found)} values, wanted are {len(wanted)}")
            return
        for place, (one, other) in enumerate(zip(found, wanted, strict=True)):
            _value(one, other, tolerance, f"{name}[{place}]", into)
    elif isinstance(found, Mapping) and isinstance(wanted, Mapping):
        row = Matching()
        _object(found, wanted, tolerance, f"{name}.", row)
        into.left_out += row.left_out
        into.different += row.different
    elif not _alike(found, wanted, tolerance):
        into.different.append(f"{name} is {found!r}, wanted is {wanted!r}")


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _alike(found: Any, wanted: Any, tolerance: float) -> bool:
    if _is_number(found) and _is_number(wanted):
        return bool(found == wanted or abs(found - wanted) <= max(tolerance, PRINTED * abs(wanted)))
    return type(found) is type(wanted) and bool(found == wanted)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
