"""Calibrators make probabilities come true and keep their order; errors are shown beside what chance alone shows."""

import json
from math import nan
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from app.domain.calibration import (
    Calibrator,
    Isotonic,
    Platt,
    Temperature,
    as_json,
    fit_isotonic,
    fit_platt,
    fit_temperature,
    from_json,
    refused,
)
from app.domain.curves import log_loss
from app.domain.reliability import Binning, bins_for, calibration_error, edges, reliability, top_label
from app.errors import Invalid

SHARES = arrays(np.float64, st.integers(1, 60), elements=st.floats(0, 1))


def honest(n: int, seed: int = 0) -> tuple[Any, Any]:
    """Probabilities that come true as often as they say."""
    rng = np.random.default_rng(seed)
    p = rng.beta(2, 2, n)
    return p, rng.random(n) < p


def overconfident(n: int, seed: int = 0) -> tuple[Any, Any]:
    """The same with log-odds twice as far from zero as they should be."""
    p, y = honest(n, seed)
    return Temperature(0.5).apply(p), y


def test_each_calibrator_finds_what_was_done_to_the_probabilities() -> None:
    p, y = overconfident(5_000)
    assert fit_temperature(p, y).t == pytest.approx(2, abs=0.15)
    line = fit_platt(p, y)
    assert (line.slope, line.offset) == pytest.approx((0.5, 0), abs=0.06)
    for calibrator in (fit_temperature(p, y), line, fit_isotonic(p, y)):
        new_p, new_y = overconfident(5_000, seed=1)
        fixed = calibrator.apply(new_p)
        assert log_loss(fixed, new_y).value < log_loss(new_p, new_y).value
        assert calibration_error(fixed, new_y).value < 0.5 * calibration_error(new_p, new_y).value


def test_the_temperature_of_many_labels_is_found() -> None:
    rng = np.random.default_rng(2)
    true = rng.dirichlet([1, 1, 1, 1], 3_000)
    y = np.array([rng.choice(4, p=row) for row in true])
    stated = Temperature(0.4).apply(true)
    fitted = fit_temperature(stated, y)
    assert fitted.t == pytest.approx(2.5, abs=0.2)
    assert fitted.apply(stated).sum(axis=1) == pytest.approx(np.ones(3_000))


def test_two_labels_and_a_yes_no_have_the_same_temperature() -> None:
    p, y = overconfident(400)
    assert fit_temperature(p, y).t == pytest.approx(fit_temperature(np.stack([1 - p, p], axis=1), y).t, abs=1e-5)


@pytest.mark.parametrize(
    "calibrator", [Temperature(3.0), Temperature(0.2), Platt(0.5, -1), Platt(0, 0.3), Isotonic((0.2, 0.6), (0.1, 0.9))]
)
@given(p=SHARES)
def test_a_higher_probability_never_becomes_a_lower_one(calibrator: Calibrator, p: Any) -> None:
    fixed = calibrator.apply(np.sort(p))
    assert (np.diff(fixed) >= -1e-12).all()
    assert ((fixed >= 0) & (fixed <= 1)).all()
    assert from_json(json.loads(json.dumps(as_json(calibrator)))) == calibrator


@given(st.lists(st.booleans(), min_size=2, max_size=40), st.data())
def test_a_fit_survives_any_labels(y: list[bool], data: st.DataObject) -> None:
    p = data.draw(arrays(np.float64, len(y), elements=st.floats(0, 1)))
    for fit in (fit_temperature, fit_platt, fit_isotonic):
        fixed = fit(p, np.array(y), least=0).apply(np.array([0.0, 0.3, 1.0]))
        assert np.isfinite(fixed).all()
        assert fixed[0] <= fixed[1] + 1e-12 <= fixed[2] + 2e-12


@pytest.mark.parametrize(("kind", "needed"), [("temperature", 100), ("platt", 100), ("isotonic", 1_000)])
def test_too_few_labels_are_refused_with_the_reason(kind: str, needed: int) -> None:
    fit = {"temperature": fit_temperature, "platt": fit_platt, "isotonic": fit_isotonic}[kind]
    p, y = honest(needed)
    fit(p, y)
    with pytest.raises(Invalid, match=f"{kind} calibration needs {needed:,} labelled examples"):
        fit(p[:-1], y[:-1])
    assert refused(kind, needed) == ""


