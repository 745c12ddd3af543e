"""Intervals of a proportion at any confidence; `metrics` has Wilson's at 95 %, which all pages show."""

from math import sqrt
from statistics import NormalDist


def wilson_at(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval (Wilson 1927); from 0 to 1 on no examples."""
    _require_count(successes, n, confidence)
    if n == 0:
        return 0.0, 1.0
    share, z = successes / n, NormalDist().inv_cdf((1 + confidence) / 2)
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    low = 0.0 if successes == 0 else max(0.0, middle - half)
    return low, 1.0 if successes == n else min(1.0, middle + half)


def jeffreys(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """The equal-tailed interval of the posterior after Jeffreys' prior, Beta(1/2, 1/2).

    Its ends are never 0 or 1, so that at 0 and n successes it leaves out the observed share; Brown,
    Cai and DasGupta (2001) move them there, which tables of reference do not.
    """
    from scipy.special import betaincinv

    _require_count(successes, n, confidence)
    tail = (1 - confidence) / 2
    a, b = successes + 0.5, n - successes + 0.5
    return float(betaincinv(a, b, tail)), float(betaincinv(a, b, 1 - tail))


def _require_count(successes: int, n: int, confidence: float) -> None:
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n}")
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence lies between 0 and 1; given was {confidence}")
