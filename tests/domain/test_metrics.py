"""Scores with their intervals, and the goals that name them."""

from math import comb
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from app.domain.drawing import resamples
from app.domain.goals import Goal
from app.domain.metrics import (
    Estimate,
    clopper_pearson,
    confusion,
    majority_baseline,
    measure,
    tally,
    wilson,
)

LABELS = 4
ACCURACY, MACRO_F1 = Goal("accuracy"), Goal("macro_f1")
GOALS = st.sampled_from((ACCURACY, MACRO_F1))
ANSWERED = st.lists(st.tuples(st.integers(0, LABELS - 1), st.integers(-1, LABELS - 1)), min_size=1, max_size=60)


def _columns(rows: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    return [e for e, _ in rows], [a for _, a in rows]


@given(ANSWERED)
@settings(max_examples=60, deadline=None)
def test_macro_f1_is_that_of_scikit_learn_over_the_classes_that_are_expected(rows: list[tuple[int, int]]) -> None:
    expected, answered = _columns(rows)
    theirs = f1_score(expected, answered, labels=sorted(set(expected)), average="macro", zero_division=0)
    assert measure(MACRO_F1, expected, answered, LABELS).value == pytest.approx(theirs, abs=1e-6)


@given(GOALS, ANSWERED, st.randoms())
@settings(max_examples=60, deadline=None)
def test_an_interval_holds_its_score_and_is_blind_to_order(
    goal: Goal, rows: list[tuple[int, int]], random: Random
) -> None:
    estimate = measure(goal, *_columns(rows), LABELS)
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
    assert estimate.n == len(rows)
    shuffled = random.sample(rows, len(rows))
    assert measure(goal, *_columns(shuffled), LABELS) == estimate


@given(GOALS, ANSWERED)
@settings(max_examples=60, deadline=None)
def test_the_majority_baseline_is_the_score_of_always_answering_the_commonest(
    goal: Goal, rows: list[tuple[int, int]]
) -> None:
    expected, _ = _columns(rows)
    commonest = max(range(LABELS), key=expected.count)
    always = measure(goal, expected, [commonest] * len(expected), LABELS)
    assert majority_baseline(goal, expected, LABELS) == pytest.approx(always.value, abs=1e-6)


@pytest.mark.parametrize("goal", [ACCURACY, MACRO_F1])
def test_without_examples_nothing_is_known(goal: Goal) -> None:
    assert measure(goal, [], [], 2) == Estimate(0.0, 0.0, 1.0, 0)
    assert majority_baseline(goal, [], 2) == 0.0


@pytest.mark.parametrize("goal", [ACCURACY, MACRO_F1])
def test_a_perfect_score_on_few_examples_is_not_certain(goal: Goal) -> None:
    assert measure(goal, [0, 1] * 10, [0, 1] * 10, 2) == Estimate(1.0, 0.838875, 1.0, 20)
    assert measure(goal, [0, 1] * 10, [-1] * 20, 2) == Estimate(0.0, 0.0, 0.161125, 20)


def test_one_example_of_each_class_leaves_much_open() -> None:
    estimate = measure(MACRO_F1, list(range(20)), list(range(10)) + [-1] * 10, 20)
    assert estimate.high - estimate.low > 0.3


def test_an_unreadable_reply_is_wrong_and_has_its_own_column() -> None:
    assert measure(ACCURACY, [0, 1, 1], [0, -1, 1], 2).value == pytest.approx(2 / 3, abs=1e-6)
    assert confusion([0, 1, 1, 2], [0, -1, 1, 1], 3) == [[1, 0, 0, 0], [0, 1, 0, 1], [0, 1, 0, 0]]


@pytest.mark.parametrize(
    ("expected", "answered"), [([0, 1], [0]), ([0, 2], [0, 0]), ([0, -1], [0, 0]), ([0, 1], [0, -2])]
)
def test_answers_that_do_not_fit_are_refused(expected: list[int], answered: list[int]) -> None:
    for goal in (ACCURACY, MACRO_F1):
        with pytest.raises(ValueError, match=r"answer"):
            measure(goal, expected, answered, 2)


@given(st.integers(1, 400), st.data())
def test_proportion_intervals_hold_the_share_and_stay_in_bounds(n: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, n))
    for interval in (wilson, clopper_pearson):
        low, high = interval(successes, n)
        assert 0 <= low <= successes / n <= high <= 1
        assert interval(n - successes, n) == pytest.approx((1 - high, 1 - low))


def test_wilson_covers_about_as_often_as_it_says() -> None:
    n, shares = 40, np.linspace(0.03, 0.97, 95)
    held = [
        sum(comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1) if wilson(k, n)[0] <= p <= wilson(k, n)[1])
        for p in shares
    ]
    assert np.mean(held) == pytest.approx(0.95, abs=0.01)


def test_the_macro_f1_interval_covers_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(11)

    def draw(n: int) -> tuple[list[int], list[int]]:
        expected = rng.choice(3, n, p=(0.5, 0.3, 0.2))
        answered = np.where(rng.random(n) < 0.7, expected, rng.integers(-1, 3, n))
        return expected.tolist(), answered.tolist()

    truth = f1_score(*draw(400_000), labels=[0, 1, 2], average="macro")
    estimates = [measure(MACRO_F1, *draw(150), 3) for _ in range(300)]
    held = np.mean([e.low <= truth <= e.high for e in estimates])
    assert 0.9 <= held <= 0.98


def test_every_class_is_drawn_for_itself_when_one_is_small() -> None:
    rows, counts = tally(([0] * 200 + [1] * 29, [0] * 150 + [1] * 79))
    (drawn,) = resamples(rows[:, 0], counts, 50, np.random.default_rng(0))
    assert set(drawn[:, rows[:, 0] == 1].sum(axis=1).tolist()) == {29}


def test_classes_of_thirty_are_drawn_together() -> None:
    rows, counts = tally(([0] * 200 + [1] * 30, [0] * 150 + [1] * 80))
    (drawn,) = resamples(rows[:, 0], counts, 50, np.random.default_rng(0))
    assert len(set(drawn[:, rows[:, 0] == 1].sum(axis=1).tolist())) > 5
    assert set(drawn.sum(axis=1).tolist()) == {230}
