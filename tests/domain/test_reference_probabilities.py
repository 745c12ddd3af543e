"""The checks of reference entries hold for other entries too, and notice a wrong figure."""

from typing import Any

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import average_precision_score, log_loss, precision_recall_curve, roc_auc_score

from tests.domain.test_curves import world
from tests.reference.reference_probabilities import CHECKS

Figures = dict[str, Any]


def threshold_entry(seed: int) -> tuple[Figures, Figures]:
    """An entry that scikit-learn made from other examples."""
    truth, scores = world(60, seed, share=0.4)
    precision, recall, thresholds = precision_recall_curve(truth, scores)
    precision, recall = precision[:-1], recall[:-1]
    wanted: Figures = {"best_fbeta": {}}
    for beta in (0.5, 1, 2):
        weighed = beta**2 * precision + recall
        f = np.where(weighed > 0, (1 + beta**2) * precision * recall / np.where(weighed > 0, weighed, 1), 0)
        wanted["best_fbeta"][f"beta_{beta}"] = {"threshold": float(thresholds[f.argmax()]), "f": float(f.max())}
    sharp = np.flatnonzero(precision >= 0.75)
    best = sharp[np.argmax(recall[sharp])]
    wanted["recall_at_precision_075"] = {"threshold": float(thresholds[best]), "recall": float(recall[best])}
    found = np.flatnonzero(recall >= 0.6)
    best = found[np.argmax(precision[found])]
    wanted["precision_at_recall_06"] = {"threshold": float(thresholds[best]), "precision": float(precision[best])}
    wanted["average_precision"] = average_precision_score(truth, scores)
    wanted["roc_auc"] = roc_auc_score(truth, scores)
    wanted["log_loss"] = log_loss(truth, scores)
    wanted["brier"] = float(((truth - scores) ** 2).mean())
    return {"y": truth.astype(int).tolist(), "p": scores.tolist()}, wanted


@pytest.mark.parametrize("seed", range(10))
def test_thresholds_of_other_examples_are_checked(seed: int) -> None:
    given, wanted = threshold_entry(seed)
    CHECKS["threshold_tuning"](given, wanted, 1e-6)
    for wrong in (
        {"roc_auc": wanted["roc_auc"] + 1e-3},
        {"recall_at_precision_075": {**wanted["recall_at_precision_075"], "recall": 2.0}},
        {"best_fbeta": {"beta_1": {"threshold": 0.0, "f": wanted["best_fbeta"]["beta_1"]["f"]}}},
    ):
        with pytest.raises(AssertionError):
            CHECKS["threshold_tuning"](given, {**wanted, **wrong}, 1e-6)


@pytest.mark.parametrize("bins", [3, 10])
def test_errors_of_other_examples_are_checked(bins: int) -> None:
    truth, scores = world(80, 5)
    place = np.minimum((scores * bins).astype(int), bins - 1)
    gaps = [abs((truth[place == b] - scores[place == b]).sum()) for b in range(bins)]
    given = {"y": truth.tolist(), "p": scores.tolist(), "bins": bins}
    method = "calibration.ece_binary_positive_class_equal_width"
    CHECKS[method](given, {"ece": sum(gaps) / 80}, 1e-6)
    with pytest.raises(AssertionError):
        CHECKS[method](given, {"ece": sum(gaps) / 80 + 1e-3}, 1e-6)


def test_isotonic_fits_of_other_examples_are_checked() -> None:
    truth, scores = world(50, 6)
    fitted = IsotonicRegression().fit_transform(scores, truth.astype(float))
    given = {"y": truth.tolist(), "p": scores.tolist()}
    CHECKS["calibration.isotonic"](given, {"fitted": fitted.tolist()}, 1e-6)
    with pytest.raises(AssertionError):
        CHECKS["calibration.isotonic"](given, {"fitted": fitted[::-1].tolist()}, 1e-6)


def test_temperatures_of_other_examples_are_checked() -> None:
    truth, scores = world(50, 7)
    log_odds = np.log(scores / (1 - scores))
    grid = np.geomspace(0.3, 3, 20_001)  # steps of 0.0001 and less around the minimum
    odds = np.where(truth, log_odds, -log_odds)
    losses = [float(np.logaddexp(0, -odds / t).mean()) for t in grid]
    wanted = {"T": float(grid[int(np.argmin(losses))]), "nll": min(losses)}
    given = {"y": truth.astype(int).tolist(), "p": scores.tolist()}
    CHECKS["calibration.temperature_binary"](given, wanted, 1e-4)
    with pytest.raises(AssertionError):
        CHECKS["calibration.temperature_binary"](given, {**wanted, "T": wanted["T"] + 0.01}, 1e-4)


def test_field_probabilities_of_other_tokens_are_checked() -> None:
    given = {
        "path": ["v"],
        "allowed": [1, 10, 2],
        "tokens": [
            {"token": '{"v":', "p": 0.9, "top": []},
            {"token": " 1", "p": 0.5, "top": [[" 1", 0.5], [" 2", 0.3], [" 10", 0.1], [" 3", 0.05]]},
            {"token": "}", "p": 0.6, "top": [["}", 0.6], ["0", 0.4]]},
        ],
    }
    wanted: Figures = {
        "raw": {"1": 0.3, "10": 0.3, "2": 0.3},
        "p": {"1": 1 / 3, "10": 1 / 3, "2": 1 / 3},
        "hi": {"1": 0.35, "10": 0.35, "2": 0.35},
        "unresolved": 0.0,
        "other": 0.05,
        "missing": [],
    }
    CHECKS["logprob.field_probability"](given, wanted, 1e-6)
    for wrong in ({"missing": ["1"]}, {"other": 0.1}, {"raw": {"1": 0.4, "10": 0.3, "2": 0.3}}):
        with pytest.raises(AssertionError):
            CHECKS["logprob.field_probability"](given, {**wanted, **wrong}, 1e-6)
