"""Compares two prompts by graded scores (numbers, not right or wrong) on the same examples.

A difference is b minus a, example by example. Draws are made as matrices, in chunks, and
count equal scores together, so that a rubric with few grades costs as little as right and wrong.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Literal

from app.domain.drawing import chunks
from app.domain.metrics import INTERVAL_DRAWS, INTERVAL_SEED

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

Method = Literal["percentile", "bca"]
EXHAUSTIVE_UP_TO = 2**20  # ways to turn the signs of differences
_COUNTING_PAYS = 10  # examples per distinct score from which drawing counts is faster than drawing examples
_PLACES = 12  # scores are equal when these decimals are
_EQUAL = 1e-12  # means that differ by less, of the largest difference, differ by rounding only


@dataclass(frozen=True)
class MeanInterval:
    """A mean with the standard error and the ends of the interval that the bootstrap gives it."""

    value: float
    se: float
    low: float
    high: float


def differences(a: Sequence[float], b: Sequence[float]) -> "Floats":
    """b minus a for each example; ValueError when the lengths differ, there is none, or one is not finite."""
    import numpy as np

    if len(a) != len(b) or not len(a):
        raise ValueError(f"scores of the same examples are needed; given were {len(a)} and {len(b)}")
    found: Floats = np.asarray(b, np.float64) - np.asarray(a, np.float64)
    if not np.isfinite(found).all():
        raise ValueError("a score is not finite")
    return found


def sign_test(changes: "Floats", seed: int, draws: int = 10_000) -> float:
    """Two-sided p of a mean difference: the paired permutation test, swapping a and b turns a sign.

    Every way while equal differences, counted together, leave at most a million (20 different ones do); else
    `draws` random ways, and p = (1 + hits) / (1 + draws).
    """
    import numpy as np

    sizes, counts = _moved(changes)
    if not len(sizes):
        return 1.0
    observed = abs(float(np.round(changes, _PLACES).sum())) - _EQUAL * float(sizes @ counts)
    if exhaustive(changes):
        totals, chances = _all_sums(sizes, counts)
        return min(1.0, float(chances[np.abs(totals) >= observed].sum()))
    rng = np.random.default_rng((seed, 3))
    hits = sum(int((np.abs(drawn) >= observed).sum()) for drawn in _drawn_sums(sizes, counts, draws, rng))
    return (1 + hits) / (1 + draws)


def exhaustive(changes: "Floats") -> bool:
    """Whether `sign_test` tries every way, and so gives the exact p."""
    ways: list[int] = (_moved(changes)[1] + 1).tolist()
    return prod(ways) <= EXHAUSTIVE_UP_TO


def _moved(changes: "Floats") -> tuple["Floats", "Ints"]:
    """The distinct sizes of the differences other than 0, and how often each occurs; equal up to rounding is equal."""
    import numpy as np

    rounded = np.abs(np.round(changes, _PLACES))
    return np.unique(rounded[rounded > 0], return_counts=True)


def _all_sums(sizes: "Floats", counts: "Ints") -> tuple["Floats", "Floats"]:
    """Every sum that turned signs can give, and its chance: by how many of each size are turned."""
    import numpy as np
    from scipy.stats import binom

    totals, chances = np.zeros(1), np.ones(1)
    for size, count in zip(sizes.tolist(), counts.tolist(), strict=True):
        turned = np.arange(count + 1)
        totals = (totals[:, None] + (2 * turned - count) * size).ravel()
        chances = (chances[:, None] * binom.pmf(turned, count, 0.5)).ravel()
    return totals, chances


def _drawn_sums(sizes: "Floats", counts: "Ints", draws: int, rng: "np.random.Generator") -> Iterator["Floats"]:
    """Sums of the differences with signs turned at random: a number per size, or a bit per difference."""
    import numpy as np

    n = int(counts.sum())
    if len(sizes) * _COUNTING_PAYS < n:
        for rows in chunks(draws, len(sizes)):
            yield (2 * rng.binomial(counts, 0.5, size=(rows, len(sizes))) - counts) @ sizes
    else:
        each = np.repeat(sizes, counts)
        for rows in chunks(draws, n):
            bits = np.unpackbits(rng.integers(0, 256, (rows, -(-n // 8)), np.uint8), axis=1, count=n)
            yield 2 * (bits.astype(np.float64) @ each) - each.sum()


def mean_interval(
    values: "Floats",
    method: Method = "percentile",
    confidence: float = 0.95,
    draws: int = INTERVAL_DRAWS,
    seed: int = INTERVAL_SEED,
) -> MeanInterval:
    """The mean of values (scores, or differences) with its bootstrap interval over examples.

    `bca` corrects the percentiles for bias and skew (Efron 1987); where all values are equal the interval is
    that value. The draws depend on the values and the seed, not on the order of the values.
    """
    import numpy as np

    ordered = np.sort(np.asarray(values, np.float64))
    value = float(ordered.mean())
    drawn = np.concatenate(list(_drawn_means(ordered, draws, np.random.default_rng((seed, 4)))))
    if ordered[0] == ordered[-1]:
        return MeanInterval(value, 0.0, value, value)
    tails = ((1 - confidence) / 2, (1 + confidence) / 2)
    low, high = np.quantile(drawn, _corrected(tails, ordered, drawn) if method == "bca" else tails).tolist()
    return MeanInterval(value, float(drawn.std(ddof=1)), min(low, value), max(high, value))


def _drawn_means(values: "Floats", draws: int, rng: "np.random.Generator") -> Iterator["Floats"]:
    """Means of as many values drawn with replacement, rounded so that equal draws are equal numbers."""
    import numpy as np

    distinct, counts = np.unique(values, return_counts=True)
    n = len(values)
    if len(distinct) * _COUNTING_PAYS < n:
        for rows in chunks(draws, len(distinct)):
            yield np.round(rng.multinomial(n, counts / n, size=rows) @ distinct / n, _PLACES)
    else:
        for rows in chunks(draws, n):
            yield np.round(values[rng.integers(0, n, (rows, n))].mean(axis=1), _PLACES)


def _corrected(tails: tuple[float, float], values: "Floats", drawn: "Floats") -> "Floats":
    """The shares at which BCa reads the draws, for the tails asked for."""
    import numpy as np
    from scipy.special import ndtr, ndtri

    value = round(float(values.mean()), _PLACES)
    bias = ndtri(((drawn < value).mean() + (drawn <= value).mean()) / 2)
    without = (values.sum() - values) / (len(values) - 1)
    skew = without.mean() - without
    acceleration = (skew**3).sum() / (6 * (skew**2).sum() ** 1.5)
    shifted = bias + ndtri(np.array(tails))
    shares: Floats = ndtr(bias + shifted / (1 - acceleration * shifted))
    return shares
