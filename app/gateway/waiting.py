"""How long to wait before asking again, and how many requests a crowded server is sent at once."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from random import Random
from time import monotonic

FIRST_WAIT = 0.5
LONGEST_WAIT = 8.0
PATIENCE = 4
REGAIN = 1.05


def backoff(attempts: int, dice: Random) -> float:
    """Seconds before the next attempt: exponential with full jitter.

    Marc Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.
    """
    return dice.uniform(0, min(LONGEST_WAIT, FIRST_WAIT * 2 ** (attempts - 1)))


def asked_to_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds that a reply asks to wait: `retry-after-ms`, or `retry-after` as seconds or as an HTTP date.

    A date is read against the reply's own `Date`, so that no clock of ours matters.
    """
    for name, scale in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        if (seconds := _number(headers.get(name, ""), scale)) is not None:
            return seconds
    try:
        until = parsedate_to_datetime(headers["retry-after"])
        return max(0.0, (until - parsedate_to_datetime(headers["date"])).total_seconds())
    except (KeyError, TypeError, ValueError):
        return None


def _number(text: str, scale: float) -> float | None:
    try:
        seconds = float(text) / scale
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None


class Pace:
    """The room one server has for requests under way.

    Lone faults mean little and are only retried. Some in a row mean that the server is full or down: the room is
    halved and nothing is sent until the wait it asked for, else one that doubles, is over; so a server that restarts
    costs few requests. Once the room is small, a single "slow down" is enough to rest again, until the successes,
    each of which gives a twentieth back, have restored all of it.
    """

    def __init__(self, most: int) -> None:
        self._most = self._room = float(most)
        self._faults = 0
        self._rests = 0
        self._closed_until = 0.0
        self.under_way = 0

    @property
    def room(self) -> int:
        """How many more requests may be sent now; a rest aside."""
        return int(self._room) - self.under_way

    def rest(self) -> float:
        """Seconds until requests may be sent again."""
        return max(0.0, self._closed_until - monotonic())

    def answered(self) -> None:
        self._faults = self._rests = 0
        self._room = min(self._most, self._room * REGAIN)

    def failed(self, asked: float | None, crowded: bool) -> None:
        """Count a fault; those that come while the server rests belong to the event that made it rest."""
        if self.rest():
            self._closed_until = max(self._closed_until, monotonic() + (asked or 0.0))
            return
        self._faults += 1
        if self._faults >= PATIENCE or (crowded and self._room < self._most):
            own = min(LONGEST_WAIT, FIRST_WAIT * 2**self._rests)
            self._closed_until = monotonic() + (own if asked is None else asked)
            self._room = max(1.0, self._room / 2)
            self._rests += 1
            self._faults = 0
