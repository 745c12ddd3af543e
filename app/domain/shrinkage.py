"""What a score chosen as the best of many is worth on new data: shrunk towards the mean of all that were tried.

The best of many candidates was also lucky. Empirical Bayes with a normal prior over candidates (Efron and
Morris 1973, the variance between candidates by the method of moments) takes that luck out again: at K = 20
equal candidates on 100 examples the winner's score is 5 points too high, its shrunk score half a point.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum


@dataclass(frozen=True)
class Shrunk:
    """The expected scores on new data, in the order given, and the variances that they rest on."""

    scores: tuple[float, ...]
    mean: float
    sampling_variance: float  # of a score, averaged over candidates
    between_variance: float  # of the candidates' true scores; 0 when chance explains all there is


def shrink(scores: Sequence[float], sampling_variances: Sequence[float]) -> Shrunk:
    """mean + B (score - mean), with B = between / (between + sampling variance of this score).

    A variance per score; the variance between candidates is what the scores vary (n - 1 below) beyond
    their mean sampling variance, at least 0. Raises ValueError on none, unequal numbers or a negative variance.
    """
    if not scores or len(scores) != len(sampling_variances) or min(sampling_variances) < 0:
        raise ValueError(f"{len(scores)} scores with the sampling variances {list(sampling_variances)}")
    mean, sampling = _mean(scores), _mean(sampling_variances)
    spread = fsum((score - mean) ** 2 for score in scores) / max(1, len(scores) - 1)
    between = max(0.0, spread - sampling)
    shrunk = tuple(
        mean + (score - mean) * (between / (between + variance) if between else 0.0)
        for score, variance in zip(scores, sampling_variances, strict=True)
    )
    return Shrunk(shrunk, mean, sampling, between)


def shrink_shares(shares: Sequence[float], n: int) -> Shrunk:
    """Shares of n examples each, as if every candidate had its own examples: variance share (1 - share) / n.

    For candidates scored on the same examples `shrink_paired` is right: this one shrinks too much.
    """
    if n <= 0 or not all(0 <= share <= 1 for share in shares):
        raise ValueError(f"shares lie in [0, 1], of at least one example; given were {list(shares)} of {n}")
    return shrink(shares, [share * (1 - share) / n for share in shares])


def shrink_paired(table: Sequence[Sequence[float]]) -> Shrunk:
    """Candidates scored on the same examples: a row per candidate, a column per example.

    What all candidates find hard or easy is no luck of one of them; the sampling variance is the residual
    mean square of the two-way table (candidates, examples) divided by the number of examples.
    Raises ValueError on no rows, rows of different length, or fewer than two examples.
    """
    import numpy as np

    if not table or len({len(row) for row in table}) != 1 or len(table[0]) < 2:
        raise ValueError("the table needs rows of one length, two or more examples each")
    cells = np.asarray(table, np.float64)
    candidates, n = cells.shape
    means = cells.mean(axis=1)
    residuals = cells - means[:, None] - cells.mean(axis=0) + cells.mean()
    freedom = max(1, (candidates - 1) * (n - 1))
    return shrink(means.tolist(), [float((residuals**2).sum()) / freedom / n] * candidates)


def _mean(values: Sequence[float]) -> float:
    return fsum(values) / len(values)
