"""The plan by which a test set is split: stored with each version, and followed again when rows are added."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal, get_args

from app.domain.examplerows import Example
from app.domain.rightanswers import parts_of
from app.domain.splits import Placement, SplitItem, shares, split
from app.domain.timesplits import Cut, find_cut, split_by_time
from app.errors import Invalid, Problem

PlanKind = Literal["stratified", "grouped", "out_of_time", "random"]
PLANS: tuple[PlanKind, ...] = get_args(PlanKind)
DEV_LIMIT = 300
LEAST_SHARE, MOST_SHARE, MOST_HELD_BACK = 0.1, 0.6, 0.9
_TOO_SMALL = 60  # examples; under that there is no holdout, whatever the shares


@dataclass(frozen=True)
class Plan:
    """How a test set was split. `dev` and `holdout` are shares from 0 to 1, None for those that the size suggests.

    Dev has at most `dev_limit` examples; its surplus is train. The times are the cut of an out-of-time plan.
    """

    kind: PlanKind = "stratified"
    seed: int = 0
    dev: float | None = None
    holdout: float | None = None
    dev_limit: int = DEV_LIMIT
    group_column: str = ""
    time_column: str = ""
    dev_from: datetime | None = None
    holdout_from: datetime | None = None

    def shares(self, n: int) -> dict[str, float]:
        """The share of each split that is wanted of `n` examples."""
        wanted = shares(n)
        if self.dev is not None:
            wanted["dev"] = self.dev
        if self.holdout is not None and n >= _TOO_SMALL:
            wanted["holdout"] = self.holdout
        return {**wanted, "train": 1 - wanted["dev"] - wanted["holdout"]}


def dump(plan: Plan) -> dict[str, Any]:
    """Plain JSON data that `load` understands."""
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in vars(plan).items()}


def load(data: Mapping[str, Any], seed: int = 0) -> Plan:
    """A stored plan; what was split before plans were stored was split by label, in groups where there were any."""
    if not data:
        return Plan("stratified", seed)
    known = {name: data[name] for name in vars(Plan()) if name in data}
    times = {name: datetime.fromisoformat(data[name]) for name in ("dev_from", "holdout_from") if data.get(name)}
    return replace(Plan(), **{**known, **times})


def same(kept: Mapping[str, Any], wanted: Plan) -> bool:
    """Whether a stored plan splits as this one does; how it was named does not matter where groups are the same."""
    stored = load(kept, wanted.seed)
    parts = ("seed", "dev", "holdout", "dev_from", "holdout_from")
    kinds = {"stratified", "grouped"}
    alike = stored.kind == wanted.kind or {stored.kind, wanted.kind} == kinds
    return alike and all(getattr(stored, name) == getattr(wanted, name) for name in parts)


def holdout_hash(placements: Iterable[Placement]) -> str:
    """The identity of a holdout: a hash over the sorted keys of its examples; empty where there is none."""
    keys = sorted(placement.key for placement in placements if placement.split == "holdout")
    return sha256("\n".join(keys).encode()).hexdigest() if keys else ""


def checked(plan: Plan) -> Plan:
    """The same plan. Raises Invalid naming the choices that cannot be followed."""
    problems = []
    if plan.kind not in PLANS:
        problems.append(Problem(f"must be one of {', '.join(PLANS)}", "plan"))
    if plan.kind == "grouped" and not plan.group_column:
        problems.append(Problem("a grouped split needs a group column; choose one", "group_column"))
    if plan.kind == "out_of_time" and not plan.time_column:
        problems.append(Problem("an out-of-time split needs a time column; choose one", "time_column"))
    for name, value in (("dev_share", plan.dev), ("holdout_share", plan.holdout)):
        if value is not None and not LEAST_SHARE <= value <= MOST_SHARE:
            problems.append(Problem(f"must lie between {LEAST_SHARE:.0%} and {MOST_SHARE:.0%}", name))
    if not problems and 1 - plan.shares(1_000)["train"] > MOST_HELD_BACK + 1e-9:
        problems.append(Problem(f"dev and holdout together may be at most {MOST_HELD_BACK:.0%}", "holdout_share"))
    if problems:
        raise Invalid(problems)
    return plan


def items_of(examples: Sequence[Example], near: Sequence[int], plan: Plan, *, closed: bool) -> list[SplitItem]:
    """What is to be split; a set or checklist counts as its rarest part, and open answers as all alike."""
    strata = strata_of(examples, closed=closed and plan.kind != "random")
    return [
        SplitItem(one.key, stratum, one.group, group, one.at)
        for one, stratum, group in zip(examples, strata, near, strict=True)
    ]


def strata_of(examples: Iterable[Example], *, closed: bool) -> list[str]:
    """Of each answer the part that is rarest in the whole; nothing where there is none."""
    parts = [tuple(parts_of(one.reference, closed=closed)) for one in examples]
    counts = Counter(part for several in parts for part in several)
    return [min(several, key=lambda part: (counts[part], part), default="") for several in parts]


def place(
    items: Sequence[SplitItem], plan: Plan, fixed: Mapping[str, str] | None = None
) -> tuple[Plan, list[Placement]]:
    """The plan with its cut, and the placements; items without one were left out. Raises Invalid as the splits do.

    `fixed` are the splits, by key, that an earlier version froze; an out-of-time plan then keeps its cut.
    """
    n = len(items)
    wanted = plan.shares(n)
    if plan.kind != "out_of_time":
        return plan, split(items, plan.seed, plan.dev_limit, wanted, fixed)
    cut = Cut(plan.dev_from, plan.holdout_from) if plan.dev_from else _cut(items, plan, wanted)
    found = split_by_time(items, cut, plan.seed, fixed)
    return replace(plan, dev_from=cut.dev_from, holdout_from=cut.holdout_from), found


def _cut(items: Sequence[SplitItem], plan: Plan, wanted: Mapping[str, float]) -> Cut:
    dev, holdout = (int(wanted[name] * len(items) + 0.5) for name in ("dev", "holdout"))
    return find_cut([item.at for item in items], min(dev, plan.dev_limit), holdout)
