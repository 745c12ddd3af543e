"""How numbers read: the same everywhere, with true minus signs, and a dash where there is none."""

from collections.abc import Callable
from datetime import UTC, datetime
from math import isfinite

MISSING = "–"
MINUS = "\N{MINUS SIGN}"
THIN = "\N{NARROW NO-BREAK SPACE}"


def score(value: float | None, digits: int = 3) -> str:
    """A score between 0 and 1, or a rating with `digits=0`."""
    return f"{value:.{digits}f}".replace("-", MINUS) if value is not None and isfinite(value) else MISSING


def signed(value: float | None, digits: int = 3) -> str:
    """A difference: always with its sign, unless it rounds to nothing."""
    if value is None or not isfinite(value):
        return MISSING
    rounded = round(value, digits)
    return f"{rounded:+.{digits}f}".replace("-", MINUS) if rounded else f"{0:.{digits}f}"


def thousands(value: float | None, separator: str = ",") -> str:
    """A count: 7,480; pass THIN for a narrow blank instead of the comma."""
    if value is None or not isfinite(value):
        return MISSING
    return f"{round(value):,}".replace("-", MINUS).replace(",", separator)


def percent(share: float | None, digits: int = 0) -> str:
    """A share of 1 as a percentage."""
    return f"{share * 100:.{digits}f}%".replace("-", MINUS) if share is not None and isfinite(share) else MISSING


def p_value(p: float | None) -> str:
    """A probability that never reads as none at all."""
    if p is None:
        return MISSING
    return "below 0.0001" if p < 0.0001 else f"{p:.4f}"


def money(micros: int | None, currency: str = "$") -> str:
    """Micro-units of money; small sums keep enough digits to differ from nothing, None is unknown."""
    if micros is None:
        return "unknown"
    if micros >= 100_000 or micros == 0:
        return f"{currency}{micros / 1_000_000:,.2f}"
    return f"{currency}{micros / 1_000_000:.6f}".rstrip("0")


def duration(seconds: float | None) -> str:
    """Seconds in the two largest units that matter."""
    if seconds is None or not isfinite(seconds):
        return MISSING
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    for size, name, part, part_name in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            return f"{whole // size} {name} {whole % size // part} {part_name}"
    raise AssertionError(whole)


def moment(when: datetime | None) -> str:
    """A time in UTC, as text."""
    return f"{when.astimezone(UTC):%d %b %Y, %H:%M} UTC" if when else MISSING


def between(low: float | None, high: float | None, digits: int = 3) -> str:
    """An interval of scores; as of differences, with an ellipsis, where a score is below zero."""
    dash = "…" if low is not None and low < 0 else "–"
    return f"{score(low, digits)}{dash}{score(high, digits)}"


def signed_between(low: float | None, high: float | None, digits: int = 3) -> str:
    """An interval of differences, with an ellipsis: a dash beside a minus misreads."""
    return f"{signed(low, digits)}…{signed(high, digits)}"


FILTERS: dict[str, Callable[..., str]] = {
    "score": score,
    "signed": signed,
    "thousands": thousands,
    "percent": percent,
    "money": money,
    "p_value": p_value,
    "duration": duration,
    "moment": moment,
    "between": between,
    "signed_between": signed_between,
}
