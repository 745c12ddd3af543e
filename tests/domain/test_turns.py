"""Whose turn it is where several parties wait for the same limit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.allowances import Flow, Grant, Rule, moved, taken
from app.domain.turns import AGAIN, GRACE, KEPT

START = 1_700_000_000.0
TWO_A_SECOND = Rule(requests_per_minute=120)


def played(seconds: float, rule: Rule, callers: list[tuple[str, int, int]], late: float = 0.0) -> dict[str, int]:
    """What each party gets whose callers come back when told and always want more: party, requests and tokens.

    Who was granted something asks again at once; of those who come at the same time, the first in the list is first.
    """
    flow, got = Flow(), dict.fromkeys((party for party, _, _ in callers), 0)
    due = [START + place / 1000 for place in range(len(callers))]
    while (now := min(due)) < START + seconds:
        place = due.index(now)
        party, requests, tokens = callers[place]
        flow, grant = taken(flow, rule, requests, tokens, party, now)
        got[party] += grant.requests
        due[place] = now + (grant.wait + late if grant.wait else 0.001)
    return got


@pytest.mark.parametrize("late", [0.0, 0.02])
@pytest.mark.parametrize("limit", [30, 120, 600])
def test_two_parties_get_the_same_however_many_callers_each_has(limit: int, late: float) -> None:
    got = played(300, Rule(requests_per_minute=limit), [("p", 64, 0)] * 6 + [("q", 1, 0)], late)
    assert sum(got.values()) >= 5 * limit * 0.9
    assert got["q"] == pytest.approx(got["p"], rel=0.1)


def test_parties_get_the_same_part_of_the_tokens_whatever_their_requests_cost() -> None:
    rule = Rule(requests_per_minute=6000, tokens_per_minute=60_000)
    got = played(300, rule, [("p", 20, 50), ("q", 20, 200)])
    assert got["p"] * 50 == pytest.approx(got["q"] * 200, rel=0.1)
    assert got["p"] * 50 + got["q"] * 200 >= 0.9 * 300_000


@given(st.lists(st.sampled_from("pqrs"), min_size=1, max_size=9), st.integers(1, 30), st.floats(0, 0.2))
def test_no_party_starves_and_nothing_is_lost(names: list[str], most: int, late: float) -> None:
    got = played(120, TWO_A_SECOND, [(name, most, 0) for name in names], late)
    assert min(got.values()) >= 0.7 * 240 / len(got)
    assert sum(got.values()) >= 0.9 * 240


def test_one_that_stays_away_is_not_waited_for() -> None:
    flow, _ = taken(Flow(), TWO_A_SECOND, 9, 0, "p", START)
    flow, refused = taken(flow, TWO_A_SECOND, 1, 0, "q", START)
    assert refused.requests == 0
    back = START + refused.wait
    flow, grant = taken(flow, TWO_A_SECOND, 1, 0, "p", back + 0.1)
    assert grant == Grant(0, AGAIN)
    assert taken(flow, TWO_A_SECOND, 1, 0, "p", back + GRACE)[1] == Grant(1)


def test_who_comes_late_makes_up_for_nothing_it_did_not_ask_for() -> None:
    flow, now = Flow(), START
    for _ in range(500):
        flow, grant = taken(flow, TWO_A_SECOND, 1, 0, "p", now)
        now += grant.wait
    flow, _ = taken(flow, TWO_A_SECOND, 1, 0, "q", now)
    ahead = {party.name: party.served for party in flow.turns.parties}
    assert ahead["p"] - ahead["q"] <= 1 / 120 + 1e-9


def test_parties_that_are_gone_are_forgotten() -> None:
    flow, now = Flow(), START
    for number in range(500):
        now += 1
        flow, _ = taken(flow, TWO_A_SECOND, 1, 0, f"campaign {number}", now)
    assert len(flow.turns.parties) <= KEPT


def test_turns_move_with_a_clock_that_is_set_back() -> None:
    flow, _ = taken(Flow(), TWO_A_SECOND, 9, 0, "p", START)
    flow, refused = taken(flow, TWO_A_SECOND, 1, 0, "q", START)
    flow = moved(flow, START - 5000)
    assert taken(flow, TWO_A_SECOND, 1, 0, "p", START - 5000 + refused.wait)[1].requests == 0
    assert taken(flow, TWO_A_SECOND, 1, 0, "q", START - 5000 + refused.wait)[1].requests == 1


def test_without_a_limit_nobody_waits() -> None:
    flow, _ = taken(Flow(), Rule(in_flight=3), 50, 10, "p", START)
    assert flow.turns.parties == ()
