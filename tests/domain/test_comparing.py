"""What the difference of two prompts on the same examples is worth."""

from itertools import product
from math import log, sqrt
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import binomtest

from app.domain.comparing import (
    Difference,
    Evidence,
    Verdict,
    compare,
    evidence,
    examples_needed,
    mcnemar_exact,
    mcnemar_mid_p,
    minimum_detectable_gain,
    paired_interval,
    swap_test,
    tango_interval,
    verdict,
)
from app.domain.goals import Goal
from app.domain.metrics import Z95, measure

LABELS = 3
ACCURACY, MACRO_F1 = Goal("accuracy"), Goal("macro_f1")
GOALS = st.sampled_from((ACCURACY, MACRO_F1))
ANSWER = st.integers(-1, LABELS - 1)
ROWS = st.lists(st.tuples(st.integers(0, LABELS - 1), ANSWER, ANSWER), min_size=1, max_size=50)
Rows = list[tuple[int, int, int]]
Columns = tuple[list[int], list[int], list[int]]


def _columns(rows: Rows) -> Columns:
    return [e for e, _, _ in rows], [a for _, a, _ in rows], [b for _, _, b in rows]


def _drawn(rng: np.random.Generator, n: int, better: float = 0.0) -> Columns:
    """Two prompts that are right in 70 % and, when `better`, b repairs that share of all examples."""
    expected = rng.choice(LABELS, n, p=(0.5, 0.3, 0.2))
    a, b = (np.where(rng.random(n) < 0.7, expected, rng.integers(-1, LABELS, n)) for _ in range(2))
    b = np.where(rng.random(n) < 0.5, a, b)
    b = np.where(rng.random(n) < better, expected, b)
    return expected.tolist(), a.tolist(), b.tolist()


@pytest.mark.parametrize(
    ("low", "high", "p", "seen", "said"),
    [
        (-0.01, 0.02, 0.04, "tie", "tie"),
        (0.001, 0.02, 0.01, "tie", "tie"),  # real but too small to matter
        (0.001, 0.05, 0.05, "B better", "better"),
        (0.001, 0.05, 0.06, "B better", "not enough evidence"),  # the interval alone is no verdict
        (-0.05, -0.001, 0.01, "A better", "worse"),
        (-0.05, -0.001, 0.06, "A better", "not enough evidence"),
        (-0.03, 0.05, 0.01, "not enough evidence", "not enough evidence"),
        (0.0, 0.05, 0.01, "not enough evidence", "not enough evidence"),
        (-1.0, 1.0, 1.0, "not enough evidence", "not enough evidence"),
    ],
)
def test_a_tie_comes_first_and_then_what_clears_zero(
    low: float, high: float, p: float, seen: Evidence, said: Verdict
) -> None:
    difference = Difference((low + high) / 2, low, high, p, 100)
    assert evidence(difference, 0.02) == seen
    assert verdict(difference, 0.02) == said


def test_a_verdict_without_a_test_is_refused() -> None:
    with pytest.raises(ValueError, match="needs the p"):
        verdict(Difference(0.1, 0.05, 0.15, None, 100), 0.02)


@given(GOALS, ROWS)
@settings(max_examples=60, deadline=None)
def test_the_value_is_the_difference_of_the_scores_and_lies_in_its_interval(goal: Goal, rows: Rows) -> None:
    expected, a, b = _columns(rows)
    found = compare(goal, expected, a, b, LABELS, seed=1, draws=200)
    scores = [measure(goal, expected, answers, LABELS).value for answers in (a, b)]
    assert found.value == pytest.approx(scores[1] - scores[0], abs=2e-6)
    assert -1 <= found.low <= found.value <= found.high <= 1
    assert found.p is not None
    assert 0 < found.p <= 1
    assert found.n == len(rows)


@given(GOALS, ROWS, st.sampled_from((1, 20)), st.randoms())
@settings(max_examples=60, deadline=None)
def test_swapping_the_two_negates_and_the_order_of_examples_is_nothing(
    goal: Goal, rows: Rows, repeats: int, random: Random
) -> None:
    rows = rows * repeats  # enough for the interval to come from the draws
    expected, a, b = _columns(rows)
    found = compare(goal, expected, a, b, LABELS, seed=1, draws=200)
    mirrored = compare(goal, expected, b, a, LABELS, seed=1, draws=200)
    assert (mirrored.value, mirrored.low, mirrored.high, mirrored.p) == (-found.value, -found.high, -found.low, found.p)
    shuffled = _columns(random.sample(rows, len(rows)))
    assert compare(goal, *shuffled, LABELS, seed=1, draws=200) == found


def test_what_is_its_own_mirror_has_a_symmetric_interval() -> None:
    columns = _columns([(0, 0, 1), (0, 1, 0), (1, 1, 0), (1, 0, 1), (0, 0, 0)] * 40)
    found = compare(MACRO_F1, *columns, LABELS, seed=1, draws=200)
    assert (found.value, found.low) == (0.0, -found.high)
    assert found.high > 0.05  # from the draws, not from the least width


