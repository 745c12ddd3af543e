"""Reads a column of times: ISO 8601 and other usual forms, one form for the whole column, UTC where no zone is given."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from app.domain.cells import absent

Reader = Callable[[Any], datetime | None]

_CLOCKS = ("", " %H:%M", " %H:%M:%S")
_DAY_FIRST, _MONTH_FIRST = "%d/%m/%Y", "%m/%d/%Y"
_DAYS = ("%Y/%m/%d", "%d.%m.%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y")
_SECONDS = (100_000_000, 4_200_000_000)  # from 1973 to 2103
_YEARS = (1000, 9000)  # no zone leads out of what a database can hold


def _settled(found: datetime) -> datetime | None:
    if not _YEARS[0] < found.year < _YEARS[1]:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _iso(value: Any) -> datetime | None:
    """Digits alone are a count of seconds or a number, never a date without its hyphens."""
    if not isinstance(value, str) or value.strip().isdigit():
        return None
    try:
        return _settled(datetime.fromisoformat(value.strip()))
    except ValueError:
        return None


def _mail(value: Any) -> datetime | None:
    try:
        return _settled(parsedate_to_datetime(value)) if isinstance(value, str) and ":" in value else None
    except (ValueError, TypeError, OverflowError):
        return None


def _epoch(value: Any) -> datetime | None:
    """Seconds or milliseconds since 1970."""
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit() and len(value) < 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    low, high = _SECONDS
    if 1000 * low <= value < 1000 * high:
        value = value / 1000
    return datetime.fromtimestamp(value, UTC) if low <= value < high else None


def _written(day: str) -> Reader:
    def read(value: Any) -> datetime | None:
        text = " ".join(value.split()) if isinstance(value, str) else ""
        for clock in _CLOCKS if text[:1].isalnum() and len(text) < 40 else ():
            try:
                return _settled(datetime.strptime(text, day + clock))
            except ValueError:
                continue
        return None

    return read


_READERS: tuple[Reader, ...] = (_iso, _epoch, _mail, *map(_written, _DAYS))


def time_reader(values: Sequence[Any]) -> tuple[Reader | None, str]:
    """(what reads every value that is there, nothing) or (None, why there is no such reader)."""
    given = [value for value in values if not absent(value)]
    if not given:
        return None, "holds no times"
    for reader in _READERS:
        if _all(reader, given):
            return reader, ""
    day, month = _all(_written(_DAY_FIRST), given), _all(_written(_MONTH_FIRST), given)
    if day and month:
        return None, "could have the day first or the month first; write dates as 2023-07-16"
    if day or month:
        return _written(_DAY_FIRST if day else _MONTH_FIRST), ""
    return None, ""


def commonest_reader(values: Sequence[Any]) -> Reader:
    """The form that reads most of them, so that the rows which it cannot read can be named."""
    given = [value for value in values if not absent(value)][:1000]
    return max(_READERS, key=lambda reader: sum(reader(value) is not None for value in given))


def _all(reader: Reader, values: Iterable[Any]) -> bool:
    return all(reader(value) is not None for value in values)
