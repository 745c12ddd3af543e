"""How strong players are, from the outcomes of their battles."""

from collections import Counter
from itertools import combinations
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from app.domain.ratings import POINTS, Battle, components, fit, paired_counts, rate, rate_arrays, rate_counts

NAMES = st.sampled_from("abcde")
BATTLES = st.lists(st.tuples(NAMES, NAMES, st.sampled_from(("left", "right", "tie", "none"))), max_size=50)
MIRRORED = {"left": "right", "right": "left"}


def test_no_battles_give_no_ratings() -> None:
    assert rate([]) == []


def test_the_record_counts_each_side_and_the_winner_stands_first() -> None:
    first, second = rate([("a", "b", "right"), ("b", "a", "left"), ("a", "b", "left"), ("a", "b", "tie")])
    assert (first.name, first.battles, first.wins, first.ties, first.losses) == ("b", 4, 2, 1, 1)
    assert (second.name, second.battles, second.wins, second.ties, second.losses) == ("a", 4, 1, 1, 2)
    assert first.low < first.rating < first.high
    assert first.rating - 1000 == pytest.approx(1000 - second.rating)


@given(BATTLES, st.randoms())
@settings(max_examples=60, deadline=None)
def test_neither_order_nor_side_matters(battles: list[Battle], random: Random) -> None:
    shuffled = random.sample(battles, len(battles))
    turned = [(right, left, MIRRORED.get(outcome, outcome)) for left, right, outcome in battles]
    assert rate(battles) == rate(shuffled) == rate(turned) == rate_counts(Counter(battles))


@given(BATTLES)
@settings(max_examples=60, deadline=None)
def test_every_rating_lies_in_its_interval_and_the_list_is_sorted(battles: list[Battle]) -> None:
    ratings = rate(battles)
    assert all(r.low < r.rating < r.high and r.battles == r.wins + r.ties + r.losses > 0 for r in ratings)
    assert [(-r.rating, r.name) for r in ratings] == sorted((-r.rating, r.name) for r in ratings)


@pytest.mark.parametrize("battle", [("a", "b", "none"), ("a", "a", "left"), ("a", "b", "")])
def test_what_says_nothing_is_left_out(battle: Battle) -> None:
    known: list[Battle] = [("a", "b", "left"), ("b", "c", "tie")]
    assert rate([*known, battle]) == rate(known)
    assert rate([battle]) == []


def test_players_that_no_battle_joins_are_rated_group_by_group() -> None:
    one: list[Battle] = [("a", "b", "left")] * 3 + [("b", "c", "tie")]
    other: list[Battle] = [("x", "y", "right")] * 5
    together = {rating.name: rating for rating in rate(one + other)}
    assert together == {rating.name: rating for rating in [*rate(one), *rate(other)]}
    assert components(paired_counts(Counter(one + other))) == [("a", "b", "c"), ("x", "y")]


def test_who_won_everything_has_a_finite_rating() -> None:
    best, worst = rate([("a", "b", "left")] * 1000)
    assert 1000 < best.rating < 2500
    assert best.rating + worst.rating == pytest.approx(2000)


def test_players_that_only_tie_are_equal() -> None:
    assert {rating.rating for rating in rate([("a", "b", "tie"), ("b", "c", "tie")] * 9)} == {1000.0}


@pytest.mark.parametrize(
    ("battles", "provisional"),
    [
        ([("a", "b", "left"), ("a", "b", "right")] * 4 + [("a", "b", "left")], True),  # nine battles
        ([("a", "b", "left"), ("a", "b", "right")] * 5, False),
        ([("a", "b", "left")] * 12, True),  # enough battles, but how much better?
    ],
)
def test_a_rating_is_provisional_under_ten_battles_or_with_a_wide_interval(
    battles: list[Battle], provisional: bool
) -> None:
    assert {rating.provisional for rating in rate(battles)} == {provisional}
    assert all(
        rating.provisional == (rating.battles < 10 or rating.high - rating.low > 400) for rating in rate(battles)
    )


@pytest.mark.parametrize("seed", range(4))
def test_the_fit_is_the_maximum_that_a_general_optimiser_finds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pairs = {
        pair: (int(x), int(y), int(z)) for pair in combinations("abcd", 2) for x, y, z in [rng.integers(0, 9, size=3)]
    }

    def depth(values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> float:
        strength, height = dict(zip("abcd", values, strict=False)), -0.05 * (values**2).sum()
        for (i, j), seen in pairs.items():
            weights = np.array([strength[i], strength[j], values[4] + (strength[i] + strength[j]) / 2])
            height += (np.array(seen) * (weights - np.log(np.exp(weights).sum()))).sum()
        return -float(height)

    best = minimize(depth, np.zeros(5), method="BFGS", options={"gtol": 1e-7})
    fitted = fit(pairs, ridge=0.1)
    assert fitted.strengths == pytest.approx(best.x[:4].tolist(), abs=1e-4)
    assert np.log(fitted.nu) == pytest.approx(best.x[4], abs=1e-4)


def test_the_interval_covers_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    truth = dict(zip("abcd", (0.8, 0.2, -0.3, -0.7), strict=True))
    held = []
    for _ in range(200):
        battles: list[Battle] = []
        for i, j in list(combinations("abcd", 2)) * 20:
            weights = np.exp([truth[i], truth[j], np.log(0.5) + (truth[i] + truth[j]) / 2])
            battles.append((i, j, str(rng.choice(("left", "right", "tie"), p=weights / weights.sum()))))
        held += [r.low <= 1000 + POINTS * truth[r.name] <= r.high for r in rate(battles)]
    assert 0.93 <= np.mean(held) <= 0.98


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(-1, 4)), max_size=60), st.booleans())
@settings(max_examples=60, deadline=None)
def test_arrays_are_rated_as_the_battles_that_they_stand_for(numbers: list[tuple[int, int, int]], sparse: bool) -> None:
    names = [*"abcde", *(f"x{place}" for place in range(400 if sparse else 0))]
    said = {0: "left", 1: "right", 2: "tie"}
    battles = [(names[left], names[right], said.get(outcome, "none")) for left, right, outcome in numbers]
    left, right, outcome = np.array(numbers, np.int32).reshape(-1, 3).T
    assert rate_arrays(left, right, outcome, names) == rate(battles)


def test_arrays_that_stand_for_no_battles_are_refused() -> None:
    one, two = np.array([0]), np.array([0, 1])
    with pytest.raises(ValueError, match="2 left players, 1 right ones"):
        rate_arrays(two, one, one, ["a", "b"])
    with pytest.raises(ValueError, match="no place among 1 names"):
        rate_arrays(two, two, two, ["a"])
