"""Draws and permutations of so many different answers that random bundles of them are drawn."""

from math import erfc, sqrt

import numpy as np
import pytest
from scipy.sparse import csr_array

from app.domain.comparing import compare
from app.domain.drawing import MOST_CELLS, resampled, swapped
from app.domain.goals import Goal
from app.domain.metrics import Z95, measure

MANY = MOST_CELLS + 4_000
RUNS = 2_000


def _graded(seed: int, better: float = 0.0) -> tuple[list[float], list[float]]:
    """Two prompts' grades of the same examples, hardly two of them alike."""
    rng = np.random.default_rng(seed)
    hard = rng.random(MANY)
    a, b = (np.clip(hard + rng.normal(gain, 0.2, MANY), 0, 1) for gain in (0.0, better))
    return a.tolist(), b.tolist()


def _halves(low: float, value: float, high: float) -> tuple[float, float]:
    return value - low, high - value


def test_the_interval_of_many_grades_is_as_wide_as_their_spread_says() -> None:
    grades, _ = _graded(1)
    found = measure(Goal("mean_score"), [0] * MANY, [0] * MANY, 2, {"score": grades})
    assert found.value == pytest.approx(np.mean(grades), abs=1e-6)
    half = Z95 * np.std(grades) / sqrt(MANY)
    assert _halves(found.low, found.value, found.high) == pytest.approx((half, half), rel=0.12)


@pytest.mark.parametrize("better", [0.0, 0.004])
def test_many_grades_are_compared_as_a_paired_z_test_compares_them(better: float) -> None:
    a, b = _graded(2, better)
    sides, none = ({"score": a}, {"score": b}), [0] * MANY
    found = compare(Goal("mean_score"), none, none, none, 2, 0, RUNS, sides)
    differences = np.subtract(b, a)
    error = float(np.std(differences)) / sqrt(MANY)
    assert _halves(found.low, found.value, found.high) == pytest.approx((Z95 * error,) * 2, rel=0.12)
    p = erfc(abs(float(differences.mean())) / error / sqrt(2))
    assert found.p == pytest.approx(p, abs=4 * sqrt(max(p * (1 - p), 1 / RUNS) / RUNS))


def test_many_grades_compared_the_other_way_round_say_the_same() -> None:
    a, b = ({"score": grades} for grades in _graded(3, 0.003))
    none = [0] * MANY
    there, back = (compare(Goal("mean_score"), none, none, none, 2, 0, RUNS, sides) for sides in ((a, b), (b, a)))
    assert (back.value, back.low, back.high, back.p) == (-there.value, -there.high, -there.low, there.p)


def test_bundles_spread_as_single_examples_do_and_keep_a_small_class() -> None:
    rng = np.random.default_rng(4)
    classes = np.where(np.arange(MANY) < 12, 1, 0)  # twelve examples: every class is drawn for itself
    values = rng.normal(size=MANY)
    each = csr_array(np.stack([np.ones(MANY), classes == 1, values], axis=1))
    counts = np.ones(MANY, np.int64)
    drawn = np.concatenate(list(resampled(each, classes, counts, RUNS, rng)))
    assert (drawn[:, 1] == 12).all(), "the small class has lost or won examples"
    assert drawn[:, 0].mean() == pytest.approx(MANY, rel=1e-3)
    assert drawn[:, 2].std() == pytest.approx(values.std() * sqrt(MANY), rel=0.1)


def test_swaps_of_bundles_add_half_of_all_and_spread_as_single_ones() -> None:
    rng = np.random.default_rng(5)
    change = rng.normal(size=MANY)
    added = np.concatenate(list(swapped(csr_array(change[:, None]), np.ones(MANY, np.int64), RUNS, rng)))[:, 0]
    spread = sqrt((change**2).sum()) / 2
    assert added.mean() == pytest.approx(change.sum() / 2, abs=4 * spread / sqrt(RUNS))
    assert added.std() == pytest.approx(spread, rel=0.1)
