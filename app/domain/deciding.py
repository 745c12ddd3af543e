"""From probabilities of many labels to an answer, or to none: thresholds per label, and when to abstain."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from app.domain.calibration import Calibrator, out_of_fold
from app.domain.curves import Sweep, sweep
from app.domain.thresholds import CONFIDENCE, LEAST_POSITIVES, Choice, recall_at_precision

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from app.domain.calibration import Fit

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

ABSTAINED = -2  # beside -1, which is unreadable


def decide(
    probabilities: "ArrayLike",
    thresholds: "ArrayLike | None" = None,
    abstain_below: float = 0.0,
    least_margin: float = 0.0,
) -> "Ints":
    """The label of each row of shape (n, labels): the highest p - threshold, of equals the first; -2 is abstained.

    It abstains where the highest probability is below `abstain_below`, or leads the next by less than `least_margin`:
    always where one of the two is above 1.
    """
    import numpy as np

    p = np.asarray(probabilities, np.float64)
    answers = np.argmax(p, axis=1) if thresholds is None else said(p, np.asarray(thresholds, np.float64))
    doubtful = (p.max(axis=1) < abstain_below) | (margins(p) < least_margin)
    return np.where(doubtful, ABSTAINED, answers)


def said(p: "Floats", thresholds: "Floats") -> "Ints":
    """The label of each row of shape (n, labels), where some labels have no threshold: NaN.

    Of those that reach their threshold the one that is furthest above it; where none does the most probable of those
    that have none, and where all have one the one that is least below it.
    """
    import numpy as np

    free, own = np.flatnonzero(np.isnan(thresholds)), np.flatnonzero(~np.isnan(thresholds))
    if not len(own):
        likeliest: Ints = np.argmax(p, axis=1)
        return likeliest
    lead = p[:, own] - thresholds[own]
    answers: Ints = own[np.argmax(lead, axis=1)]
    if len(free):
        answers = np.where(lead.max(axis=1) >= 0, answers, free[np.argmax(p[:, free], axis=1)])
    return answers


def decide_each(probabilities: "ArrayLike", thresholds: "ArrayLike") -> "NDArray[np.bool_]":
    """For labels that do not exclude each other: which of them each row of shape (n, labels) has."""
    import numpy as np

    said: NDArray[np.bool_] = np.asarray(probabilities, np.float64) >= np.asarray(thresholds, np.float64)
    return said


def margins(probabilities: "ArrayLike") -> "Floats":
    """The lead of each row's highest probability over its next: from 0 to 1."""
    import numpy as np

    p = np.asarray(probabilities, np.float64)
    if p.shape[1] < 2:
        return p[:, 0]
    top = np.partition(p, -2, axis=1)
    lead: Floats = top[:, -1] - top[:, -2]
    return lead


def tune_abstaining(
    confidence_of: "ArrayLike",
    right: "ArrayLike",
    target: float,
    confidence: float = CONFIDENCE,
    least_positives: int = LEAST_POSITIVES,
) -> Choice:
    """Answer as much as keeps the accuracy of what is answered surely at the target; the rest is abstained.

    `confidence_of` is each row's highest probability, or its margin; `right` whether its answer is. In the counts a
    positive is a right answer, and the threshold is what `decide` takes.
    """
    return recall_at_precision(sweep(right, confidence_of), target, confidence, least_positives)


def tune_nested(
    truth: "ArrayLike", scores: "ArrayLike", folds: "ArrayLike", fit: "Fit", choose: Callable[[Sweep], Choice]
) -> tuple[Calibrator, Choice]:
    """A calibrator and a threshold from the same rows: fitted on all, tuned on what the other folds' calibrators say."""
    import numpy as np

    held_out = out_of_fold(scores, truth, folds, fit)
    calibrator = fit(np.asarray(scores, np.float64), np.asarray(truth, np.int64))
    return calibrator, choose(sweep(truth, held_out))
