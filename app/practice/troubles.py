"""The trouble a practice server makes on request: how much of which, drawn by a counter and a seed."""

from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Literal

Trouble = Literal["rate_limited", "failing", "hanging", "broken"]


@dataclass(frozen=True)
class Options:
    """How a practice server behaves. Shares are of all requests to its models, in [0, 1], and add up to 1 at most.

    `latency` is in seconds and passes before an answer; `retry_after` is in seconds too. A request
    that hangs is never answered. Raises ValueError for a share or a time that cannot be.
    """

    latency: float = 0.0
    rate_limited: float = 0.0
    retry_after: float = 1.0
    failing: float = 0.0
    hanging: float = 0.0
    broken: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        shares = [share for _, share in self.shares]
        if min(shares) < 0 or sum(shares) > 1 + 1e-9:
            raise ValueError("shares of trouble must lie between 0 and 1 and add up to 1 at most")
        if self.latency < 0 or self.retry_after < 0:
            raise ValueError("times must not be negative")

    @property
    def shares(self) -> tuple[tuple[Trouble, float], ...]:
        return (
            ("rate_limited", self.rate_limited),
            ("failing", self.failing),
            ("hanging", self.hanging),
            ("broken", self.broken),
        )


def trouble_of(options: Options, number: int) -> Trouble | None:
    """What happens to the server's request with this number; what it asks does not matter, so a retry may succeed."""
    drawn = Random(f"{options.seed}:{number}").random()
    bounds = accumulate(share for _, share in options.shares)
    return next((name for (name, _), bound in zip(options.shares, bounds, strict=True) if drawn < bound), None)
