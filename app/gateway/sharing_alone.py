"""What one process allows itself while the shared limits are out of reach: a part of each that others do not count on."""

from dataclasses import replace
from time import monotonic

from app.domain import allowances
from app.domain.allowances import Flow, Grant, Rule
from app.domain.slots import Register
from app.gateway.seen import Seen, seen

# How many processes may be sharing a key, as long as none of them has heard what is its part.
UNHEARD = 8


class AloneSharing:
    """Implements Sharing for one process.

    A holder keeps the slots it was given last, and may send the same part of a minute's limits; one that never heard
    has an eighth. Nobody has less than one slot and one request a minute, so that an outage ends no work.
    """

    def __init__(self) -> None:
        self._flows: dict[str, Flow] = {}
        self._given: dict[str, dict[str, int]] = {}

    def take(self, key: str, rule: Rule, requests: int, tokens: int, party: str) -> Grant:
        flow = self._flows.get(key, Flow())
        self._flows[key], grant = allowances.taken(flow, self._part(key, rule), requests, tokens, party, monotonic())
        return grant

    def give_back(self, key: str, requests: int, tokens: int) -> None:
        self._flows[key] = allowances.given_back(self._flows.get(key, Flow()), requests, tokens, monotonic())

    def correct(self, key: str, tokens: int) -> None:
        self._flows[key] = allowances.corrected(self._flows.get(key, Flow()), tokens, monotonic())

    def slots(self, key: str, rule: Rule, holder: str, party: str, wanted: int, under_way: int) -> int:
        if rule.in_flight is None or wanted <= 0:
            return max(0, wanted)
        return min(wanted, max(1, self._given.get(key, {}).get(holder, rule.in_flight // UNHEARD)))

    def leave(self, key: str, holder: str) -> None:
        self._given.get(key, {}).pop(holder, None)

    def rest(self, key: str, seconds: float) -> None:
        self._flows[key] = allowances.rested(self._flows.get(key, Flow()), seconds, monotonic())

    def resting(self, key: str) -> float:
        return max(0.0, self._flows.get(key, Flow()).rest_until - monotonic())

    def seen(self) -> list[Seen]:
        now = monotonic()
        return [seen(key, flow, Register(), now) for key, flow in sorted(self._flows.items())]

    def heard(self, key: str, holder: str, slots: int) -> None:
        """Keep in mind what this process was given when the limits were in reach."""
        self._given.setdefault(key, {})[holder] = slots

    def _part(self, key: str, rule: Rule) -> Rule:
        given = self._given.get(key)
        whole = rule.in_flight if given and rule.in_flight else UNHEARD
        part = min(1.0, max(1, sum(given.values()) if given and rule.in_flight else 1) / whole)
        return replace(
            rule,
            requests_per_minute=_some(rule.requests_per_minute, part),
            tokens_per_minute=_some(rule.tokens_per_minute, part),
        )


def _some(limit: int | None, part: float) -> int | None:
    return None if limit is None else max(1, int(limit * part))
