"""How the entries of a reference file on probabilities, thresholds and calibration are checked: method to function."""

from collections.abc import Callable
from math import log
from typing import Any

import numpy as np
import pytest

from app.domain.calibration import fit_isotonic, fit_temperature
from app.domain.curves import average_precision, brier, log_loss, roc_auc, sweep
from app.domain.deciding import margins
from app.domain.probabilities import entropy, in_json, margin
from app.domain.reliability import calibration_error, top_label
from app.domain.thresholds import At, at_threshold, best_fbeta, precision_at_recall, recall_at_precision
from app.domain.tokenwalk import SENTINEL, Token

Check = Callable[[Any, Any, float], None]


def token(told: Any) -> Token:
    """A token from its form in the reference file: texts with probabilities."""
    return Token(told["token"].encode(), _log(told["p"]), tuple((text.encode(), _log(p)) for text, p in told["top"]))


def _log(p: float) -> float:
    return log(p) if p > 0 else SENTINEL


def _field_probability(given: Any, wanted: Any, tolerance: float) -> None:
    found = in_json([token(told) for told in given["tokens"]], given["path"], given["allowed"])
    assert found is not None
    names = [str(value) for value in given["allowed"]]
    for key, masses in (("p", found.seen), ("raw", found.raw), ("hi", found.reach)):
        assert dict(zip(names, masses, strict=True)) == pytest.approx(wanted[key], abs=tolerance), key
    assert found.unresolved == pytest.approx(wanted["unresolved"], abs=tolerance)
    assert found.other == pytest.approx(wanted["other"], abs=tolerance)
    assert [names[place] for place in found.missing] == [str(value) for value in wanted["missing"]]


def _threshold_tuning(given: Any, wanted: Any, tolerance: float) -> None:
    swept = sweep(given["y"], given["p"])
    for name, best in wanted.get("best_fbeta", {}).items():
        beta = float(name.removeprefix("beta_"))
        found = best_fbeta(swept, beta, least_positives=0).at
        assert found.fbeta(beta) == pytest.approx(best["f"], abs=tolerance), name
        named = at_threshold(swept, best["threshold"])
        _same_or_as_good(found, named, found.fbeta(beta), named.fbeta(beta))
    for name, best in wanted.items():
        if name.startswith("recall_at_precision_"):
            at = recall_at_precision(swept, _share(name), least_positives=0).optimistic
            assert at is not None
            assert at.recall == pytest.approx(best["recall"], abs=tolerance)
            named = at_threshold(swept, best["threshold"])
            _same_or_as_good(at, named, at.recall, named.recall)
        if name.startswith("precision_at_recall_"):
            at = precision_at_recall(swept, _share(name), least_positives=0).at
            assert at.precision == pytest.approx(best["precision"], abs=tolerance)
            named = at_threshold(swept, best["threshold"])
            _same_or_as_good(at, named, at.precision, named.precision)
    values = {
        "average_precision": average_precision(swept),
        "roc_auc": roc_auc(swept),
        "log_loss": log_loss(given["p"], given["y"]).value,
        "brier": brier(given["p"], given["y"]).value,
    }
    for name in values.keys() & wanted.keys():
        assert values[name] == pytest.approx(wanted[name], abs=tolerance), name


def _share(name: str) -> float:
    """The share that a name ends in: "..._075" and "..._75" are 0.75, "..._1" is 1."""
    digits = name.rsplit("_", 1)[1]
    return 1.0 if digits == "1" else float("0." + digits.removeprefix("0"))


def _same_or_as_good(found: At, named: At, worth: float | None, named_worth: float | None) -> None:
    """The threshold of the file, or another that ties with it exactly."""
    assert found.threshold == named.threshold or worth == pytest.approx(named_worth, abs=1e-12)


def _binary_error(given: Any, wanted: Any, tolerance: float) -> None:
    found = calibration_error(given["p"], given["y"], given["bins"])
    assert found.value == pytest.approx(wanted["ece"], abs=tolerance)


def _temperature_multiclass(given: Any, wanted: Any, tolerance: float) -> None:
    p, y = given["p"], given["y"]
    fitted = fit_temperature(p, y, least=0)
    assert fitted.t == pytest.approx(wanted["T"], abs=tolerance)
    assert fitted.t == pytest.approx(wanted["sklearn_T"], abs=tolerance)
    assert log_loss(p, y).value == pytest.approx(wanted["nll_before"], abs=tolerance)
    assert log_loss(fitted.apply(np.array(p)), y).value == pytest.approx(wanted["nll_after"], abs=tolerance)
    for name, error in wanted.items():
        if name.startswith("ece_top1_"):
            bins = int(name.removeprefix("ece_top1_").removesuffix("bins"))
            assert calibration_error(*top_label(p, y), bins).value == pytest.approx(error, abs=tolerance), name
    assert [margin(row) for row in p] == pytest.approx(wanted["margin_top1_top2"], abs=tolerance)
    assert margins(p) == pytest.approx(wanted["margin_top1_top2"], abs=tolerance)
    assert [entropy(row) for row in p] == pytest.approx(wanted["entropy_nats"], abs=tolerance)


def _temperature_binary(given: Any, wanted: Any, tolerance: float) -> None:
    fitted = fit_temperature(given["p"], given["y"], least=0)
    assert fitted.t == pytest.approx(wanted["T"], abs=tolerance)
    assert log_loss(fitted.apply(np.array(given["p"])), given["y"]).value == pytest.approx(wanted["nll"], abs=tolerance)


def _isotonic(given: Any, wanted: Any, tolerance: float) -> None:
    fitted = fit_isotonic(given["p"], given["y"], least=0)
    assert fitted.apply(np.array(given["p"])) == pytest.approx(wanted["fitted"], abs=tolerance)


CHECKS: dict[str, Check] = {
    "calibration.ece_binary_positive_class_equal_width": _binary_error,
    "calibration.isotonic": _isotonic,
    "calibration.temperature_binary": _temperature_binary,
    "calibration.temperature_multiclass": _temperature_multiclass,
    "logprob.field_probability": _field_probability,
    "threshold_tuning": _threshold_tuning,
}