@pytest.mark.parametrize(
    ("p", "place"), [(0.0, 0), (0.2, 1), (0.19999, 0), (0.4, 2), (0.6, 3), (0.8, 4), (0.99, 4), (1.0, 4)]
)
def test_bins_are_closed_on_the_left_and_the_last_on_both_sides(p: float, place: int) -> None:
    (found,) = reliability([p], [1], edges([p], 5))
    assert (found.low, found.high) == pytest.approx((place / 5, (place + 1) / 5))


@pytest.mark.parametrize(("n", "bins"), [(0, 1), (29, 1), (60, 2), (449, 14), (450, 15), (100_000, 15)])
def test_few_examples_have_few_bins(n: int, bins: int) -> None:
    assert bins_for(n) == bins


def test_bins_of_equal_count_hold_equal_counts_and_part_no_ties() -> None:
    p, y = honest(600)
    assert [found.n for found in reliability(p, y, edges(p, 10, "equal count"))] == [60] * 10
    tied = np.repeat([0.1, 0.5, 0.9], 100)
    found = reliability(tied, tied > 0.2, edges(tied, 10, "equal count"))
    assert [bin_.n for bin_ in found] == [100, 100, 100]


@given(SHARES, st.data(), st.sampled_from(["equal width", "equal count"]), st.integers(1, 20))
def test_the_error_is_the_weighed_gap_of_the_bins(p: Any, data: st.DataObject, binning: Binning, bins: int) -> None:
    y = data.draw(arrays(np.bool_, len(p)))
    at = edges(p, bins, binning)
    found = reliability(p, y, at)
    assert sum(bin_.n for bin_ in found) == len(p)
    for bin_ in found:
        assert bin_.low <= bin_.stated + 1e-9
        assert bin_.stated <= bin_.high + 1e-9
        assert 0 <= bin_.least <= bin_.true <= bin_.most <= 1
    error = calibration_error(p, y, bins, binning)
    assert error.value == pytest.approx(sum(bin_.n * abs(bin_.stated - bin_.true) for bin_ in found) / len(p))
    assert 0 <= error.low <= error.value <= error.high <= 1
    assert 0 <= error.perfect <= 1


@pytest.mark.parametrize(("n", "shown"), [(100, 0.091), (400, 0.047), (1_000, 0.030)])
def test_a_perfectly_calibrated_model_shows_the_error_that_was_simulated(n: int, shown: float) -> None:
    rng = np.random.default_rng(6)
    found = []
    for _ in range(60):
        p = rng.beta(4, 1, n)
        found.append(calibration_error(p, rng.random(n) < p, 15).perfect)
    assert np.mean(found) == pytest.approx(shown, abs=0.002)


def test_the_same_seed_gives_the_same_interval_in_any_order() -> None:
    p, y = honest(500)
    order = np.random.default_rng(1).permutation(500)
    first, second = calibration_error(p, y), calibration_error(p[order], y[order])
    assert (first.low, first.high, first.perfect) == pytest.approx((second.low, second.high, second.perfect))


def test_an_honest_model_is_told_from_an_overconfident_one() -> None:
    fair, bold = calibration_error(*honest(2_000)), calibration_error(*overconfident(2_000))
    assert fair.value < fair.perfect_most
    assert fair.low == 0
    assert bold.low > bold.perfect_most


def test_the_leading_label_is_binned_by_whether_it_is_right() -> None:
    stated, right = top_label([[0.7, 0.3], [0.4, 0.6]], [0, 0])
    assert stated.tolist() == [0.7, 0.6]
    assert right.tolist() == [True, False]


@pytest.mark.parametrize(("p", "y"), [([], []), ([0.5], [1, 0]), ([1.5], [1]), ([nan], [1])])
def test_what_is_no_probability_is_refused(p: list[float], y: list[int]) -> None:
    with pytest.raises(ValueError, match="stated probabilit"):
        calibration_error(p, y)
