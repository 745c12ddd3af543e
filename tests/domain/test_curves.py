"""Curves and their areas, beside scikit-learn and a plain bootstrap of rows."""

from math import inf, log, nan
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve  # fmt: skip
from sklearn.metrics import log_loss as sklearn_log_loss

from app.domain.curves import area_estimates, average_precision, brier, log_loss, mean_estimate, roc_auc, sweep

ROWS = st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.3, 0.5, 0.7, 0.9, 1.0]) | st.floats(0, 1)), min_size=1)  # fmt: skip
Rows = list[tuple[bool, float]]


def apart(rows: Rows) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    truth, scores = zip(*rows, strict=True)
    return np.array(truth), np.array(scores)


def world(n: int, seed: int = 1, share: float = 0.25) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < share
    return truth, 1 / (1 + np.exp(-rng.normal(2 * truth - 1)))


@given(ROWS)
def test_counts_are_those_of_saying_yes_at_each_threshold(rows: Rows) -> None:
    truth, scores = apart(rows)
    swept = sweep(truth, scores)
    assert sorted(set(scores), reverse=True) == swept.thresholds.tolist()
    for place, threshold in enumerate(swept.thresholds):
        said = scores >= threshold
        assert swept.tp[place] == (said & truth).sum()
        assert swept.fp[place] == (said & ~truth).sum()
        assert swept.fn[place] == (~said & truth).sum()
        assert swept.tn[place] == (~said & ~truth).sum()


@given(ROWS)
def test_curves_only_rise(rows: Rows) -> None:
    swept = sweep(*apart(rows))
    assert (np.diff(swept.thresholds) < 0).all()
    assert (np.diff(swept.recall) >= 0).all()
    assert (np.diff(swept.fall_out) >= 0).all()
    assert ((swept.precision >= 0) & (swept.precision <= 1)).all()


@given(ROWS)
def test_areas_are_scikit_learns(rows: Rows) -> None:
    truth, scores = apart(rows)
    swept = sweep(truth, scores)
    if truth.any():
        assert average_precision(swept) == pytest.approx(average_precision_score(truth, scores))
    else:
        assert average_precision(swept) is None
    if truth.any() and not truth.all():
        assert roc_auc(swept) == pytest.approx(roc_auc_score(truth, scores))
    else:
        assert roc_auc(swept) is None


def test_the_curves_are_scikit_learns() -> None:
    truth, scores = world(500)
    swept = sweep(truth, scores)
    precision, recall, thresholds = precision_recall_curve(truth, scores)
    assert swept.precision[::-1] == pytest.approx(precision[:-1])
    assert swept.recall[::-1] == pytest.approx(recall[:-1])
    assert swept.thresholds[::-1] == pytest.approx(thresholds)
    false, true, _ = roc_curve(truth, scores, drop_intermediate=False)
    assert swept.fall_out == pytest.approx(false[1:])
    assert swept.recall == pytest.approx(true[1:])


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_examples_does_not_matter(rows: Rows, random: Any) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert area_estimates(sweep(*apart(rows))) == area_estimates(sweep(*apart(shuffled)))


@given(ROWS)
def test_intervals_hold_their_point_and_stay_within_bounds(rows: Rows) -> None:
    truth, scores = apart(rows)
    for found in (*area_estimates(sweep(truth, scores)), brier(scores, truth)):
        if found is not None:
            assert 0 <= found.low <= found.value <= found.high <= 1


@pytest.mark.parametrize(("n", "share"), [(300, 0.25), (3_000, 0.25), (3_000, 0.02)])
def test_intervals_over_groups_are_those_of_a_bootstrap_over_rows(n: int, share: float) -> None:
    truth, scores = world(n, share=share)
    precise, ranked = area_estimates(sweep(truth, scores))
    rng = np.random.default_rng(3)
    drawn = []
    for _ in range(2_000):
        rows = rng.integers(0, n, n)
        swept = sweep(truth[rows], scores[rows])
        drawn.append((average_precision(swept), roc_auc(swept)))
    for found, values in zip((precise, ranked), zip(*drawn, strict=True), strict=True):
        assert found is not None
        low, high = np.quantile(np.array(values, float), (0.025, 0.975))
        width = high - low
        assert found.low == pytest.approx(low, abs=0.1 * width)
        assert found.high == pytest.approx(high, abs=0.1 * width)


def test_without_a_yes_there_are_no_areas() -> None:
    assert area_estimates(sweep([0, 0], [0.1, 0.2])) == (None, None)
    assert area_estimates(sweep([], [])) == (None, None)
    precise, ranked = area_estimates(sweep([1, 1], [0.1, 0.2]))
    assert precise is not None
    assert (precise.value, ranked) == (1.0, None)


def test_all_right_on_few_examples_is_no_certainty() -> None:
    _, ranked = area_estimates(sweep([1, 1, 0, 0], [0.9, 0.8, 0.2, 0.1]))
    assert ranked is not None
    assert ranked.value == 1
    assert ranked.low < 0.6


def test_a_thinned_sweep_keeps_both_ends_and_its_counts() -> None:
    swept = sweep(*world(5_000))
    thin = swept.thinned(200)
    assert 100 < len(thin.tp) <= 200
    assert thin.thresholds[[0, -1]].tolist() == swept.thresholds[[0, -1]].tolist()
    kept = np.isin(swept.thresholds, thin.thresholds)
    assert (swept.tp[kept] == thin.tp).all()
    assert thin.thinned(200) is thin


@pytest.mark.parametrize(("truth", "scores"), [([1], [0.1, 0.2]), ([1], [nan]), ([[1]], [[0.5]])])
def test_a_sweep_over_what_does_not_fit_is_refused(truth: Any, scores: Any) -> None:
    with pytest.raises(ValueError, match=r"shape|number"):
        sweep(truth, scores)


def test_log_loss_and_brier_of_many_labels() -> None:
    p, y = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4]]), np.array([0, 1, 0])
    assert log_loss(p, y).value == pytest.approx(sklearn_log_loss(y, p, labels=[0, 1, 2]))
    told = np.eye(3)[y]
    assert brier(p, y).value == pytest.approx(((p - told) ** 2).sum(axis=1).mean())


def test_one_certain_mistake_is_not_infinite() -> None:
    assert log_loss([0.0, 1.0], [1, 0]).value == pytest.approx(-log(1e-6))
    assert log_loss([[1.0, 0.0]], [1]).high < inf


def test_the_interval_of_a_mean_is_the_same_on_both_sides_of_the_limit() -> None:
    values = np.random.default_rng(2).random(2_000) ** 2
    few, many = mean_estimate(values), mean_estimate(np.append(values, values.mean()))
    assert (few.low, few.high) == pytest.approx((many.low, many.high), abs=0.002)
    with pytest.raises(ValueError, match="no examples"):
        mean_estimate(values[:0])
