"""Thresholds frozen with what they were tuned for: whether they still hold, and whether the holdout kept their promise."""

import hashlib
from dataclasses import dataclass
from typing import Literal

from app.domain.confirming import gap
from app.domain.metrics import Estimate
from app.domain.thresholds import NEVER

PARTS = ("prompt version", "endpoint", "answer format")
Held = Literal["held", "short", "missed", "lower"]


@dataclass(frozen=True)
class FrozenThresholds:
    """One threshold a label and when to abstain, by the rule that chose them, for one `key` only.

    Each number lies between 0 and 1, or is `NEVER`: a label that is never said, or abstaining always.
    """

    rule: str
    thresholds: tuple[float, ...]
    key: str
    abstain_below: float = 0.0
    least_margin: float = 0.0

    def __post_init__(self) -> None:
        for number in (*self.thresholds, self.abstain_below, self.least_margin):
            if not (0 <= number <= 1 or number == NEVER):
                raise ValueError(f"a frozen threshold lies between 0 and 1, or is {NEVER:g}; given was {number:g}")

    @property
    def abstains_always(self) -> bool:
        return NEVER in (self.abstain_below, self.least_margin)

    def changed(self, key: str) -> tuple[str, ...]:
        """What is no longer as it was when the thresholds were tuned, in words; empty when they still hold."""
        before, now = self.key.split("."), key.split(".")
        if len(before) != len(PARTS) or len(now) != len(PARTS):
            return PARTS
        return tuple(name for name, old, new in zip(PARTS, before, now, strict=True) if old != new)

    def holds(self, key: str) -> bool:
        return not self.changed(key)


def threshold_key(prompt_version: str, endpoint: str, answer_format: str) -> str:
    """The key of what thresholds depend on: give each part as canonical text, the answer format with its schema."""
    return ".".join(
        hashlib.sha256(part.encode()).hexdigest()[:20] for part in (prompt_version, endpoint, answer_format)
    )


def held(target: float | None, promised: Estimate | None, found: Estimate | None) -> Held | None:
    """Whether a share came true on the holdout; None where nothing was counted.

    With a target it holds when it is reached, falls `short` when it is not but its interval reaches it, and else is
    `missed`. Without one it is `lower` when all of the interval of dev minus holdout lies above 0.
    """
    if found is None:
        return None
    if target is not None:
        return "held" if found.value >= target else "short" if found.high >= target else "missed"
    if promised is None:
        return None
    return "lower" if gap(promised, found).low > 0 else "held"
