"""Out-of-time splits: the newest examples are the holdout, the next newest dev, and equal times are never divided.

Groups stay together by leaving out: a group belongs to the earliest split in which it has a member, and its members
from later times are placed nowhere, so that train is never newer than dev, nor dev than the holdout.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.domain.splits import SPLITS, Placed, Placement, SplitItem, families, in_order
from app.errors import Invalid


@dataclass(frozen=True)
class Cut:
    """From when on examples are dev, and the holdout; None where there is no such split."""

    dev_from: datetime
    holdout_from: datetime | None

    def split_of(self, at: datetime | None) -> str:
        """What has no time is train: nobody knows that it is new."""
        if at is None or at < self.dev_from:
            return "train"
        return "holdout" if self.holdout_from is not None and at >= self.holdout_from else "dev"


def find_cut(times: Sequence[datetime | None], dev: int, holdout: int) -> Cut:
    """The cut nearest to so many examples in dev and holdout. Raises Invalid where the times do not allow it."""
    counts = sorted(Counter(time for time in times if time is not None).items(), reverse=True)
    if len(counts) < (3 if holdout else 2):
        raise Invalid("the examples have too few different times for an out-of-time split; choose another plan")
    holdout_from, rest = _newest(counts, holdout, keep=2) if holdout else (None, counts)
    dev_from, _ = _newest(rest, dev, keep=1)
    return Cut(dev_from, holdout_from)


def _newest(
    counts: Sequence[tuple[datetime, int]], wanted: int, keep: int
) -> tuple[datetime, list[tuple[datetime, int]]]:
    """(the earliest time that is taken, what is left): the number nearest to `wanted`, `keep` times being left."""
    best, taken, nearest = 1, 0, float("inf")
    for place, (_, count) in enumerate(counts[: len(counts) - keep], start=1):
        taken += count
        if abs(taken - wanted) < nearest:
            best, nearest = place, abs(taken - wanted)
    return counts[best - 1][0], list(counts[best:])


def split_by_time(
    items: Sequence[SplitItem], cut: Cut, seed: int, fixed: Mapping[str, str] | None = None
) -> list[Placement]:
    """Placements of all that is not left out. What is `fixed` stays, and a newcomer joins it only in its own time.

    Raises Invalid where a split is left empty.
    """
    placed: Placed = {name: [] for name in SPLITS}
    for family in families(items):
        for item, name in _kept(family, cut, fixed or {}):
            placed[name].append(item)
    empty = [name for name in ("train", "dev") if not placed[name]]
    if empty:
        raise Invalid(
            f"nothing is left for {empty[0]}: groups that run through the whole time cannot be split by it; "
            "choose the grouped plan, or no group column"
        )
    return in_order(placed, seed)


def _kept(family: Sequence[SplitItem], cut: Cut, fixed: Mapping[str, str]) -> list[tuple[SplitItem, str]]:
    """The members of a family that are placed, and where."""
    homes = {fixed[item.key] for item in family if item.key in fixed}
    own = {item.key: fixed.get(item.key) or cut.split_of(item.at) for item in family}
    home = min(homes or set(own.values()), key=SPLITS.index)
    alone = len(homes) < 2
    return [(item, own[item.key]) for item in family if item.key in fixed or (alone and own[item.key] == home)]
