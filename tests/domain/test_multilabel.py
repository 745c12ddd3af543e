"""Scores of sets of labels."""

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as theirs

from app.domain.classification import Average, f_beta, precision, recall
from app.domain.metrics import Estimate
from app.domain.multilabel import (
    estimate_sets,
    hamming_loss,
    label_sums,
    samples_f1,
    sets_interval,
    subset_accuracy,
    tally_sets,
)

LABELS = 4
SETS = st.integers(0, 2**LABELS - 1)
PAIRS = st.lists(st.tuples(SETS, SETS), min_size=1, max_size=40)
READ = st.lists(st.tuples(SETS, st.integers(-1, 2**LABELS - 1)), min_size=1, max_size=40)
AVERAGES: tuple[Average, ...] = ("macro", "micro", "weighted")
Pairs = list[tuple[int, int]]


def _matrices(pairs: Pairs) -> tuple[list[list[int]], list[list[int]]]:
    y, answered = ([[code >> bit & 1 for bit in range(LABELS)] for code in side] for side in zip(*pairs, strict=True))
    return y, answered


@pytest.mark.filterwarnings("ignore")
@given(PAIRS, st.sampled_from((0.5, 1.0, 2.0)))
@settings(deadline=None, max_examples=60)
def test_scores_are_scikit_learns(pairs: Pairs, beta: float) -> None:
    y, answered = _matrices(pairs)
    cells = tally_sets([e for e, _ in pairs], [a for _, a in pairs], LABELS)
    of, n = label_sums(cells, cells.counts, over="all"), cells.counts
    for average in AVERAGES:
        wanted = theirs.precision_recall_fscore_support(y, answered, beta=beta, average=average, zero_division=0)[:3]
        found = (precision(of, average), recall(of, average), f_beta(of, average, beta))
        assert [float(one) for one in found] == pytest.approx(wanted)
    assert float(subset_accuracy(cells, n)) == pytest.approx(theirs.accuracy_score(y, answered))
    assert float(hamming_loss(cells, n)) == pytest.approx(theirs.hamming_loss(np.array(y), np.array(answered)))
    for empty in (0.0, 1.0):
        wanted = theirs.f1_score(y, answered, average="samples", zero_division=empty)
        assert float(samples_f1(cells, n, empty)) == pytest.approx(wanted)


@given(READ, st.randoms())
@settings(deadline=None)
def test_neither_order_nor_names_of_labels_matter(pairs: Pairs, random: Random) -> None:
    names = random.sample(range(LABELS), LABELS)

    def renamed(code: int) -> int:
        return -1 if code < 0 else sum(1 << names[bit] for bit in range(LABELS) if code >> bit & 1)

    turned = [(renamed(e), renamed(a)) for e, a in random.sample(pairs, len(pairs))]
    one, other = (tally_sets([e for e, _ in some], [a for _, a in some], LABELS) for some in (pairs, turned))
    for score in (subset_accuracy, hamming_loss, samples_f1):
        assert float(score(one, one.counts)) == pytest.approx(float(score(other, other.counts)))
    for average in AVERAGES:
        found, wanted = (float(f_beta(label_sums(cells, cells.counts), average)) for cells in (one, other))
        assert found == pytest.approx(wanted)


@pytest.mark.parametrize("expected", [0, 1, 5])
def test_an_unreadable_reply_is_wrong_about_everything_even_where_nothing_was_expected(expected: int) -> None:
    cells = tally_sets([expected], [-1], 3)
    assert float(subset_accuracy(cells, cells.counts)) == 0
    assert float(hamming_loss(cells, cells.counts)) == 1
    assert float(samples_f1(cells, cells.counts)) == 0
    assert label_sums(cells, cells.counts).named.tolist() == [0, 0, 0]


def test_macro_averages_are_over_the_labels_that_are_expected() -> None:
    cells = tally_sets([1, 1, 3], [1, 5, 1], 3)  # label 2 is named once and never expected
    assert float(f_beta(label_sums(cells, cells.counts), "macro")) == pytest.approx(0.5)
    assert float(f_beta(label_sums(cells, cells.counts, over="all"), "macro")) == pytest.approx(1 / 3)


@given(READ)
@settings(deadline=None, max_examples=30)
def test_intervals_lie_in_the_unit_interval_and_are_the_same_again(pairs: Pairs) -> None:
    cells = tally_sets([e for e, _ in pairs], [a for _, a in pairs], LABELS)
    for score in (subset_accuracy, samples_f1, lambda c, weights: f_beta(label_sums(c, weights), "macro")):
        low, high = sets_interval(cells, score, draws=200)
        assert 0 <= low <= high <= 1
        assert sets_interval(cells, score, draws=200) == (low, high)


def test_an_interval_holds_its_score_on_many_examples() -> None:
    rng = np.random.default_rng(1)
    y = rng.integers(0, 16, 500)
    answered = np.where(rng.random(500) < 0.6, y, rng.integers(-1, 16, 500))
    cells = tally_sets(y.tolist(), answered.tolist(), 4)
    low, high = sets_interval(cells, subset_accuracy)
    found = estimate_sets(cells, subset_accuracy)
    assert [found.low, found.high, found.n] == pytest.approx([low, high, 500], abs=1e-6)
    assert low < float(subset_accuracy(cells, cells.counts)) < high
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(0.63 * 0.37 / 500), rel=0.15)


@pytest.mark.parametrize(
    ("expected", "answered", "labels"), [([8], [0], 3), ([0], [-2], 3), ([-1], [0], 3), ([0], [0], 63)]
)
def test_a_code_that_names_no_set_is_refused(expected: list[int], answered: list[int], labels: int) -> None:
    with pytest.raises(ValueError, match="no such sets"):
        tally_sets(expected, answered, labels)


def test_no_examples_leave_everything_open() -> None:
    assert sets_interval(tally_sets([], [], 3), subset_accuracy) == (0, 1)
    assert estimate_sets(tally_sets([], [], 3), subset_accuracy) == Estimate(0.0, 0.0, 1.0, 0)


def test_three_sets_answered_rightly_do_not_pass_for_certainty() -> None:
    found = estimate_sets(tally_sets([1, 2, 3], [1, 2, 3], 2), subset_accuracy)
    assert (found.value, found.high) == (1, 1)
    assert found.low < 0.5
