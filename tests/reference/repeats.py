"""Several answers per example: the example stays the unit, whatever the number of repeats.

Tables have a row per example and a column per repeat, all rows equally long. Treating the cells as independent
gives errors that are too small; averaging per example first, or clustering by example, does not (Miller 2024,
"Adding Error Bars to Evals").
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isinf, sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Table = Sequence[Sequence[float]]


@dataclass(frozen=True)
class RepeatedDifference:
    """b minus a over n examples, with its standard errors and the t test over examples' means.

    `naive_se` takes all cells for independent and is there to be compared with. `cr0` is the error clustered
    by example, `cr1` the same times sqrt(n / (n - 1)), which is that of the examples' means.
    """

    value: float
    naive_se: float
    cr0: float
    cr1: float
    t: float
    p: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Components:
    """A score's mean and where its variance comes from: between examples, and within one (its repeats)."""

    mean: float
    within: float
    of_means: float
    between: float
    se: float


def compare_repeated(a: Table, b: Table, confidence: float = 0.95) -> RepeatedDifference:
    """The paired difference of two tables of the same examples and repeats, with the t interval.

    Without any variation t is infinite (or 0 when nothing differs) and the interval is the point.
    Raises ValueError when the shapes differ or there are fewer than two examples.
    """
    import numpy as np
    from scipy.stats import t as student

    cells = _table(b) - _table(a) if _shape(a) == _shape(b) else np.empty((0, 0))
    n = len(cells)
    if n < 2:
        raise ValueError(f"two tables of one shape, of two or more examples; given were {_shape(a)} and {_shape(b)}")
    means = cells.mean(axis=1)
    value = float(means.mean())
    cr0 = sqrt(float(((means - value) ** 2).sum())) / n
    cr1 = cr0 * sqrt(n / (n - 1))
    naive = sqrt(float(((cells - value) ** 2).sum()) / max(1, cells.size - 1) / cells.size)
    t = value / cr1 if cr1 else (inf if value > 0 else -inf) if value else 0.0
    p = 0.0 if isinf(t) else 2 * float(student.sf(abs(t), n - 1))
    half = float(student.ppf((1 + confidence) / 2, n - 1)) * cr1
    return RepeatedDifference(value, naive, cr0, cr1, t, p, value - half, value + half, n)


def components(table: Table) -> Components:
    """The variance components of repeated scores; the repeats' variance is 0 when there is one repeat.

    Var(mean) = between / n + within / (n repeats). The variance of examples' means holds a part of the repeats'
    variance: what is left of it without that part is the variance between examples, at least 0.
    Raises ValueError on fewer than two examples or rows of different length.
    """
    cells = _table(table)
    n, repeats = cells.shape
    if n < 2:
        raise ValueError(f"variance components need two or more examples; given were {n}")
    within = float(cells.var(axis=1, ddof=1).mean()) if repeats > 1 else 0.0
    of_means = float(cells.mean(axis=1).var(ddof=1))
    return Components(float(cells.mean()), within, of_means, max(0.0, of_means - within / repeats), sqrt(of_means / n))


def _shape(table: Table) -> tuple[int, ...]:
    return tuple(len(row) for row in table)


def _table(table: Table) -> "Floats":
    import numpy as np

    if len(set(_shape(table))) != 1 or not table[0]:
        raise ValueError(f"rows need one length, of at least one repeat; the lengths are {sorted(set(_shape(table)))}")
    return np.asarray(table, np.float64)
