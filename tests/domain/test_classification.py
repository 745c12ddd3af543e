"""Scores of a confusion table, one or many at once."""

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as theirs

from app.domain.classification import (
    Average,
    Statistic,
    accuracy,
    balanced_accuracy,
    estimate,
    f_beta,
    interval,
    mcc,
    per_class,
    precision,
    recall,
    resampled,
    sums,
)
from app.domain.metrics import Estimate, Goal, confusion, least_half_width, measure

CLASSES = 4
PAIRS = st.lists(st.tuples(st.integers(0, CLASSES - 1), st.integers(-1, CLASSES - 1)), min_size=1, max_size=60)
AVERAGES: tuple[Average, ...] = ("macro", "micro", "weighted")
SHARES: tuple[Statistic, ...] = (
    accuracy,
    balanced_accuracy,
    lambda of: f_beta(of, "macro"),
    lambda of: f_beta(of, "micro"),
    lambda of: f_beta(of, "weighted", 2.0),
)
Pairs = list[tuple[int, int]]


def _table(pairs: Pairs) -> list[list[int]]:
    return confusion([e for e, _ in pairs], [a for _, a in pairs], CLASSES)


@pytest.mark.filterwarnings("ignore")
@given(PAIRS, st.sampled_from((0.5, 1.0, 2.0)))
@settings(deadline=None, max_examples=60)
def test_scores_are_scikit_learns_with_unreadable_as_a_label_that_averages_leave_out(pairs: Pairs, beta: float) -> None:
    y, answered = [e for e, _ in pairs], [a for _, a in pairs]
    of, every = sums(_table(pairs)), sums(_table(pairs), over="all")
    expected = sorted(set(y))
    options = {"beta": beta, "zero_division": 0}
    assert float(f_beta(of, "macro", beta)) == pytest.approx(
        theirs.fbeta_score(y, answered, labels=expected, average="macro", **options)
    )
    labels = list(range(CLASSES))
    for average in AVERAGES:
        wanted = theirs.precision_recall_fscore_support(y, answered, labels=labels, average=average, **options)[:3]
        found = (precision(every, average), recall(every, average), f_beta(every, average, beta))
        assert [float(one) for one in found] == pytest.approx(wanted)
    assert float(accuracy(of)) == pytest.approx(theirs.accuracy_score(y, answered))
    assert float(balanced_accuracy(of)) == pytest.approx(theirs.balanced_accuracy_score(y, answered))
    assert float(mcc(of)) == pytest.approx(theirs.matthews_corrcoef(y, answered))


@pytest.mark.filterwarnings("ignore")
@given(PAIRS)
@settings(deadline=None, max_examples=30)
def test_each_class_has_scikit_learns_figures(pairs: Pairs) -> None:
    y, answered = [e for e, _ in pairs], [a for _, a in pairs]
    each = per_class(sums(_table(pairs)))
    wanted = theirs.precision_recall_fscore_support(y, answered, labels=list(range(CLASSES)), zero_division=0)
    for found, other in zip((each.precision, each.recall, each.f, each.support), wanted, strict=True):
        assert found.tolist() == pytest.approx(other.tolist())


@given(PAIRS)
@settings(deadline=None)
def test_macro_f1_is_that_of_the_goal(pairs: Pairs) -> None:
    y, answered = [e for e, _ in pairs], [a for _, a in pairs]
    found = measure(Goal("macro_f1"), y, answered, CLASSES).value
    assert float(f_beta(sums(_table(pairs)), "macro")) == pytest.approx(found, abs=1e-6)


@given(PAIRS, st.randoms())
@settings(deadline=None)
def test_renaming_the_classes_changes_no_score(pairs: Pairs, random: Random) -> None:
    names = random.sample(range(CLASSES), CLASSES)
    renamed = sums(_table([(names[e], names[a] if a >= 0 else -1) for e, a in pairs]))
    of = sums(_table(pairs))
    for score in (mcc, *SHARES):
        assert float(score(renamed)) == pytest.approx(float(score(of)))


