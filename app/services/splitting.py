"""From examples to splits: what is known of them, what that suggests, and the plan that was followed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, cast

from app.domain import plans
from app.domain.advice import SetFacts, advise, best_plan, outlook, remarks
from app.domain.answerspace import Kind
from app.domain.columns import Columns
from app.domain.examplerows import Example
from app.domain.plans import Plan, PlanKind, items_of, place
from app.domain.rightanswers import parts_of
from app.domain.splits import SPLITS, Placement
from app.errors import Invalid

NEAR_SHOWN, NEAR_CHARACTERS = 5, 160


@dataclass(frozen=True)
class SplitChoices:
    """What a person decides about splits; an empty plan is the suggested one, None the share that suits the size."""

    plan: str = ""
    seed: int = 0
    dev: float | None = None
    holdout: float | None = None


@dataclass(frozen=True)
class Planned:
    """The plan that was followed, what it was made from, and where each example went, by key."""

    plan: Plan
    facts: SetFacts
    placements: Mapping[str, Placement]

    @property
    def left_out(self) -> int:
        return self.facts.n - len(self.placements)

    @property
    def sizes(self) -> dict[str, int]:
        counts = Counter(placement.split for placement in self.placements.values())
        return {name: counts[name] for name in SPLITS}


def follow(
    examples: Sequence[Example], near: Sequence[int], columns: Columns, choices: SplitChoices, dev_limit: int
) -> Planned:
    """Split by the chosen plan, or by the one that suits. Raises Invalid naming what cannot be followed."""
    base = Plan(
        seed=choices.seed,
        dev=choices.dev,
        holdout=choices.holdout,
        dev_limit=dev_limit,
        group_column=columns.group or "",
        time_column=columns.at or "",
    )
    plans.checked(replace(base, kind=cast(PlanKind, choices.plan or base.kind)))
    facts = facts_of(examples, near, columns, base)
    plan = plans.checked(replace(base, kind=_kind(choices.plan, facts)))
    plan, placed = place(items_of(examples, near, plan, closed=_closed(columns.kind)), plan)
    return Planned(plan, facts, {placement.key: placement for placement in placed})


def _kind(chosen: str, facts: SetFacts) -> Any:
    """Groups are kept together by every plan, so that a split by class with groups is a grouped one."""
    kind = chosen or best_plan(facts)
    if kind == "stratified" and facts.has_group_column and facts.groups:
        return "grouped"
    return "random" if kind == "stratified" and not _closed(facts.kind) else kind


def _closed(kind: Kind) -> bool:
    return kind not in ("number", "text")


def facts_of(examples: Sequence[Example], near: Sequence[int], columns: Columns, plan: Plan) -> SetFacts:
    """What is known of the examples; `near` gives the same number to near-duplicates."""
    groups = [n for n in Counter(one.group for one in examples if one.group is not None).values() if n > 1]
    times = [one.at for one in examples if one.at is not None]
    return SetFacts(
        kind=columns.kind,
        n=len(examples),
        classes=counts_of(examples, columns.kind),
        groups=len(groups),
        grouped=sum(groups),
        has_group_column=bool(plan.group_column),
        near_duplicates=len(near) - len(set(near)),
        timed=len(times),
        times=len(set(times)),
        first=min(times, default=None),
        last=max(times, default=None),
        crossing=_crossing(examples, near, plan) if plan.time_column and times else None,
        time_problem=columns.time_problem,
        group_problem=columns.group_problem,
    )


def counts_of(examples: Sequence[Example], kind: Kind) -> dict[str, int]:
    """How often each label, or each value of each field, is right; nothing for numbers and texts."""
    closed = _closed(kind)
    counts = Counter(part for example in examples for part in parts_of(example.reference, closed=closed))
    return dict(sorted(counts.items()))


def _crossing(examples: Sequence[Example], near: Sequence[int], plan: Plan) -> int | None:
    """How many examples an out-of-time split leaves out; None where it cannot be made."""
    by_time = replace(plan, kind="out_of_time")
    try:
        return len(examples) - len(place(items_of(examples, near, by_time, closed=False), by_time)[1])
    except Invalid:
        return None


def near_examples(
    examples: Sequence[Example], near: Sequence[int], shown: Mapping[str, Placement] | None = None
) -> list[list[str]]:
    """The beginnings of a few texts that are nearly the same, two a group; of open splits only where `shown` is given."""
    found: dict[int, list[str]] = {}
    for example, number in zip(examples, near, strict=True):
        if shown is None or (example.key in shown and shown[example.key].split != "holdout"):
            found.setdefault(number, []).append(example.text[:NEAR_CHARACTERS])
    return [texts[:2] for texts in found.values() if len(texts) > 1][:NEAR_SHOWN]


@dataclass(frozen=True)
class Advice:
    """What a person is told about splits, as plain data that JSON keeps."""

    suggestions: list[dict[str, Any]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    outlook: dict[str, Any] = field(default_factory=dict)


def told(facts: SetFacts, sizes: Mapping[str, int], holdout_counts: Mapping[str, int]) -> Advice:
    return Advice(
        [asdict(one) for one in advise(facts)],
        list(remarks(facts, sizes, holdout_counts)),
        {name: asdict(one) for name, one in outlook(sizes).items()},
    )