@given(ROWS, st.sampled_from((0.0, 0.02, 0.2, 1.0)))
def test_evidence_and_verdict_turn_round_with_the_two_prompts(rows: Rows, smallest_gain: float) -> None:
    expected, a, b = _columns(rows)
    found = compare(ACCURACY, expected, a, b, LABELS, seed=1)
    mirrored = compare(ACCURACY, expected, b, a, LABELS, seed=1)
    turned = {"A better": "B better", "B better": "A better", "better": "worse", "worse": "better"}
    seen, said = evidence(found, smallest_gain), verdict(found, smallest_gain)
    assert evidence(mirrored, smallest_gain) == turned.get(seen, seen)
    assert verdict(mirrored, smallest_gain) == turned.get(said, said)


@pytest.mark.parametrize("goal", [ACCURACY, MACRO_F1])
def test_without_examples_nothing_is_known(goal: Goal) -> None:
    assert compare(goal, [], [], [], 2, seed=0) == Difference(0.0, -1.0, 1.0, 1.0, 0)
    assert paired_interval(goal, [], [], [], 2) == Difference(0.0, -1.0, 1.0, None, 0)


@pytest.mark.parametrize("goal", [ACCURACY, MACRO_F1])
@pytest.mark.parametrize(("n", "said"), [(40, "not enough evidence"), (400, "tie")])
def test_equal_answers_prove_a_tie_on_many_examples_only(goal: Goal, n: int, said: Verdict) -> None:
    expected, answers = [0, 1] * (n // 2), [0, 0] * (n // 2)
    assert verdict(compare(goal, expected, answers, answers, 2, seed=0), 0.02) == said


def test_an_interval_for_pages_repeats_and_has_no_p() -> None:
    columns = _drawn(np.random.default_rng(1), 120)
    found = paired_interval(MACRO_F1, *columns, LABELS)
    assert found.p is None
    assert paired_interval(MACRO_F1, *columns, LABELS) == found


@pytest.mark.parametrize("goal", [ACCURACY, MACRO_F1])
def test_a_clear_gain_is_better_and_its_mirror_worse(goal: Goal) -> None:
    expected, a, b = _drawn(np.random.default_rng(2), 400, better=0.5)
    assert verdict(compare(goal, expected, a, b, LABELS, seed=0), 0.02) == "better"
    assert verdict(compare(goal, expected, b, a, LABELS, seed=0), 0.02) == "worse"


@pytest.mark.parametrize(("only_a", "only_b"), [(0, 0), (0, 1), (3, 0), (5, 15), (40, 41), (700, 600), (3000, 3200)])
def test_exact_mcnemar_is_the_binomial_test(only_a: int, only_b: int) -> None:
    theirs = binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    assert mcnemar_exact(only_a, only_b) == pytest.approx(theirs, rel=1e-9)
    assert mcnemar_exact(only_b, only_a) == mcnemar_exact(only_a, only_b) >= mcnemar_mid_p(only_a, only_b)


def _score(only_a: int, only_b: int, n: int, difference: float) -> float:
    """Tango's statistic with the nuisance share found by searching the likelihood, not by its root."""

    def depth(share: float) -> float:
        terms = ((only_a, share), (only_b, share + difference), (n - only_a - only_b, 1 - 2 * share - difference))
        return -sum(count * log(max(chance, 1e-300)) for count, chance in terms if count)

    bounds = (max(0.0, -difference), (1 - difference) / 2)
    share = float(minimize_scalar(depth, bounds=bounds, method="bounded", options={"xatol": 1e-13}).x)
    return float((only_b - only_a - n * difference) / sqrt(n * (2 * share + difference * (1 - difference))))


@pytest.mark.parametrize(
    ("only_a", "only_b", "n"), [(5, 15, 100), (9, 24, 500), (0, 6, 40), (1, 0, 12), (12, 12, 200), (3, 17, 20)]
)
def test_tango_ends_where_the_score_test_just_rejects(only_a: int, only_b: int, n: int) -> None:
    point, edge = (only_b - only_a) / n, 1 - 1e-6
    low = brentq(lambda d: _score(only_a, only_b, n, d) - Z95, -edge, point - 1e-6)
    high = brentq(lambda d: _score(only_a, only_b, n, d) + Z95, point + 1e-6, edge)
    assert tango_interval(only_a, only_b, n) == pytest.approx((low, high), abs=1e-5)


@given(st.integers(1, 300), st.data())
def test_tango_stays_in_bounds_holds_the_difference_and_mirrors(n: int, data: st.DataObject) -> None:
    only_a = data.draw(st.integers(0, n))
    only_b = data.draw(st.integers(0, n - only_a))
    low, high = tango_interval(only_a, only_b, n)
    assert -1 <= low <= (only_b - only_a) / n <= high <= 1
    assert low < high
    assert tango_interval(only_b, only_a, n) == (-high, -low)


@pytest.mark.parametrize("n", [1, 20, 500])
def test_tango_keeps_a_width_when_nothing_is_discordant(n: int) -> None:
    width = Z95**2 / (n + Z95**2)
    assert tango_interval(0, 0, n) == pytest.approx((-width, width))


def _macro(expected: "np.typing.ArrayLike", answers: "np.typing.ArrayLike") -> float:
    e, x = np.asarray(expected), np.asarray(answers)
    return float(np.mean([2 * ((e == c) & (x == c)).sum() / ((e == c).sum() + (x == c).sum()) for c in np.unique(e)]))


def test_the_exhaustive_swap_test_tries_every_way() -> None:
    expected = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 0, 1])
    a, b = np.array([0, 0, 1, 0, 1, 0, 1, 2, 1, 2, 0, 1]), np.array([0, 1, 2, 0, -1, 1, 1, 2, 2, 1, 1, 1])
    observed = abs(_macro(expected, b) - _macro(expected, a))
    ways = [np.array(way) for way in product((False, True), repeat=12)]
    gains = [_macro(expected, np.where(w, a, b)) - _macro(expected, np.where(w, b, a)) for w in ways]
    share = np.mean(np.abs(gains) >= observed - 1e-12)
    args = expected.tolist(), a.tolist(), b.tolist()
    assert swap_test(MACRO_F1, *args, labels=3, seed=0, draws=1) == pytest.approx(share)


