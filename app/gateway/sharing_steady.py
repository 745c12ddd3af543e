"""Keeps work going while the shared limits are out of reach, and goes back to them as soon as they can be had."""

import logging
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from app.domain.allowances import Grant, Rule
from app.gateway.seen import Seen
from app.gateway.sharing_alone import AloneSharing

if TYPE_CHECKING:
    from app.gateway.sharing import Sharing

# After a failure the next try comes a second later, or later still when failing takes long (a name that is looked up):
# whatever fails, nine tenths of the time are left for work.
RETRY_SECONDS = 1.0
RETRY_SHARE = 10

_log = logging.getLogger(__name__)
Told = TypeVar("Told")


class SteadySharing:
    """Implements Sharing over one that raises OSError when it cannot answer."""

    def __init__(self, shared: "Sharing") -> None:
        self._shared = shared
        self._alone = AloneSharing()
        self._again = 0.0
        self._lost = False

    def take(self, key: str, rule: Rule, requests: int, tokens: int, party: str) -> Grant:
        return self._first(lambda one: one.take(key, rule, requests, tokens, party))

    def give_back(self, key: str, requests: int, tokens: int) -> None:
        self._first(lambda one: one.give_back(key, requests, tokens))

    def correct(self, key: str, tokens: int) -> None:
        self._first(lambda one: one.correct(key, tokens))

    def slots(self, key: str, rule: Rule, holder: str, party: str, wanted: int, under_way: int) -> int:
        given = self._first(lambda one: one.slots(key, rule, holder, party, wanted, under_way))
        self._alone.heard(key, holder, given)
        return given

    def leave(self, key: str, holder: str) -> None:
        self._alone.leave(key, holder)
        self._first(lambda one: one.leave(key, holder))

    def rest(self, key: str, seconds: float) -> None:
        self._alone.rest(key, seconds)
        self._first(lambda one: one.rest(key, seconds))

    def resting(self, key: str) -> float:
        return self._first(lambda one: one.resting(key))

    def seen(self) -> list[Seen]:
        return self._first(lambda one: one.seen())

    def _first(self, ask: "Callable[[Sharing], Told]") -> Told:
        """The shared answer, or our own; says once that it went and once that it came back."""
        began = monotonic()
        if began < self._again:
            return ask(self._alone)
        try:
            told = ask(self._shared)
        except OSError as trouble:
            if not self._lost:
                _log.warning(
                    "The shared limits are out of reach, so this process keeps to its part of them: %s", trouble
                )
            self._lost = True
            self._again = monotonic() + max(RETRY_SECONDS, RETRY_SHARE * (monotonic() - began))
            return ask(self._alone)
        if self._lost:
            _log.warning("The shared limits are in reach again.")
        self._lost = False
        return told
