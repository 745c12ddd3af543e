"""Evidence at any look as the reference tables ask for it."""

from collections.abc import Mapping
from math import log
from typing import Any

from app.domain.racing import STAKES, drop_evidence, promotion_evidence
from tests.reference.agreeing import NotOffered

Given = Mapping[str, Any]
UNIFORM = "uniform on (0.5,1)"


def mixture(given: Given, wanted: Given) -> Given:
    """Sequential McNemar with a uniform mixture over the chances above one half."""
    if given.get("prior", UNIFORM).replace(" ", "") != UNIFORM.replace(" ", ""):
        raise NotOffered(f"the prior {given['prior']!r}; ours is {UNIFORM}")
    return _evidence(promotion_evidence(given["wins"], given["losses"]))


def grid(given: Given, wanted: Given) -> Given:
    """The mean over a grid of bets against a difference of at least delta."""
    stakes = given.get("lambdas", STAKES)
    return _evidence(
        drop_evidence(given["wins"], given["losses"], given.get("ties", 0), given.get("delta", 0.0), stakes)
    )


def _evidence(found: float) -> Given:
    return {"e_value": found, "log_e": log(found), "anytime_p": min(1.0, 1 / found)}
