"""How many requests may go now under limits a minute."""

from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.allowances import (
    LONGEST_REST,
    Flow,
    Grant,
    Rule,
    corrected,
    given_back,
    moved,
    rested,
    taken,
    used,
)

START = 1_700_000_000.0
LIMIT = st.sampled_from((1, 7, 20, 33, 60, 100, 600, 3000, 100_000))


def after(flow: Flow, rule: Rule, *steps: tuple[float, int, int]) -> list[Grant]:
    """The grants of asks, each so many seconds after the start, for so many requests of so many tokens."""
    grants = []
    for seconds, requests, tokens in steps:
        flow, grant = taken(flow, rule, requests, tokens, "p", START + seconds)
        grants.append(Grant(grant.requests, round(grant.wait, 3)))
    return grants


@pytest.mark.parametrize(
    ("rule", "steps", "expected"),
    [
        pytest.param(Rule(), [(0, 500, 10**9)], [Grant(500)], id="no limit gives all"),
        pytest.param(Rule(requests_per_minute=30), [(0, 5, 0), (0, 5, 0)], [Grant(1), Grant(0, 2)], id="one in two seconds"),
        pytest.param(Rule(requests_per_minute=30), [(0, 1, 0), (0.4, 1, 0)], [Grant(1), Grant(0, 1.6)], id="the rest"),
        pytest.param(Rule(requests_per_minute=30), [(0, 1, 0), (50, 9, 0)], [Grant(1), Grant(1)], id="idling adds up to one burst"),
        pytest.param(Rule(requests_per_minute=600), [(0, 90, 0), (1, 90, 0)], [Grant(18), Grant(10)], id="a burst of 3 %"),
        pytest.param(
            Rule(requests_per_minute=600, tokens_per_minute=6000), [(0, 90, 60)] * 2, [Grant(3), Grant(0, 0.6)], id="tokens"
        ),
        pytest.param(
            Rule(tokens_per_minute=6000), [(0, 1, 600), (4.1, 1, 600), (6, 1, 600)], [Grant(1), Grant(0, 1.9), Grant(1)],
            id="more than the burst leaves a debt",
        ),
        pytest.param(
            Rule(tokens_per_minute=600), [(0, 1, 10**6), (58, 1, 1), (61, 1, 1)], [Grant(1), Grant(0, 0.3), Grant(1)],
            id="no debt lasts longer than a minute",
        ),
        pytest.param(Rule(requests_per_minute=600), [(0, 0, 0)], [Grant(0)], id="nothing asked"),
    ],
)  # fmt: skip
def test_what_is_granted(rule: Rule, steps: list[tuple[float, int, int]], expected: list[Grant]) -> None:
    assert after(Flow(), rule, *steps) == expected


def test_what_was_granted_and_not_sent_may_be_sent_by_others() -> None:
    rule = Rule(requests_per_minute=600, tokens_per_minute=60_000)
    flow, grant = taken(Flow(), rule, 18, 100, "p", START)
    assert grant == Grant(18)
    flow = given_back(flow, 8, 100, START)
    assert used(flow, START) == (10, 1000)
    assert taken(flow, rule, 18, 100, "p", START)[1] == Grant(8)


def test_what_is_given_back_late_does_not_enlarge_the_burst() -> None:
    rule = Rule(requests_per_minute=600)
    flow, _ = taken(Flow(), rule, 18, 0, "p", START)
    flow = given_back(flow, 18, 0, START + 50)
    assert taken(flow, rule, 90, 0, "p", START + 50)[1] == Grant(18)


@pytest.mark.parametrize(("more", "wait"), [(0, 0.1), (500, 0.6), (10**9, 58.3)])
def test_tokens_that_were_not_foreseen_delay_what_comes_next(more: int, wait: float) -> None:
    rule = Rule(tokens_per_minute=60_000)
    flow, _ = taken(Flow(), rule, 1, 1800, "p", START)
    grant = taken(corrected(flow, more, START), rule, 1, 100, "p", START)[1]
    assert grant.requests == 0
    assert grant.wait == pytest.approx(wait)


