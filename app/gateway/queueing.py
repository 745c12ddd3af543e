"""Where calls wait that hold no worker: until a time, until their server has room, or for the next free worker."""

import asyncio
from collections import defaultdict
from collections.abc import Hashable
from heapq import heappop, heappush
from itertools import count
from typing import Generic, Protocol, TypeVar


class Queueing(Hashable, Protocol):
    attempts: int


Waiting = TypeVar("Waiting", bound=Queueing)
Place = tuple[float, int]


class WaitingRoom(Generic[Waiting]):
    """Calls that were taken and are not under way; belongs to one event loop.

    Whoever has more attempts behind it goes first, for it has fewer left.
    """

    def __init__(self) -> None:
        self._numbers = count()
        self._due: asyncio.PriorityQueue[tuple[Place, Waiting | None]] = asyncio.PriorityQueue()
        self._sleeping: dict[Waiting, asyncio.TimerHandle] = {}
        self._parked: dict[Hashable, list[tuple[Place, Waiting]]] = defaultdict(list)

    @property
    def held(self) -> int:
        """How many wait for a time or for their server."""
        return len(self._sleeping) + sum(map(len, self._parked.values()))

    @property
    def due(self) -> bool:
        return not self._due.empty()

    async def take(self) -> Waiting | None:
        """The next call that is due, whenever that is; None when the room was closed."""
        return (await self._due.get())[1]

    def now(self, call: Waiting) -> None:
        self._due.put_nowait((self._place(call), call))

    def later(self, call: Waiting, seconds: float) -> None:
        self._sleeping[call] = asyncio.get_running_loop().call_later(seconds, self._wake, call)

    def park(self, call: Waiting, server: Hashable) -> None:
        heappush(self._parked[server], (self._place(call), call))

    def parked_at(self, server: Hashable) -> bool:
        return bool(self._parked.get(server))

    def release(self, server: Hashable, room: int) -> None:
        """Make up to `room` of the calls due that wait for this server."""
        parked = self._parked[server]
        for _ in range(min(len(parked), room)):
            self.now(heappop(parked)[1])

    def drain(self) -> list[Waiting]:
        """Take out everything that waits."""
        for timer in self._sleeping.values():
            timer.cancel()
        waiting = [*self._sleeping, *(call for parked in self._parked.values() for _, call in parked)]
        self._sleeping.clear()
        self._parked.clear()
        while self.due:
            if (call := self._due.get_nowait()[1]) is not None:
                waiting.append(call)
        return waiting

    def close(self, workers: int) -> None:
        """Send this many workers home."""
        for _ in range(workers):
            self._due.put_nowait(((float("inf"), next(self._numbers)), None))

    def _place(self, call: Waiting) -> Place:
        return -call.attempts, next(self._numbers)

    def _wake(self, call: Waiting) -> None:
        del self._sleeping[call]
        self.now(call)
