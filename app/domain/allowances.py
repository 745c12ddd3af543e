"""Decides how many requests may be sent now under limits a minute that many processes share.

Each limit is a generic cell rate algorithm (ITU-T I.371): `due` is when everything taken so far will have been earned,
and taking may run ahead of it by a small burst. A minute thus holds at most the limit and one burst, wherever it
begins. `app/gateway/sharing.lua` says the same in Lua; a test holds the two together.
"""

from dataclasses import dataclass, field, replace
from math import floor

from app.domain.turns import Turns, let_pass, moved_back, refused, served, waiting

MINUTE = 60.0
BURST_SHARE = 0.03  # of a limit; at least one request. What a late caller may catch up with: 1.8 seconds' worth
EARLY = 1e-6  # seconds that a caller may come too soon, since a float of seconds since 1970 is no finer
LONGEST_REST = 3600.0


@dataclass(frozen=True)
class Rule:
    """What a provider allows one key; None is no limit."""

    in_flight: int | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None


@dataclass(frozen=True)
class Grant:
    """How many requests may be sent now; when none, after how many seconds to ask again."""

    requests: int
    wait: float = 0.0


@dataclass(frozen=True)
class Flow:
    """What one key has been sent; all times are seconds of one clock, `at` the latest it showed.

    The counts are of the minute of `at` and of the one before, for people to look at.
    """

    at: float = 0.0
    rule: Rule = field(default_factory=Rule)
    requests_due: float = 0.0
    tokens_due: float = 0.0
    rest_until: float = 0.0
    turns: Turns = field(default_factory=Turns)
    requests_now: int = 0
    requests_before: int = 0
    tokens_now: int = 0
    tokens_before: int = 0


def moved(flow: Flow, now: float) -> Flow:
    """The flow at this time; when the clock was set back, everything moves with it and nothing is won or lost."""
    back, minutes = max(0.0, flow.at - now), floor(now / MINUTE) - floor(flow.at / MINUTE)
    flow = replace(
        flow,
        at=now,
        requests_due=flow.requests_due - back,
        tokens_due=flow.tokens_due - back,
        rest_until=flow.rest_until - back,
        turns=moved_back(flow.turns, back) if back else flow.turns,
    )
    if minutes <= 0:
        return flow
    requests, tokens = (flow.requests_now, flow.tokens_now) if minutes == 1 else (0, 0)
    return replace(flow, requests_now=0, tokens_now=0, requests_before=requests, tokens_before=tokens)


def taken(flow: Flow, rule: Rule, requests: int, tokens: int, party: str, now: float) -> tuple[Flow, Grant]:
    """Take up to so many requests of about so many tokens each, if it is this party's turn.

    A request of more tokens than the burst waits for all of it and leaves a debt, so that a minute never holds more
    tokens than the limit and the largest of burst and one request.
    """
    flow = replace(moved(flow, now), rule=rule)
    if flow.rest_until > now:
        return flow, Grant(0, flow.rest_until - now)
    by_requests, requests_wait = _room(rule.requests_per_minute, flow.requests_due, 1, requests, now)
    by_tokens, tokens_wait = _room(rule.tokens_per_minute, flow.tokens_due, tokens, requests, now)
    count, wait = min(by_requests, by_tokens), max(requests_wait, tokens_wait)
    if requests <= 0 or not _share(rule, 1, tokens):
        return _counted(flow, count, count * tokens), Grant(count)
    wait = wait or let_pass(flow.turns, party, now)
    if wait:
        return replace(flow, turns=refused(flow.turns, party, wait, now)), Grant(0, wait)
    count = max(1, count // (1 + len(waiting(flow.turns, party, now))))
    flow = replace(flow, turns=served(flow.turns, party, _share(rule, count, tokens), now))
    return _counted(flow, count, count * tokens), Grant(count)


def given_back(flow: Flow, requests: int, tokens: int, now: float) -> Flow:
    """Return requests of so many tokens each that were granted and not sent."""
    return _counted(moved(flow, now), -requests, -requests * tokens)


def corrected(flow: Flow, tokens: int, now: float) -> Flow:
    """Count tokens beyond those taken, or fewer when negative."""
    return _counted(moved(flow, now), 0, tokens)


def rested(flow: Flow, seconds: float, now: float) -> Flow:
    """Send nothing for so long; a longer rest that was asked for before stays."""
    flow = moved(flow, now)
    return replace(flow, rest_until=max(flow.rest_until, now + min(seconds, LONGEST_REST)))


def used(flow: Flow, now: float) -> tuple[int, int]:
    """About how many requests and tokens the last 60 seconds held: the minute before counts by what is left of it."""
    flow = moved(flow, now)
    left = 1 - now % MINUTE / MINUTE
    requests, tokens = flow.requests_now + flow.requests_before * left, flow.tokens_now + flow.tokens_before * left
    return max(0, round(requests)), max(0, round(tokens))


def _room(limit: int | None, due: float, cost: int, most: int, now: float) -> tuple[int, float]:
    """How many of this cost may go now, and the seconds until the first may."""
    if limit is None or cost <= 0 or most <= 0:
        return max(0, most), 0.0
    burst = max(1.0, limit * BURST_SHARE)
    room = burst - max(0.0, due - now) * limit / MINUTE
    early, needed = EARLY * limit / MINUTE, min(float(cost), burst)
    if room + early < needed:
        return 0, (needed - room) * MINUTE / limit
    return min(most, max(1, floor((room + early) / cost))), 0.0


def _share(rule: Rule, requests: int, tokens: int) -> float:
    """The part of a minute that these requests take up, by the limit of which they take more."""
    by_requests = requests / rule.requests_per_minute if rule.requests_per_minute else 0.0
    return max(by_requests, requests * tokens / rule.tokens_per_minute if rule.tokens_per_minute else 0.0)


def _counted(flow: Flow, requests: int, tokens: int) -> Flow:
    return replace(
        flow,
        requests_due=_later(flow.rule.requests_per_minute, flow.requests_due, requests, flow.at),
        tokens_due=_later(flow.rule.tokens_per_minute, flow.tokens_due, tokens, flow.at),
        requests_now=flow.requests_now + requests,
        tokens_now=flow.tokens_now + tokens,
    )


def _later(limit: int | None, due: float, amount: int, now: float) -> float:
    """When it will be earned too; never more than a minute ahead, so that a wrong count stops nobody for long."""
    if limit is None or amount == 0:
        return due
    begun = max(due, now) if amount > 0 else due
    return min(begun + amount * MINUTE / limit, now + MINUTE)
