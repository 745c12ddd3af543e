"""When what was bought is handed on: by number, by age, and as an empty beat while calls are under way."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic

from app.gateway.calls import Purchase
from app.gateway.limits import Limits


class Saver:
    """Collects purchases and calls `record` with at most `save_every` of them; what `record` raises is passed on."""

    def __init__(self, record: Callable[[Sequence[Purchase]], None], limits: Limits) -> None:
        self._record = record
        self._limits = limits
        self._kept: list[Purchase] = []
        self._first = self._last = monotonic()
        self._recording = False

    def add(self, purchase: Purchase) -> None:
        if not self._kept:
            self._first = monotonic()
        self._kept.append(purchase)
        if len(self._kept) >= self._limits.save_every:
            self.flush()

    def flush(self) -> None:
        batch, self._kept = self._kept, []
        self._recording = True
        self._record(batch)
        self._recording = False
        self._last = monotonic()

    def finish(self) -> None:
        if self._kept:
            self.flush()

    def rescue(self) -> None:
        """Record what came before something broke, unless it was the recording that broke."""
        if not self._recording:
            with suppress(Exception):
                self.finish()

    async def tick(self) -> None:
        """Flush when the oldest purchase has waited long enough, or when nothing was recorded for a beat."""
        while True:
            await asyncio.sleep(max(0.0, self._due() - monotonic()))
            if monotonic() >= self._due():
                self.flush()

    def _due(self) -> float:
        """When to flush next; with nothing kept, when a purchase that came this moment would be due at the earliest."""
        age = (self._first if self._kept else monotonic()) + self._limits.save_seconds
        return min(age, self._last + self._limits.beat_seconds)
