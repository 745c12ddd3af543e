"""Corrects p-values for having asked several questions at once.

Each function takes the raw p of every question that was asked (also of those given up on the way:
leaving them out is the mistake that this module is against) and returns the adjusted ones in the
same order: reject what is at most 5 %, and the promise holds for all of them together.
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate


def bonferroni(raw: Sequence[float]) -> list[float]:
    """Each p times their number: at most 5 % of families hold any false claim."""
    _require_p(raw)
    return [min(1.0, p * len(raw)) for p in raw]


def holm(raw: Sequence[float]) -> list[float]:
    """The promise of Bonferroni, and never a larger p (Holm 1979)."""
    _require_p(raw)
    order, m = _ascending(raw), len(raw)
    steps = accumulate((raw[place] * (m - rank) for rank, place in enumerate(order)), max)
    return _back(order, steps)


def hommel(raw: Sequence[float]) -> list[float]:
    """The promise of Holm for independent or positively dependent questions, and never a larger p (Hommel 1988).

    The closed test whose every intersection is tested by Simes, in Wright's (1992) arrangement: costs m squared.
    """
    _require_p(raw)
    order, m = _ascending(raw), len(raw)
    ordered = [raw[place] for place in order]
    adjusted = list(ordered)
    for size in range(m, 1, -1):
        low = m - size  # an intersection of this size that holds the question of this rank holds the larger ones
        least = min(size * ordered[rank] / (rank - low + 1) for rank in range(low + 1, m))
        for rank in range(m):
            adjusted[rank] = max(adjusted[rank], min(least, size * ordered[min(rank, low)]))
    return _back(order, adjusted)


def benjamini_hochberg(raw: Sequence[float]) -> list[float]:
    """At most 5 % of what is claimed is false on average (Benjamini and Hochberg 1995).

    A weaker promise than Holm's: for "which of these deserve a second look", never for announcing a winner.
    """
    return _step_up(raw, 1.0)


def benjamini_yekutieli(raw: Sequence[float]) -> list[float]:
    """The promise of Benjamini-Hochberg whatever the dependence (Benjamini and Yekutieli 2001)."""
    return _step_up(raw, sum(1 / rank for rank in range(1, len(raw) + 1)))


def _step_up(raw: Sequence[float], factor: float) -> list[float]:
    _require_p(raw)
    order, m = _ascending(raw)[::-1], len(raw)
    return _back(order, accumulate((raw[place] * factor * m / (m - rank) for rank, place in enumerate(order)), min))


def _ascending(raw: Sequence[float]) -> list[int]:
    return sorted(range(len(raw)), key=raw.__getitem__)


def _back(order: Sequence[int], adjusted: Iterable[float]) -> list[float]:
    """The adjusted p-values where their questions stood, none above 1."""
    placed = dict(zip(order, adjusted, strict=True))
    return [min(1.0, placed[place]) for place in range(len(placed))]


def _require_p(raw: Sequence[float]) -> None:
    wrong = [p for p in raw if not 0 <= p <= 1]
    if wrong:
        raise ValueError(f"a p-value lies in [0, 1]; given were {wrong}")
