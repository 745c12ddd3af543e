"""Chosen thresholds keep what they promise, and say when they promise nothing."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.calibration import Temperature, fit_platt, fit_temperature, out_of_fold
from app.domain.curves import sweep
from app.domain.deciding import ABSTAINED, decide, decide_each, margins, tune_abstaining, tune_nested
from app.domain.freezing import FrozenThresholds, threshold_key
from app.domain.metrics import clopper_pearson
from app.domain.thresholds import (
    NEVER,
    at_threshold,
    best_fbeta,
    cheapest,
    cost_everywhere,
    fbeta_everywhere,
    lower_bound,
    precision_at_recall,
    recall_at_precision,
)
from benchmarks.precision_target import miss_rate
from tests.domain.test_curves import ROWS, Rows, apart, world

TRUTH, SCORES = [1, 1, 0, 1, 0, 0], [0.9, 0.8, 0.7, 0.6, 0.2, 0.1]
SWEPT = sweep(TRUTH, SCORES)


@pytest.mark.parametrize(
    ("threshold", "counts"),
    [(0.95, (0, 0, 3, 3)), (0.9, (1, 0, 2, 3)), (0.85, (1, 0, 2, 3)), (0.6, (3, 1, 0, 2)), (0.0, (3, 3, 0, 0))],
)
def test_counts_at_any_threshold(threshold: float, counts: tuple[int, int, int, int]) -> None:
    at = at_threshold(SWEPT, threshold)
    assert (at.tp, at.fp, at.fn, at.tn) == counts


def test_a_threshold_above_all_says_nothing() -> None:
    at = at_threshold(SWEPT, NEVER)
    assert (at.precision, at.recall, at.fbeta()) == (None, 0.0, 0.0)
    assert at_threshold(sweep([], []), 0.5).recall is None


def test_the_best_f1_and_the_costs_by_hand() -> None:
    assert best_fbeta(SWEPT, 1, least_positives=0).at.threshold == 0.6
    assert best_fbeta(SWEPT, 0.1, least_positives=0).at.threshold == 0.8
    assert cost_everywhere(SWEPT, 1, 2).tolist() == [4, 2, 3, 1, 2, 3]
    assert cheapest(SWEPT, 1, 2, least_positives=0).at.threshold == 0.6
    never = cheapest(SWEPT, 100, 1, least_positives=0)
    assert never.at.threshold == 0.8  # both found without a mistake
    assert cheapest(sweep([0, 1], [0.9, 0.1]), 100, 1, least_positives=0).at.threshold == NEVER


@pytest.mark.parametrize("positives", [0, 1, 29])
def test_with_fewer_than_thirty_positives_the_threshold_stays_and_says_why(positives: int) -> None:
    swept = sweep([1] * positives + [0] * 100, np.linspace(1, 0, positives + 100))
    for choice in (
        best_fbeta(swept),
        recall_at_precision(swept, 0.8),
        precision_at_recall(swept, 0.8),
        cheapest(swept, 1, 1),
    ):
        assert choice.at.threshold == 0.5
        assert choice.reason == (
            f"{positives} {'example has' if positives == 1 else 'examples have'} the label, "
            "and tuning needs 30: the threshold stays 0.5"
        )


def test_a_precision_out_of_reach_is_never_claimed() -> None:
    choice = recall_at_precision(sweep(*world(400)), 0.999)
    assert choice.at.threshold == NEVER
    assert choice.at.recall == 0
    assert choice.reason == "no threshold has a precision of surely 0.999 (lower bound, 90%), so it is never said"


def test_the_lower_bound_is_one_side_of_the_exact_interval() -> None:
    assert lower_bound(40, 4) == pytest.approx(clopper_pearson(40, 44, 0.8)[0])
    assert lower_bound(0, 4) == 0


@given(ROWS, st.sampled_from([0.3, 0.5, 0.8, 0.95]))
def test_no_chosen_threshold_has_a_bound_under_its_target(rows: Rows, target: float) -> None:
    swept = sweep(*apart(rows))
    choice = recall_at_precision(swept, target, least_positives=0)
    bounds = [lower_bound(int(tp), int(fp)) for tp, fp in zip(swept.tp, swept.fp, strict=True)]
    if choice.at.threshold == NEVER:
        assert max(bounds) < target + 1e-9
        return
    assert choice.bound is not None
    assert choice.bound >= target - 1e-9
    enough = [int(tp) for tp, bound in zip(swept.tp, bounds, strict=True) if bound >= target + 1e-9]
    assert choice.at.tp >= max(enough, default=0)
    assert choice.optimistic is not None
    assert choice.optimistic.tp >= choice.at.tp


@given(ROWS, st.sampled_from([0.5, 1.0, 2.0]))
def test_no_threshold_beats_the_chosen_one(rows: Rows, beta: float) -> None:
    swept = sweep(*apart(rows))
    best = best_fbeta(swept, beta, least_positives=0).at
    assert best.fbeta(beta) >= max(at_threshold(swept, t).fbeta(beta) for t in swept.thresholds)
    assert fbeta_everywhere(swept, beta) == pytest.approx(
        [at_threshold(swept, t).fbeta(beta) for t in swept.thresholds]
    )
    cheap = cheapest(swept, 3, beta, least_positives=0).at
    assert cheap.cost(3, beta) == min(
        *cost_everywhere(swept, 3, beta).tolist(), at_threshold(swept, NEVER).cost(3, beta)
    )


@given(ROWS, st.sampled_from([0.2, 0.5, 1.0]))
def test_recall_reaches_its_target_at_the_best_precision(rows: Rows, target: float) -> None:
    swept = sweep(*apart(rows))
    choice = precision_at_recall(swept, target, least_positives=0)
    if swept.positives:
        assert choice.at.recall is not None
        assert choice.at.recall >= target
        assert choice.at.precision == max(swept.precision[swept.recall >= target])


@pytest.mark.parametrize("target", [0.0, -0.1, 1.01, float("nan")])
def test_a_target_that_is_no_share_is_refused(target: float) -> None:
    for tune in (recall_at_precision, precision_at_recall):
        with pytest.raises(ValueError, match="lies above 0 and at most at 1"):
            tune(SWEPT, target)


def test_the_precision_target_is_missed_in_one_of_ten_sets_at_most() -> None:
    for n in (300, 1_000):
        assert miss_rate(600, n, 0.8, np.random.default_rng(n)) <= 0.10
    found = [recall_at_precision(sweep(*world(1_000, seed)), 0.8).at.recall for seed in range(20)]
    assert min(recall for recall in found if recall is not None) > 0.1  # not by never saying it


def test_many_labels_are_decided_by_what_exceeds_their_thresholds() -> None:
    p = [[0.5, 0.3, 0.2], [0.34, 0.33, 0.33], [0.1, 0.1, 0.8]]
    assert decide(p).tolist() == [0, 0, 2]
    assert decide(p, thresholds=[0.5, 0.2, 0.5]).tolist() == [1, 1, 2]
    assert decide(p, abstain_below=0.4).tolist() == [0, ABSTAINED, 2]
    assert decide(p, least_margin=0.21).tolist() == [ABSTAINED, ABSTAINED, 2]
    assert margins(p) == pytest.approx([0.2, 0.01, 0.7])
    assert margins([[1.0]]).tolist() == [1.0]
    assert decide_each(p, [0.5, 0.3, 0.3]).tolist() == [[True, True, False], [False, True, True], [False, False, True]]


def test_abstaining_keeps_what_is_answered_surely_right() -> None:
    rng = np.random.default_rng(4)
    confidence = rng.random(2_000)
    right = rng.random(2_000) < confidence
    choice = tune_abstaining(confidence, right, 0.9)
    answered = confidence >= choice.at.threshold
    assert right[answered].mean() > 0.9
    assert (right[answered].sum(), answered.sum()) == (choice.at.tp, choice.at.tp + choice.at.fp)


def test_nested_tuning_looks_only_at_what_other_folds_say() -> None:
    truth, scores = world(900)
    folds = np.arange(900) % 3
    seen: list[int] = []

    def fit(p: Any, y: Any) -> Temperature:
        seen.append(len(p))
        return fit_temperature(p, y)

    calibrator, choice = tune_nested(truth, scores, folds, fit, best_fbeta)
    assert seen == [600, 600, 600, 900]
    assert calibrator == fit_temperature(scores, truth)
    assert choice == best_fbeta(sweep(truth, out_of_fold(scores, truth, folds, fit_temperature)))


def test_no_example_takes_part_in_its_own_calibration() -> None:
    truth, scores = world(600)
    folds = np.arange(600) % 5
    changed = truth.copy()
    changed[folds == 2] = ~changed[folds == 2]
    before, after = (out_of_fold(scores, t, folds, fit_platt)[folds == 2] for t in (truth, changed))
    assert before.tolist() == after.tolist()
    with pytest.raises(ValueError, match="two folds"):
        out_of_fold(scores, truth, np.zeros(600), fit_platt)


def test_frozen_thresholds_hold_for_what_they_were_tuned_for_alone() -> None:
    key = threshold_key("prompt 1", "endpoint 1", "json")
    frozen = FrozenThresholds("best F1", (0.4, 0.6), key)
    assert frozen.holds(threshold_key("prompt 1", "endpoint 1", "json"))
    assert frozen.changed(threshold_key("prompt 2", "endpoint 1", "json")) == ("prompt version",)
    assert frozen.changed(threshold_key("prompt 1", "endpoint 2", "codes")) == ("endpoint", "answer format")
    assert not frozen.holds("")


def test_a_frozen_limit_lies_among_probabilities_or_above_all_of_them() -> None:
    for limit in (0.0, 0.7, 1.0):
        assert not FrozenThresholds("f1", (0.4,), "", abstain_below=limit).abstains_always
    assert FrozenThresholds("f1", (NEVER,), "", abstain_below=NEVER).abstains_always
    assert FrozenThresholds("f1", (0.4,), "", least_margin=NEVER).abstains_always
    assert decide([[1.0, 0.0]], abstain_below=1.0).tolist() == [0]


@pytest.mark.parametrize("wrong", [-0.1, 1.5, float("nan"), float("inf")])
def test_a_frozen_number_that_is_no_threshold_is_refused(wrong: float) -> None:
    frozen = FrozenThresholds("f1", (0.4,), "")
    changes: tuple[dict[str, Any], ...]
    changes = {"abstain_below": wrong}, {"least_margin": wrong}, {"thresholds": (0.4, wrong)}
    for change in changes:
        with pytest.raises(ValueError, match="lies between 0 and 1, or is 2"):
            replace(frozen, **change)


def test_where_only_some_labels_have_a_threshold_it_alone_says_who_is_taken() -> None:
    p = np.array([[0.5, 0.3, 0.2], [0.3, 0.4, 0.3], [0.2, 0.35, 0.45], [0.6, 0.39, 0.01]])
    none = float("nan")
    assert decide(p, thresholds=[0.4, none, none]).tolist() == [0, 1, 2, 0]
    assert decide(p, thresholds=[0.1, none, none]).tolist() == [0, 0, 0, 0]
    assert decide(p, thresholds=[0.9, none, none]).tolist() == [1, 1, 2, 1]
    assert decide(p, thresholds=[0.55, 0.35, none]).tolist() == [2, 1, 1, 0], (
        "of two above the one that is furthest above"
    )
    assert decide(p, thresholds=[none, none, none]).tolist() == decide(p).tolist()
