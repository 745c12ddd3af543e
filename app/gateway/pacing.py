"""May a server be sent another request now, and how many may be under way there?"""

from time import monotonic

from app.gateway.waiting import FIRST_WAIT, LONGEST_WAIT

PATIENCE = 4
REGAIN = 1.05


class Pace:
    """The room of one server, and the circuit that keeps requests from it while it is down.

    Lone faults mean little and are only retried. Some in a row make the server rest, for as long as it asked, else for
    a time that doubles; and its room is halved, which successes give back, each of them a twentieth. When they were no
    mere words to slow down, the server counts as down until a success: after each rest one request at a time, a probe,
    finds out whether it lives. A single word to slow down makes a server rest while its room is small.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.under_way = 0
        self.sent = 0
        self.down = False
        self.lived = False  # has anything succeeded here?
        self._room = float(most)
        self._faults = self._rests = 0
        self._probing = False
        self._closed_until = 0.0

    @property
    def room(self) -> int:
        """How many more requests may be sent now."""
        if self.rest():
            return 0
        if self.down:
            return 0 if self._probing else 1
        return min(int(self._room), self.most) - self.under_way

    def rest(self) -> float:
        """Seconds until requests may be sent again."""
        return max(0.0, self._closed_until - monotonic()) if self._closed_until else 0.0

    def begin(self) -> bool:
        """Count in a request that is sent now; is it a probe?"""
        self.under_way += 1
        self.sent += 1
        self._probing = self.down
        return self.down

    def end(self, probe: bool) -> None:
        """Count out a request, whatever came of it."""
        self.under_way -= 1
        if probe:
            self._probing = False

    def pause(self, seconds: float) -> None:
        """Send nothing for this long, though all is well: a limit is used up."""
        self._closed_until = max(self._closed_until, monotonic() + seconds)

    def answered(self) -> bool:
        """Count a success; does the server live again? One that was sent before it went down does not tell."""
        was_down = self.down
        if was_down and self.rest():
            return False
        self._faults = self._rests = 0
        self.down, self.lived = False, True
        self._room = min(float(self.most), self._room * REGAIN)
        return was_down

    def failed(self, asked: float | None, crowded: bool, probe: bool = False) -> None:
        """Count a fault; those of requests sent before the server went down, or rested, belong to that event."""
        if self.rest():
            self.pause(asked or 0.0)
        elif probe or not self.down:
            self._faults += 1
            if probe or self._faults >= PATIENCE or (crowded and self._room < self.most):
                self._close(asked, crowded, probe)

    def _close(self, asked: float | None, crowded: bool, probe: bool) -> None:
        own = min(LONGEST_WAIT, FIRST_WAIT * 2**self._rests)
        self.pause(own if asked is None else max(asked, own) if probe else asked)
        if crowded or not probe:
            self._room = max(1.0, self._room / 2)
        self.down = not crowded
        self._rests += 1
        self._faults = 0
