"""Scores against the truth at every threshold: precision-recall and ROC curves, their areas, Brier and log loss.

`truth` is one yes or no an example (has it the label?), `scores` its probability, higher for yes. Everything is
one sort and some cumulated sums. Intervals resample counts of groups of like scores, not rows, so that 100,000 rows
cost no more than 1,000.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domain.drawing import chunks, resamples
from app.domain.metrics import INTERVAL_SEED, Z95, Estimate, least_half_width, percentiles
from app.domain.probabilities import FLOOR

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

DRAWS = 1_000
GROUPS = 100
EXACT_ROWS = 2_000  # means of more rows have the normal limit of their bootstrap


@dataclass(frozen=True, eq=False)
class Sweep:
    """What "yes when score >= threshold" does at every threshold that was seen, the highest first.

    `tp` and `fp` count the examples rightly and wrongly called yes; all arrays are equally long.
    """

    thresholds: "Floats"
    tp: "Ints"
    fp: "Ints"
    positives: int
    negatives: int

    @property
    def fn(self) -> "Ints":
        return self.positives - self.tp

    @property
    def tn(self) -> "Ints":
        return self.negatives - self.fp

    @property
    def precision(self) -> "Floats":
        shares: Floats = self.tp / (self.tp + self.fp)  # never 0/0: each threshold is somebody's score
        return shares

    @property
    def recall(self) -> "Floats":
        shares: Floats = self.tp / max(1, self.positives)
        return shares

    @property
    def fall_out(self) -> "Floats":
        """The share of the negatives that is called yes: the x of a ROC curve, whose y is recall."""
        shares: Floats = self.fp / max(1, self.negatives)
        return shares

    def thinned(self, most: int) -> "Sweep":
        """At most about `most` of the thresholds, as even in rows as the scores allow, both ends included: for drawing."""
        import numpy as np

        rows = self.tp + self.fp
        if len(rows) <= most:
            return self
        marks = np.linspace(rows[0], rows[-1], most)
        kept = np.unique(np.searchsorted(rows, marks))
        return Sweep(self.thresholds[kept], self.tp[kept], self.fp[kept], self.positives, self.negatives)


def sweep(truth: "ArrayLike", scores: "ArrayLike") -> Sweep:
    """Sort once, count up. Raises ValueError when the lengths differ or a score is no number."""
    import numpy as np

    yes, given = np.asarray(truth, np.bool_), np.asarray(scores, np.float64)
    if yes.shape != given.shape or yes.ndim != 1:
        raise ValueError(f"truth has the shape {yes.shape}, scores have {given.shape}")
    if np.isnan(given).any():
        raise ValueError("a score is no number: leave out examples without a probability")
    order = np.argsort(given)[::-1]
    ordered, hits = given[order], np.cumsum(yes[order], dtype=np.int64)
    last = np.append(ordered[1:] != ordered[:-1], True)[: len(ordered)]
    tp, rows = hits[last], np.flatnonzero(last) + 1
    positives = int(hits[-1]) if len(hits) else 0
    return Sweep(ordered[last], tp, rows - tp, positives, len(yes) - positives)


def average_precision(swept: Sweep) -> float | None:
    """The sum of precision times the recall that each threshold adds, as scikit-learn has it; None without positives."""
    if not swept.positives:
        return None
    return float(_average_precision(*_steps(swept.tp, swept.fp)))


def roc_auc(swept: Sweep) -> float | None:
    """The chance that a yes scores above a no, a tie being half; None where one of them is missing."""
    if not swept.positives or not swept.negatives:
        return None
    return float(_auc(*_steps(swept.tp, swept.fp)))


def area_estimates(swept: Sweep) -> tuple[Estimate | None, Estimate | None]:
    """Average precision and ROC AUC with their 95 % bootstrap intervals over examples, both from the same draws."""
    precise, ranked = average_precision(swept), roc_auc(swept)
    if precise is None:
        return None, None
    yes, no = _grouped(swept)
    drawn = [(_average_precision(*draw), _auc(*draw)) for draw in _draws(yes, no)]
    n = swept.positives + swept.negatives
    first = _estimate(precise, float(_average_precision(yes, no)), [areas for areas, _ in drawn], n)
    if ranked is None:
        return first, None
    return first, _estimate(ranked, float(_auc(yes, no)), [areas for _, areas in drawn], n)


def brier(probabilities: "ArrayLike", expected: "ArrayLike") -> Estimate:
    """The mean squared error of probabilities, lower is better, with its 95 % interval.

    Binary: shape (n,) with a truth of yes and no, between 0 and 1. Multiclass: shape (n, labels) with label indices,
    summed over the labels, between 0 and 2.
    """
    import numpy as np

    p, y = np.asarray(probabilities, np.float64), np.asarray(expected)
    if p.ndim == 1:
        return mean_estimate((p - y) ** 2)
    wrong = (p**2).sum(axis=1) - 2 * p[np.arange(len(p)), y] + 1
    return mean_estimate(wrong)


def log_loss(probabilities: "ArrayLike", expected: "ArrayLike") -> Estimate:
    """The mean of -log(probability of what was right) in nats, lower is better, with its 95 % interval.

    Shapes as for `brier`. A probability below 0.000001 counts as that, so that one mistake is not infinite.
    """
    import numpy as np

    p, y = np.asarray(probabilities, np.float64), np.asarray(expected)
    of_right = np.where(y, p, 1 - p) if p.ndim == 1 else p[np.arange(len(p)), y]
    return mean_estimate(-np.log(np.maximum(of_right, FLOOR)))


def mean_estimate(values: "Floats") -> Estimate:
    """The mean of one loss (not below 0) an example with its 95 % bootstrap interval; from 2,000 examples on by the normal limit."""
    import numpy as np

    n = len(values)
    if n == 0:
        raise ValueError("no examples to take a mean of")
    mean = float(values.mean())
    if n > EXACT_ROWS:
        half = Z95 * float(values.std()) / n**0.5
        return Estimate(mean, max(0.0, mean - half), mean + half, n)
    rng = np.random.default_rng(INTERVAL_SEED)
    drawn = [np.sort(values)[rng.integers(0, n, (rows, n))].mean(axis=1) for rows in chunks(DRAWS, n)]
    low, high = percentiles(drawn)
    return Estimate(mean, min(low, mean), max(high, mean), n)


def _draws(yes: "Ints", no: "Ints") -> Iterator[tuple["Ints", "Ints"]]:
    """Bootstrap draws of yes and no per group, in chunks of shape (some draws, groups)."""
    import numpy as np

    label = np.repeat(np.array([1, 0]), len(yes))
    counts, rng = np.concatenate([yes, no]), np.random.default_rng(INTERVAL_SEED)
    held = counts > 0
    for weights in resamples(label[held], counts[held], DRAWS, rng):
        whole = np.zeros((len(weights), len(counts)), np.int64)
        whole[:, held] = weights
        yield whole[:, : len(yes)], whole[:, len(yes) :]


def _estimate(value: float, grouped: float, drawn: list["Floats"], n: int) -> Estimate:
    """The percentile interval; what grouping shifts is taken off again."""
    low, high = (end + value - grouped for end in percentiles(drawn))
    least = least_half_width(n)
    return Estimate(value, max(0.0, min(low, value - least)), min(1.0, max(high, value + least)), n)


def _grouped(swept: Sweep) -> tuple["Ints", "Ints"]:
    """Yes and no per group of neighbouring scores, the highest first; a group holds few of either, ties stay together."""
    import numpy as np

    yes, no = _steps(swept.tp, swept.fp)
    if len(yes) <= GROUPS:
        return yes, no
    before = (swept.tp - yes) / max(1, swept.positives) + (swept.fp - no) / max(1, swept.negatives)
    group = np.floor(before / 2 * GROUPS).astype(np.int64)
    counts = [np.bincount(group, part, GROUPS).astype(np.int64) for part in (yes, no)]
    return counts[0], counts[1]


def _steps(tp: "Ints", fp: "Ints") -> tuple["Ints", "Ints"]:
    """What each threshold adds to the one above it."""
    import numpy as np

    return np.diff(tp, prepend=0), np.diff(fp, prepend=0)


def _average_precision(yes: "Ints", no: "Ints") -> "Floats":
    """Of yes and no per score, the highest first along the last axis."""
    import numpy as np

    tp = np.cumsum(yes, axis=-1)
    rows = tp + np.cumsum(no, axis=-1)
    areas: Floats = (yes * (tp / np.maximum(rows, 1))).sum(axis=-1) / np.maximum(tp[..., -1], 1)
    return areas


def _auc(yes: "Ints", no: "Ints") -> "Floats":
    import numpy as np

    tp = np.cumsum(yes, axis=-1)
    pairs = tp[..., -1] * no.sum(axis=-1)
    areas: Floats = (no * (tp - yes / 2)).sum(axis=-1) / np.maximum(pairs, 1)
    return areas