def test_counts_of_cells_say_the_same_as_drawing_item_by_item() -> None:
    rng = np.random.default_rng(4)
    columns = _drawn(rng, 150, better=0.03)
    expected, a, b = (np.array(column) for column in columns)
    observed, n = _macro(expected, b) - _macro(expected, a), len(expected)
    swaps = [rng.random(n) < 0.5 for _ in range(2000)]
    swapped = [_macro(expected, np.where(w, a, b)) - _macro(expected, np.where(w, b, a)) for w in swaps]
    picks = [rng.integers(n, size=n) for _ in range(2000)]
    resampled = [_macro(expected[i], b[i]) - _macro(expected[i], a[i]) for i in picks]
    found = compare(MACRO_F1, *columns, LABELS, seed=9)
    assert found.p == pytest.approx(np.mean(np.abs(swapped) >= abs(observed) - 1e-12), abs=0.03)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(resampled, (0.025, 0.975))), abs=0.01)


def test_no_p_is_smaller_than_its_draws_can_show() -> None:
    expected, a, b = _drawn(np.random.default_rng(2), 400, better=0.5)
    assert compare(MACRO_F1, expected, a, b, LABELS, seed=0, draws=199).p == pytest.approx(1 / 200)


def test_equal_prompts_are_seldom_told_apart_and_the_interval_covers() -> None:
    rng = np.random.default_rng(6)
    found = [compare(MACRO_F1, *_drawn(rng, 100), LABELS, seed=0, draws=400) for _ in range(300)]
    assert 0.01 <= np.mean([d.p is not None and d.p <= 0.05 for d in found]) <= 0.08
    assert np.mean([d.low <= 0 <= d.high for d in found]) >= 0.91


def test_the_interval_covers_where_few_answers_differ() -> None:
    rng = np.random.default_rng(8)
    rare = [(1, 1, 0), (1, 0, 1), (0, 1, 0), (0, 0, 1)]  # as often to the good of a as of b

    def held() -> bool:
        rows = [(int(e), int(e), int(e)) for e in rng.choice(2, 96)] + [rare[i] for i in rng.choice(4, rng.poisson(2))]
        found = paired_interval(MACRO_F1, *_columns(rows), 2, draws=400)
        return found.low <= 0 <= found.high

    assert np.mean([held() for _ in range(200)]) >= 0.93


@pytest.mark.parametrize("n", [60, 400, 5000])
@pytest.mark.parametrize("discordance", [0.1, 0.3])
def test_the_detectable_gain_and_the_examples_needed_are_inverse(n: int, discordance: float) -> None:
    gain = minimum_detectable_gain(n, discordance)
    assert gain > discordance or abs(examples_needed(gain, discordance) - n) <= 1


@pytest.mark.parametrize(("gain", "discordance"), [(0.0, 0.2), (-0.1, 0.2), (0.3, 0.2), (0.1, 1.1)])
def test_a_gain_that_cannot_be_is_refused(gain: float, discordance: float) -> None:
    with pytest.raises(ValueError, match="discordance"):
        examples_needed(gain, discordance)


@pytest.mark.parametrize("n", [0, 1, 3])
def test_a_handful_of_examples_shows_no_gain(n: int) -> None:
    assert minimum_detectable_gain(n) == 1.0