def test_tokens_that_were_not_used_may_be_used_at_once() -> None:
    rule = Rule(tokens_per_minute=60_000)
    flow, _ = taken(Flow(), rule, 1, 1800, "p", START)
    assert taken(corrected(flow, -800, START), rule, 90, 100, "p", START)[1] == Grant(8)


def test_nothing_is_sent_while_the_key_rests_and_a_shorter_rest_shortens_nothing() -> None:
    flow = rested(rested(Flow(), 5, START), 2, START + 1)
    assert taken(flow, Rule(), 1, 0, "p", START + 1)[1] == Grant(0, 4)
    assert taken(flow, Rule(), 1, 0, "p", START + 5)[1] == Grant(1)


def test_a_provider_cannot_send_anybody_to_rest_for_ever() -> None:
    assert rested(Flow(), 1e12, START).rest_until == START + LONGEST_REST


def test_a_clock_set_back_wins_and_loses_nothing() -> None:
    rule = Rule(requests_per_minute=60)
    flow, _ = taken(Flow(), rule, 1, 0, "p", START)
    flow = rested(flow, 3, START)
    back = START - 86_400
    assert taken(flow, rule, 1, 0, "p", back)[1].wait == pytest.approx(3)
    flow = moved(flow, back)
    assert taken(flow, rule, 1, 0, "p", back + 3)[1] == Grant(1)
    assert used(flow, back) == (1, 0)


@pytest.mark.parametrize(("seconds", "expected"), [(0, 10), (39, 10), (55, 8), (70, 5), (99, 0), (200, 0)])
def test_the_last_minute_is_seen_to_pass(seconds: float, expected: int) -> None:
    flow, _ = taken(Flow(), Rule(), 10, 0, "p", START)  # forty seconds before a full minute
    assert used(flow, START + seconds) == (expected, 0)


def worst(times: list[float], weights: list[int], window: float = 60.0) -> int:
    """The most that a window of this length holds, its end not counted."""
    sums = [0]
    for weight in weights:
        sums.append(sums[-1] + weight)
    return max(sums[bisect_left(times, time + window)] - sums[place] for place, time in enumerate(times))


@given(LIMIT, st.lists(st.tuples(st.floats(0, 20), st.integers(1, 200)), min_size=1, max_size=200))
def test_no_minute_holds_more_than_the_limit_and_its_burst(limit: int, asks: list[tuple[float, int]]) -> None:
    flow, now, rule = Flow(), START, Rule(requests_per_minute=limit)
    times, counts = [], []
    for pause, requests in asks:
        now += pause
        flow, grant = taken(flow, rule, requests, 0, "p", now)
        times.append(now)
        counts.append(grant.requests)
    assert worst(times, counts) <= limit * 1.05


@given(st.sampled_from((10_000, 90_000)), st.lists(st.tuples(st.floats(0, 5), st.integers(1, 9), st.integers(1, 450))))
def test_no_minute_holds_more_tokens_than_the_limit_and_its_burst(
    limit: int, asks: list[tuple[float, int, int]]
) -> None:
    flow, now, rule = Flow(), START, Rule(tokens_per_minute=limit)
    times, counts = [START], [0]
    for pause, requests, tokens in asks:
        now += pause
        flow, grant = taken(flow, rule, requests, tokens, "p", now)
        times.append(now)
        counts.append(grant.requests * tokens)
    assert worst(times, counts) <= limit * 1.05


@given(LIMIT, st.integers(1, 50), st.floats(0, 0.01))
def test_who_comes_when_told_is_served_and_gets_what_the_limit_allows(limit: int, most: int, late: float) -> None:
    flow, now, rule, sent = Flow(), START, Rule(requests_per_minute=limit), 0
    for _ in range(60):
        flow, grant = taken(flow, rule, most, 0, "p", now)
        sent += grant.requests
        now += grant.wait + late * (60 / limit)
        if grant.requests == 0:
            assert taken(flow, rule, 1, 0, "p", now)[1].requests == 1
    assert sent >= 0.9 * (now - START) * limit / 60 - 1
