"""How the entries of a reference file on probabilities, thresholds and calibration are checked: method to function."""

from collections.abc import Callable
from math import log
from typing import Any

import pytest

from app.domain.probabilities import in_json
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


CHECKS: dict[str, Check] = {
    "logprob.field_probability": _field_probability,
}
