"""Ratings as the reference tables ask for them."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import exp, sqrt
from typing import Any

from app.domain.ratings import CENTRE, POINTS, Fit, fit
from tests.reference.matching import Scaled

Given = Mapping[str, Any]


def bradley_terry(given: Given, wanted: Given) -> Given:
    """Bradley-Terry, with Davidson's ties where the input has ties; players are named, or lettered from A."""
    wins: Sequence[Sequence[int]] = given["wins_row_beats_col"]
    names = given.get("players") or [chr(ord("A") + place) for place in range(len(wins))]
    fitted = _fitted(wins, given.get("ties_upper"))
    errors = [sqrt(row[place]) for place, row in enumerate(fitted.covariance)]
    pairs = [(i, j) for i in range(len(wins)) for j in range(len(wins)) if i != j]
    return {
        "log_strength_centred": list(fitted.strengths),
        "elo_scale_1000": [Scaled(CENTRE + POINTS * strength, POINTS) for strength in fitted.strengths],
        "nu": fitted.nu,
        "se_centred": errors,
        "se_centred_model_based": errors,
        **{f"p_{names[i]}_beats_{names[j]}": _chance(fitted, i, j) for i, j in pairs},
        **{f"se_diff_{names[i]}_minus_{names[j]}": _error(fitted, i, j) for i, j in pairs},
    }


def _fitted(wins: Sequence[Sequence[int]], ties: Sequence[Sequence[int]] | None) -> Fit:
    tied = ties or [[0] * len(wins) for _ in wins]
    counts = {(i, j): (wins[i][j], wins[j][i], tied[i][j]) for i, j in combinations(range(len(wins)), 2)}
    return fit({(f"{i:04}", f"{j:04}"): found for (i, j), found in counts.items() if any(found)}, ridge=0)


def _chance(fitted: Fit, i: int, j: int) -> float:
    one, other = exp(fitted.strengths[i]), exp(fitted.strengths[j])
    return one / (one + other + fitted.nu * sqrt(one * other))


def _error(fitted: Fit, i: int, j: int) -> float:
    c = fitted.covariance
    return sqrt(c[i][i] + c[j][j] - 2 * c[i][j])