@given(PAIRS)
@settings(deadline=None)
def test_scores_stay_in_their_ranges(pairs: Pairs) -> None:
    of = sums(_table(pairs))
    assert all(0 <= float(score(of)) <= 1 for score in SHARES)
    assert -1 <= float(mcc(of)) <= 1 + 1e-12


@given(PAIRS)
@settings(deadline=None)
def test_a_reply_that_becomes_unreadable_never_raises_what_counts_right_answers(pairs: Pairs) -> None:
    right = [pair for pair in pairs if pair[0] == pair[1]] or [(0, 0)]
    before, after = [*pairs, right[0]], [*pairs, (right[0][0], -1)]
    for score in SHARES:
        assert float(score(sums(_table(after)))) <= float(score(sums(_table(before)))) + 1e-12


@given(st.lists(PAIRS, min_size=1, max_size=4))
@settings(deadline=None)
def test_many_tables_at_once_give_what_each_gives_alone(tables: list[Pairs]) -> None:
    stacked = sums([_table(pairs) for pairs in tables], over="all")
    alone = [sums(_table(pairs), over="all") for pairs in tables]
    for score in (mcc, *SHARES):
        assert score(stacked).tolist() == pytest.approx([float(score(one)) for one in alone])


@given(PAIRS)
@settings(deadline=None, max_examples=30)
def test_an_interval_lies_in_the_unit_interval_and_is_the_same_again(pairs: Pairs) -> None:
    table = np.array(_table(pairs))
    low, high = interval(table, lambda of: f_beta(of, "macro"), draws=200)
    assert 0 <= low <= high <= 1
    assert interval(table, lambda of: f_beta(of, "macro"), draws=200) == (low, high)


def test_the_interval_of_macro_f1_is_that_of_the_goal_where_nothing_is_rare() -> None:
    rng = np.random.default_rng(2)
    y = rng.integers(0, 3, 300)
    answered = np.where(rng.random(300) < 0.7, y, rng.integers(-1, 3, 300))
    table = confusion(y.tolist(), answered.tolist(), 3)
    goal = measure(Goal("macro_f1"), y.tolist(), answered.tolist(), 3)
    assert interval(table, lambda of: f_beta(of, "macro")) == pytest.approx((goal.low, goal.high), abs=0.01)


@given(PAIRS)
@settings(deadline=None, max_examples=30)
def test_an_estimate_holds_its_value_and_few_examples_leave_much_open(pairs: Pairs) -> None:
    table = _table(pairs)
    for score, lowest in ((lambda of: f_beta(of, "macro"), 0.0), (mcc, -1.0)):
        found = estimate(table, score, lowest=lowest, draws=200)
        assert lowest <= found.low <= found.value <= found.high <= 1
        assert found.value == pytest.approx(float(score(sums(table))), abs=1e-6)
        least = least_half_width(len(pairs)) - 1e-6
        assert found.value - found.low >= min(least, found.value - lowest)
        assert found.high - found.value >= min(least, 1 - found.value)
    assert estimate(table, accuracy, n=3, draws=200).n == 3


def test_draws_hold_as_many_examples_and_keep_rare_classes() -> None:
    table = np.array([[50, 2, 1, 0], [3, 60, 0, 2], [0, 0, 1, 0]])
    drawn = list(resampled(table, 500, np.random.default_rng(0)))
    assert sum(len(one.hits) for one in drawn) == 500
    assert all((one.support == [53, 65, 1]).all() for one in drawn)  # the third is rare: each is drawn for itself


def test_no_examples_leave_everything_open_and_another_shape_is_refused() -> None:
    assert interval(np.zeros((3, 4), np.int64), accuracy) == (0, 1)
    assert estimate(np.zeros((3, 4), np.int64), mcc, lowest=-1.0) == Estimate(0.0, -1.0, 1.0, 0)
    with pytest.raises(ValueError, match="a column more than rows"):
        sums([[1, 2], [3, 4]])
