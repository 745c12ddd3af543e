"""Two prompts compared by graded scores."""

from itertools import product
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import permutation_test

from tests.reference.graded import Method, differences, exhaustive, mean_interval, sign_test

SCORES = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=12)
GRADES = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60)
METHODS: tuple[Method, ...] = ("percentile", "bca")


def _sides(pairs: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [a for a, _ in pairs], [b for _, b in pairs]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=9))
@settings(deadline=None)
def test_the_exact_p_counts_every_way_to_swap(pairs: list[tuple[int, int]]) -> None:
    changes = [b - a for a, b in pairs]
    sums = [
        abs(sum(s * c for s, c in zip(signs, changes, strict=True))) for signs in product((1, -1), repeat=len(pairs))
    ]
    p = sum(total >= abs(sum(changes)) for total in sums) / len(sums)
    assert sign_test(differences(*_sides(list(pairs))), seed=0) == pytest.approx(p)


@given(SCORES, st.randoms())
@settings(deadline=None, max_examples=40)
def test_neither_order_nor_side_changes_p(pairs: list[tuple[float, float]], random: Random) -> None:
    p = sign_test(differences(*_sides(pairs)), seed=0)
    turned = [(b, a) for a, b in random.sample(pairs, len(pairs))]
    assert 0 < p <= 1
    assert sign_test(differences(*_sides(turned)), seed=0) == pytest.approx(p)


def test_a_drawn_p_is_near_scipys_and_the_same_for_the_same_seed() -> None:
    rng = np.random.default_rng(0)
    changes = rng.normal(0.15, 1, 200)
    theirs = permutation_test((changes,), np.mean, permutation_type="samples", n_resamples=20_000, rng=rng).pvalue
    assert not exhaustive(changes)
    assert sign_test(changes, 1) == sign_test(changes, 1) == pytest.approx(theirs, abs=0.02)


def test_few_grades_are_counted_exactly_however_many_examples_there_are() -> None:
    changes = np.array([1.0] * 600 + [-1.0] * 500 + [0.0] * 400)
    assert exhaustive(changes)
    assert sign_test(changes, 0) == pytest.approx(0.002815, abs=2e-5)  # of 1,100 throws at least 600 alike


def test_many_different_grades_are_drawn_by_counts() -> None:
    rng = np.random.default_rng(5)
    changes = np.round(rng.normal(0.01, 0.2, 5_000), 2)
    assert not exhaustive(changes)
    z = abs(changes.sum()) / np.sqrt((changes**2).sum())
    from scipy.stats import norm

    assert sign_test(changes, 2) == pytest.approx(2 * norm.sf(z), abs=0.02)


@given(GRADES, st.sampled_from(METHODS))
@settings(deadline=None, max_examples=40)
def test_bounds_hold_the_mean_and_stay_within_what_was_seen(pairs: list[tuple[int, int]], method: Method) -> None:
    changes = differences(*_sides(list(pairs)))
    found = mean_interval(changes, method)
    assert min(changes) - 1e-9 <= found.low <= found.value <= found.high <= max(changes) + 1e-9


@given(SCORES, st.randoms(), st.sampled_from(METHODS))
@settings(deadline=None, max_examples=40)
def test_the_order_of_examples_does_not_change_an_interval(
    pairs: list[tuple[float, float]], random: Random, method: Method
) -> None:
    changes = differences(*_sides(pairs))
    turned = np.array(random.sample(changes.tolist(), len(changes)))
    assert vars(mean_interval(turned, method)) == vars(mean_interval(changes, method))


def test_more_confidence_is_a_wider_interval_and_more_examples_a_narrower_one() -> None:
    rng = np.random.default_rng(3)
    few, many = rng.random(50), rng.random(800)
    half, most = mean_interval(few, confidence=0.5), mean_interval(few, confidence=0.99)
    assert most.low < half.low < half.high < most.high
    assert mean_interval(many).se == pytest.approx(mean_interval(few).se / 4, rel=0.2)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [([], [], "0 and 0"), ([1.0], [1.0, 0.0], "1 and 2"), ([float("nan")], [1.0], "not finite")],
)
def test_what_cannot_be_compared_is_refused(a: list[float], b: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        differences(a, b)


def test_nothing_that_differs_gives_no_evidence() -> None:
    changes = differences([0.5, 0.2], [0.5, 0.2])
    assert sign_test(changes, 0) == 1
    assert vars(mean_interval(changes, "bca")) == {"value": 0.0, "se": 0.0, "low": 0.0, "high": 0.0}
