"""Scores of answers that name a set of labels each, the empty set included.

Expected and answered sets are codes: bit i is label i, and an answer of -1 is an unreadable reply, which is
always wrong: nothing named, every label of Hamming's loss missed, no set equal to it. Scores are
higher-is-better in [0, 1]; Hamming's loss is lower-is-better.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domain.classification import Over, Sums, averaged, widened
from app.domain.metrics import INTERVAL_DRAWS, INTERVAL_SEED, Estimate, chunks, percentiles

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

MOST_LABELS = 62


@dataclass(frozen=True, eq=False)
class Cells:
    """The distinct pairs of expected and answered sets, in order, and how often each occurs.

    `expected` and `named` have shape (cells, labels); `readable`, `counts` a number per cell.
    """

    expected: "Bools"
    named: "Bools"
    readable: "Bools"
    counts: "Ints"


Statistic = Callable[[Cells, "Ints"], "Floats"]  # weights of shape (draws, cells) to a score per draw


def tally_sets(expected: Sequence[int], answered: Sequence[int], labels: int) -> Cells:
    """Counts the pairs; ValueError when lengths differ, or a code has bits beyond the labels (at most 62)."""
    import numpy as np

    pairs = Counter(zip(expected, answered, strict=True))
    top = 1 << labels
    wrong = sorted({e for e, _ in pairs if not 0 <= e < top} | {a for _, a in pairs if not -1 <= a < top})
    if wrong or not 1 <= labels <= MOST_LABELS:
        raise ValueError(f"no such sets of {labels} labels: {wrong}")
    codes = np.array(sorted(pairs), np.int64).reshape(-1, 2)
    readable = codes[:, 1] >= 0
    bits = np.arange(labels)
    named = ((codes[:, 1, None] >> bits) & 1).astype(np.bool_) & readable[:, None]
    counts = np.array([pairs[pair] for pair in sorted(pairs)], np.int64)
    return Cells(((codes[:, 0, None] >> bits) & 1).astype(np.bool_), named, readable, counts)


def label_sums(cells: Cells, weights: "Ints", over: Over = "expected") -> Sums:
    """Per label what `classification` makes precision, recall and F-beta of (micro, macro, weighted).

    `weights` are counts per cell: `cells.counts`, or draws of shape (draws, cells).
    """
    hits = _counted(cells.expected & cells.named, weights)
    support, named = _counted(cells.expected, weights), _counted(cells.named, weights)
    counted = _counted(cells.expected, cells.counts), _counted(cells.named, cells.counts)
    return Sums(hits, support, named, averaged(counted[0], counted[1], over))


def subset_accuracy(cells: Cells, weights: "Ints") -> "Floats":
    """The share of examples whose set is answered exactly."""
    return _mean(cells.readable & (cells.expected == cells.named).all(axis=1), weights)


def hamming_loss(cells: Cells, weights: "Ints") -> "Floats":
    """The share of labels, over all examples, that are wrongly named or wrongly left out."""
    return _mean((cells.expected ^ cells.named | ~cells.readable[:, None]).mean(axis=1), weights)


def samples_f1(cells: Cells, weights: "Ints", both_empty: float = 1.0) -> "Floats":
    """The mean F1 of the sets, example by example; `both_empty` is that of an empty set answered rightly."""
    import numpy as np

    hits = (cells.expected & cells.named).sum(axis=1)
    either = cells.expected.sum(axis=1) + cells.named.sum(axis=1)
    scores = np.where(either > 0, 2 * hits / np.maximum(either, 1), both_empty)
    return _mean(np.where(cells.readable, scores, 0.0), weights)


def estimate_sets(cells: Cells, statistic: Statistic, draws: int = INTERVAL_DRAWS) -> Estimate:
    """A score with its 95 % bootstrap interval, at least as wide as `metrics.least_half_width` says."""
    n = int(cells.counts.sum())
    if n == 0:
        return Estimate(0.0, 0.0, 1.0, 0)
    low, high = sets_interval(cells, statistic, draws)
    return widened(float(statistic(cells, cells.counts)), low, high, n)


def sets_interval(
    cells: Cells, statistic: Statistic, draws: int = INTERVAL_DRAWS, seed: int = INTERVAL_SEED
) -> tuple[float, float]:
    """The ends of the 95 % bootstrap interval over examples; (0, 1) on none.

    Few examples leave more open than this says: see `metrics.least_half_width`.
    """
    import numpy as np

    n = int(cells.counts.sum())
    if n == 0:
        return 0.0, 1.0
    rng, shares = np.random.default_rng((seed, 5)), cells.counts / n
    widths = chunks(draws, len(shares))
    return percentiles([statistic(cells, rng.multinomial(n, shares, size=rows)) for rows in widths])


def _counted(cells: "Bools", weights: "Ints") -> "Ints":
    """Sums per label; counted as floats, which are exact here and multiplied many times faster."""
    import numpy as np

    return np.asarray(weights.astype(np.float64) @ cells.astype(np.float64)).astype(np.int64)


def _mean(scores: "Floats | Bools", weights: "Ints") -> "Floats":
    import numpy as np

    totals: Floats = np.asarray(weights.sum(axis=-1), np.float64)
    found: Floats = np.asarray(weights @ scores.astype(np.float64) / np.maximum(totals, 1))
    return found
