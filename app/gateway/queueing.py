"""Where calls wait that hold no worker: until a time, until their server has room, or for the next free worker."""

import asyncio
from collections.abc import Iterable
from itertools import islice

from app.gateway.allowing import Allowance
from app.gateway.asking import Call
from app.gateway.calls import Purchase, Request
from app.gateway.faults import Fault
from app.gateway.pacing import Pace
from app.gateway.wire import Wire


class Line:
    """One server in one run: its pace, its wire once there is one, and the calls that wait for it.

    `most` requests may be under way there; `crowd` calls may sleep between two attempts before no other is sent, so
    that a broken server is not asked everything once.
    """

    def __init__(self, most: int, crowd: int, allowance: Allowance | None = None) -> None:
        self.pace = Pace(most)
        self._most, self._allowance = most, allowance
        self.wire: Wire | None = None
        self.parked: dict[Call, asyncio.TimerHandle | None] = {}
        self.sleeping: dict[Call, asyncio.TimerHandle] = {}
        self.reopening = False
        self._crowd = crowd

        self.beat()

    @property
    def room(self) -> int:
        """How many calls may be sent now."""
        return self.pace.room if len(self.sleeping) < self._crowd else 0

    def beat(self) -> None:
        """Hear, about once a second, what all workers together leave to this one."""
        if self._allowance:
            self.pace.most = self._allowance.slots(self._most, self.pace.under_way)
            if rest := self._allowance.resting():
                self.pace.pause(rest)

    def granted(self, request: Request) -> bool:
        """Whether the limits a minute let this request go now; if not, the server rests until they may."""
        wait = self._allowance.take(request) if self._allowance else 0.0
        if wait:
            self.pace.pause(wait)
        return not wait

    def over(self, request: Request, outcome: object) -> None:
        """A request is over: count what it really used, and let others know when the server asked for less."""
        if self._allowance:
            self._allowance.over(request, outcome if isinstance(outcome, Purchase) else None)
            if isinstance(outcome, Fault) and outcome.crowded and (rest := self.pace.rest()):
                self._allowance.rest(rest)

    async def close(self) -> None:
        if self._allowance:
            self._allowance.leave()
        if self.wire:
            await self.wire.close()


class WaitingRoom:
    """Calls that were taken and are not under way, first come first served; belongs to one event loop."""

    def __init__(self) -> None:
        self._due: asyncio.Queue[Call | None] = asyncio.Queue()
        self.held = 0  # how many wait for a time or for their server

    @property
    def due(self) -> bool:
        return not self._due.empty()

    async def take(self) -> Call | None:
        """The next call that is due, whenever that is; None when the room was closed."""
        return await self._due.get()

    def now(self, call: Call) -> None:
        self._due.put_nowait(call)

    def later(self, call: Call, line: Line, seconds: float) -> None:
        line.sleeping[call] = asyncio.get_running_loop().call_later(seconds, self._wake, call, line)
        self.held += 1

    def park(self, call: Call, line: Line, seconds: float | None) -> None:
        """Keep a call until its line is let in, or until these seconds are over."""
        loop = asyncio.get_running_loop()
        line.parked[call] = None if seconds is None else loop.call_later(seconds, self._release, call, line)
        self.held += 1

    def release(self, line: Line, count: int) -> None:
        """Make up to this many of the calls due that are parked there."""
        for call in tuple(islice(line.parked, max(count, 0))):
            self._release(call, line)

    def drain(self, lines: Iterable[Line]) -> list[Call]:
        """Take out everything that waits."""
        for line in lines:
            self.release(line, len(line.parked))
            for call, timer in list(line.sleeping.items()):
                timer.cancel()
                self._wake(call, line)
        waiting = [self._due.get_nowait() for _ in range(self._due.qsize())]
        return [call for call in waiting if call is not None]

    def close(self, workers: int) -> None:
        """Send this many workers home."""
        for _ in range(workers):
            self._due.put_nowait(None)

    def _wake(self, call: Call, line: Line) -> None:
        del line.sleeping[call]
        self.held -= 1
        self.now(call)

    def _release(self, call: Call, line: Line) -> None:
        if timer := line.parked.pop(call):
            timer.cancel()
        self.held -= 1
        self.now(call)
