"""Which way of splitting suits a test set, each with one sentence why; and what its splits will be able to show.

The rules are those of usual practice: groups before classes, time before both; repeated folds and nesting are named
where books name them, with the reason why a fixed prompt needs neither.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from app.domain.answerspace import Kind
from app.domain.comparing import minimum_detectable_gain
from app.domain.plans import PlanKind

State = Literal["suggested", "possible", "not possible", "not needed"]
Way = PlanKind | Literal["folds", "nested"]

SMALL, PROVABLE, NO_HOLDOUT = 150, 1_000, 60
LEAST_PER_CLASS = 10  # examples in the holdout, for a statement about one class
_TIMED = 0.9  # share of the examples that need a time
_FEWEST_TIMES = 20
FEW_GROUPS = 10


@dataclass(frozen=True)
class SetFacts:
    """What is known of examples before they are split; `groups` hold two or more examples, near-duplicates not counted.

    `crossing` are the examples that an out-of-time split would leave out, None where it cannot be made. `time_problem`
    and `group_problem` say why a column that is named like one of times or groups is not used.
    """

    kind: Kind
    n: int
    classes: Mapping[str, int] = field(default_factory=dict)
    groups: int = 0
    grouped: int = 0
    has_group_column: bool = False
    near_duplicates: int = 0
    timed: int = 0
    times: int = 0
    first: datetime | None = None
    last: datetime | None = None
    crossing: int | None = None
    time_problem: str = ""
    group_problem: str = ""

    @property
    def units(self) -> int:
        """What stays together: groups, and examples that are in none."""
        return self.groups + self.n - self.grouped


@dataclass(frozen=True)
class Suggestion:
    """One way to split; exactly one of several is suggested."""

    way: Way
    state: State
    why: str


@dataclass(frozen=True)
class Outlook:
    """What a split of n examples can show: gains below `detectable` cannot be told from chance there."""

    n: int
    detectable: float | None


def best_plan(facts: SetFacts) -> PlanKind:
    """What is suggested: by time where it can be done, in groups where there are any, else by class."""
    if _can_go_by_time(facts):
        return "out_of_time"
    if facts.has_group_column and facts.groups:
        return "grouped"
    return "stratified" if _has_classes(facts) else "random"


def _has_classes(facts: SetFacts) -> bool:
    return facts.kind in ("label", "labels", "fields")


def _can_go_by_time(facts: SetFacts) -> bool:
    enough = facts.n >= NO_HOLDOUT and facts.timed >= _TIMED * facts.n and facts.times >= _FEWEST_TIMES
    return enough and facts.crossing is not None and facts.crossing <= facts.n / 10


def advise(facts: SetFacts) -> tuple[Suggestion, ...]:
    """Every way with its sentence, in a fixed order."""
    best = best_plan(facts)
    ways: list[tuple[Way, State, str]] = [
        ("stratified", *_stratified(facts)),
        ("random", "possible", _random(facts)),
        ("grouped", *_grouped(facts)),
        ("out_of_time", *_out_of_time(facts)),
        ("folds", "not needed", _folds(facts)),
        ("nested", "not needed", _NESTED),
    ]
    return tuple(Suggestion(way, "suggested" if way == best else state, why) for way, state, why in ways)


def _stratified(facts: SetFacts) -> tuple[State, str]:
    if not _has_classes(facts):
        return "not possible", "Numbers and texts have no classes whose shares could be kept."
    what = {"labels": "the rarest label of each row", "fields": "the rarest value of each row"}.get(facts.kind, "label")
    return "possible", f"Each split gets the same shares by {what}, so that scores of dev and holdout mean the same."


def _random(facts: SetFacts) -> str:
    if _has_classes(facts):
        return "Chance alone decides; rare classes may miss a split, so there is no reason to prefer it."
    return "Answers are numbers or texts, without classes to balance, so chance decides."


def _grouped(facts: SetFacts) -> tuple[State, str]:
    if not facts.has_group_column:
        usual = "No column says which rows belong together, such as one customer, document or thread."
        return "not possible", facts.group_problem or usual
    if not facts.groups:
        return "possible", "There is a group column, but no two examples share a group."
    return "possible", (
        f"{facts.grouped:,} examples lie in {facts.groups:,} groups of two or more; a group in two splits would let "
        "prompts be tested on what they were shown."
    )


def _out_of_time(facts: SetFacts) -> tuple[State, str]:
    if not facts.timed:
        return "not possible", facts.time_problem or "No column says when the rows came to be."
    if facts.crossing is None or facts.n < NO_HOLDOUT:
        return "not possible", "There are too few examples or different times for it."
    if facts.timed < _TIMED * facts.n:
        return "possible", f"Only {facts.timed:,} of {facts.n:,} examples have a time; the others would all be train."
    left = f" {facts.crossing:,} newer examples of older groups would be left out." if facts.crossing else ""
    return (
        "possible",
        f"The newest examples are held out, as a prompt will meet data newer than what it was made on.{left}",
    )


def _folds(facts: SetFacts) -> str:
    small = f"With {facts.n:,} examples books advise repeated folds, but a" if facts.n < SMALL else "A"
    return (
        f"{small} fixed prompt is not fitted on the rows it is scored on, so its score over all folds is its score on all "
        "of dev, which Agon gives; folds are therefore not built."
    )


_NESTED = (
    "Needed where something is fitted on the rows that score it, such as thresholds and calibration: Agon fits those "
    "out-of-fold within dev, and a prompt's score needs no nesting."
)


def outlook(sizes: Mapping[str, int]) -> dict[str, Outlook]:
    """What dev and holdout can show, at a discordance of 0.2; None where even the largest gain would not be seen."""
    found = {}
    for name in ("dev", "holdout"):
        n = sizes.get(name, 0)
        gain = minimum_detectable_gain(n) if n else 1.0
        found[name] = Outlook(n, round(gain, 3) if gain < 0.2 else None)
    return found


def no_holdout(n: int) -> str:
    """Why a test set of n examples has no holdout, in a sentence."""
    if n < NO_HOLDOUT:
        return f"There is no holdout: with fewer than {NO_HOLDOUT} examples nothing can be proved on sealed rows."
    return "There is no holdout, so nothing can be proved on sealed rows: rows that stay together left none for it."


def remarks(facts: SetFacts, sizes: Mapping[str, int], holdout_counts: Mapping[str, int]) -> tuple[str, ...]:
    """What a person should know of these splits before they are frozen, most important first."""
    said = []
    if facts.has_group_column and facts.units < FEW_GROUPS:
        said.append(
            f"There are only {facts.units:,} groups: whole ones fill the splits unevenly, and a class may miss one. Choose "
            "another column of groups, or none."
        )
    if not sizes.get("holdout"):
        said.append(no_holdout(facts.n))
    elif facts.n < PROVABLE:
        said.append(
            f"With {facts.n:,} examples the holdout has little power: take 30 to 40% as holdout, or bring more rows."
        )
    rare = [name for name in facts.classes if holdout_counts.get(name, 0) < LEAST_PER_CLASS]
    if rare and sizes.get("holdout"):
        said.append(
            f"Fewer than {LEAST_PER_CLASS} holdout examples, so no statement about {'this class' if len(rare) == 1 else 'these classes'}: {_listed(rare)}."
        )
    if facts.near_duplicates:
        said.append(
            f"{facts.near_duplicates:,} examples are nearly the same as another one; such examples stay in one split."
        )
    return tuple(said)


def _listed(names: Sequence[str], most: int = 8) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
