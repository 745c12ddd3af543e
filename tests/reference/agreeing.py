"""What a check can find out besides a wrong figure: two ways of ours that differ, and a question we do not answer."""

from typing import Any

import pytest


class Disagreement(Exception):
    """Two of our own functions give different figures for the same question."""


class NotOffered(Exception):
    """The entry asks for a variant of a known method that we do not have; the message says which."""


def agree(name: str, ours: Any, other: Any, tolerance: float) -> None:
    """Holds a function that the product calls to the general one that is compared with the table."""
    if ours != pytest.approx(other, abs=tolerance):
        raise Disagreement(f"{name} gives {ours}, the general function {other}")
