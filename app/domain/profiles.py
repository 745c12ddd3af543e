"""What is worked out once of a class's probabilities: how well they rank, whether they come true, what calibrating changes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from app.domain.calibration import as_json, fit_isotonic, fit_platt, fit_temperature, from_json, refused
from app.domain.curves import area_estimates, brier, log_loss, sweep
from app.domain.metrics import Estimate
from app.domain.reliability import Bin, CalibrationError, bins_for, calibration_error, edges, reliability
from app.domain.shares import Column
from app.domain.thresholds import LEAST_POSITIVES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from app.domain.calibration import Calibrator

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

MOST_FITTED = 20_000  # rows; more do not change a fit by what anybody could see
KINDS = ("temperature", "platt", "isotonic")
_FITS: "dict[str, Callable[[Floats, Ints, int], Calibrator]]" = {
    "temperature": fit_temperature,
    "platt": fit_platt,
    "isotonic": fit_isotonic,
}


@dataclass(frozen=True)
class Profile:
    """Of one class on `n` examples, `positives` of which have it; areas are None where there is nothing to rank."""

    n: int
    positives: int
    average_precision: Estimate | None
    auc: Estimate | None
    brier: Estimate
    log_loss: Estimate
    error: CalibrationError
    bins: tuple[Bin, ...]


@dataclass(frozen=True)
class Calibrated:
    """What a kind of calibration does to examples that it was not fitted on; `reason` says why there is none."""

    kind: str
    reason: str
    log_loss: Estimate | None = None
    error: CalibrationError | None = None
    bins: tuple[Bin, ...] = ()


def profile(column: Column) -> Profile:
    """Raises ValueError without examples."""
    swept = sweep(column.truth, column.p)
    precise, ranked = area_estimates(swept)
    return Profile(
        len(column.p),
        swept.positives,
        precise,
        ranked,
        brier(column.p, column.truth),
        log_loss(column.p, column.truth),
        calibration_error(column.p, column.truth),
        bins_of(column),
    )


def bins_of(column: Column) -> tuple[Bin, ...]:
    return reliability(column.p, column.truth, edges(column.p, bins_for(len(column.p))))


def calibrate(column: Column, folds: "Ints") -> tuple[list[Calibrated], dict[str, Any]]:
    """What each kind does out of fold, and the fits as plain data: for each kind the whole one, and one for each fold.

    A fold's fit is made without the fold, on at most 20,000 examples spread evenly; so is the whole one.
    """
    told, fitted = list[Calibrated](), dict[str, Any]()
    for kind in KINDS:
        if reason := _refused(kind, column, folds):
            told.append(Calibrated(kind, reason))
            continue
        fitted[kind] = {
            "whole": _fit(kind, column, folds >= 0),
            "folds": {str(fold): _fit(kind, column, folds != fold) for fold in sorted(set(folds.tolist()))},
        }
        after = Column(held_out(column.p, folds, fitted[kind]), column.truth)
        loss, error = log_loss(after.p, after.truth), calibration_error(after.p, after.truth)
        told.append(Calibrated(kind, "", loss, error, bins_of(after)))
    return told, fitted


def _refused(kind: str, column: Column, folds: "Ints") -> str:
    if reason := refused(kind, len(column.p)):
        return reason
    positives = int(column.truth.sum())
    if min(positives, len(column.p) - positives) < LEAST_POSITIVES:
        return f"calibration needs {LEAST_POSITIVES} examples with the class and as many without; {positives} have it"
    return "" if len(set(folds.tolist())) > 1 else "all examples are of one group, so none are left to try it on"


def _fit(kind: str, column: Column, rows: "NDArray[np.bool_]") -> dict[str, Any]:
    import numpy as np

    places = np.flatnonzero(rows)
    places = places[:: -(-len(places) // MOST_FITTED) or 1]
    return as_json(_FITS[kind](column.p[places], column.truth[places].astype(np.int64), 0))


def held_out(p: "Floats", folds: "Ints", fitted: Mapping[str, Any]) -> "Floats":
    """Every probability as the fit says that was made without its fold."""
    import numpy as np

    after = np.empty_like(p)
    for fold, stored in fitted["folds"].items():
        inside = folds == int(fold)
        after[inside] = from_json(stored).apply(p[inside])
    return np.clip(after, 0.0, 1.0)


def dump(found: Profile, calibrated: Sequence[Calibrated]) -> dict[str, Any]:
    """Plain JSON data that `load` understands."""
    return {"profile": asdict(found), "calibrated": [asdict(one) for one in calibrated]}


def load(data: Mapping[str, Any]) -> tuple[Profile, list[Calibrated]]:
    told = data["profile"]
    areas = {name: told[name] and Estimate(**told[name]) for name in ("average_precision", "auc")}
    losses = {name: Estimate(**told[name]) for name in ("brier", "log_loss")}
    error, bins = CalibrationError(**told["error"]), _bins(told["bins"])
    found = Profile(told["n"], told["positives"], **areas, **losses, error=error, bins=bins)
    return found, [_calibrated(one) for one in data["calibrated"]]


def _calibrated(told: Mapping[str, Any]) -> Calibrated:
    if told["reason"]:
        return Calibrated(told["kind"], told["reason"])
    loss, error = Estimate(**told["log_loss"]), CalibrationError(**told["error"])
    return Calibrated(told["kind"], "", loss, error, _bins(told["bins"]))


def _bins(told: Sequence[Mapping[str, Any]]) -> tuple[Bin, ...]:
    return tuple(Bin(**one) for one in told)
