"""Thresholds frozen with what they were tuned for, and whether they still hold."""

import hashlib
from dataclasses import dataclass

PARTS = ("prompt version", "endpoint", "answer format")


@dataclass(frozen=True)
class FrozenThresholds:
    """One threshold a label and when to abstain, by the rule that chose them, for one `key` only."""

    rule: str
    thresholds: tuple[float, ...]
    key: str
    abstain_below: float = 0.0
    least_margin: float = 0.0

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
