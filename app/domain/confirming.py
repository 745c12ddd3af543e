"""What a look at the sealed holdout is worth: how lucky the dev score was, and what the holdout could show at all.

"Best" is the prompt that was chosen on dev, "start" the one that it is compared with. Scores are those of the goal,
higher is better; answers are codes as in `metrics`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import hypot, sqrt
from typing import TYPE_CHECKING, Literal

from app.domain.answercodes import UNGRADED, UNREADABLE
from app.domain.comparing import Difference, compare, minimum_detectable_gain
from app.domain.drawing import chunks
from app.domain.goals import Goal
from app.domain.improving.asks import Scored
from app.domain.mcnemar import one_sided_p
from app.domain.metrics import DECIMALS, Z95, Estimate, measure, measure_all
from app.domain.multiplicity import holm
from app.domain.racing import counts
from app.domain.shapes import Shape
from app.domain.shrinkage import shrink_paired
from app.domain.summing import parts, score
from app.domain.units import by_unit, shared

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LOOKS = 2  # how often one set of sealed examples may be opened; five looks already bias by two or three points
FEWEST_CANDIDATES = 3  # below, the spread between candidates is not known well enough to shrink anything by it
MOST_PERMUTING = 4_000_000  # what all candidates' permutations may take: some twenty seconds
_PERMUTING_ONE = 20_000  # what one takes besides its examples times classes
FEWEST_OF_CLASS = 20  # holdout examples of a class below which its recall is not told
USUAL_DISCORDANCE = 0.2  # how often two prompts differ, where nothing is known yet

Correction = Literal["Holm", "Bonferroni"]


@dataclass(frozen=True)
class Luck:
    """What choosing on dev does to a dev score.

    `tried` counts every candidate that was ever started, those dropped early included; `complete` those that answered
    all of dev. `shrunk` is the score to expect on new data, None where `complete` is too few. `p` says how easily the
    best of so many would look that much better than the start by chance: a one-sided exact McNemar p corrected by Holm,
    for goals that count other things than right answers, and for examples in groups, a two-sided permutation p. Where
    all of those would take too long the best's alone is worked out and taken `tried` times (Bonferroni), never less.
    """

    tried: int
    complete: int
    shrunk: float | None = None
    p: float | None = None
    correction: Correction | None = None


@dataclass(frozen=True)
class Gap:
    """Dev minus holdout of one prompt with its 95 % interval and standard error, the two sets being unpaired."""

    value: float
    low: float
    high: float
    se: float


@dataclass(frozen=True)
class Recall:
    """How many of the holdout's `n` examples of a class each prompt found."""

    name: str
    n: int
    start: Estimate
    best: Estimate


@dataclass(frozen=True)
class Use:
    """Means per answer: tokens of the request and of the reply, cost in micro-units of money; None where not known."""

    tokens_in: float | None
    tokens_out: float | None
    cost: float | None


@dataclass(frozen=True)
class Unreadable:
    """Replies of one prompt on one split that could not be read, and whether they are more than may be.

    The same of those that their grader gave no grade, which are in no mean.
    """

    prompt: Literal["start", "best"]
    split: str
    count: int
    n: int
    alarm: bool
    ungraded: int = 0
    ungraded_alarm: bool = False

    @property
    def share(self) -> float:
        return self.count / self.n if self.n else 0.0


@dataclass(frozen=True)
class FurtherGoal:
    """What both prompts score on the holdout by a goal beside the first; the gain's p is that of this goal alone."""

    goal: str
    start: Estimate
    best: Estimate
    gain: Difference


@dataclass(frozen=True)
class Evidence:
    """Everything beside scores, gain and verdict that a holdout report says; None or empty is what there is not.

    `look` is the place of this opening among all of the same examples. `detectable` is the smallest gain in the share
    of right answers that so many examples show four times out of five, at the `discordance` seen. `units` is how many
    groups and lone examples were drawn and swapped whole, 0 where every example stands alone.
    """

    look: int | None = None
    looks: int = LOOKS
    spent: str = ""
    luck: Luck | None = None
    gap: Gap | None = None
    discordance: float | None = None
    detectable: float | None = None
    recalls: tuple[Recall, ...] = ()
    classes: int = 0
    start_use: Use | None = None
    best_use: Use | None = None
    unreadable: tuple[Unreadable, ...] = ()
    alarm_above: float = 0.0
    further: tuple[FurtherGoal, ...] = ()
    units: int = 0


def further(goals: Sequence[Goal], shape: Shape, start: Scored, best: Scored) -> tuple[FurtherGoal, ...]:
    """By each of these goals; `Scored.amounts` hold what they ask of every answer."""
    return tuple(_by(goal, shape, start, best) for goal in goals)


def _by(goal: Goal, shape: Shape, start: Scored, best: Scored) -> FurtherGoal:
    both = start.amounts, best.amounts
    gain = compare(goal, start.expected, start.answered, best.answered, shape, seed=0, amounts=both, units=start.units)
    a, b = (measure(goal, one.expected, one.answered, shape, one.amounts, one.units) for one in (start, best))
    return FurtherGoal(goal.name, a, b, gain)


def luck(goal: Goal, shape: Shape, start: Scored, candidates: Sequence[Scored], best: int | None) -> Luck:
    """What is known of the chance in choosing `candidates[best]`, None when none was chosen.

    Every candidate's answers are the first so many of the start's examples, in their order; none at all where it was
    started and its score never came.
    """
    complete = [one for one in candidates if one.n == start.n]
    found = Luck(len(candidates), len(complete))
    if best is None or start.n < 2:
        return found
    if len(complete) >= FEWEST_CANDIDATES:
        found = replace(found, shrunk=_shrunk(goal, shape, complete, candidates[best]))
    p, correction = _corrected(goal, shape, start, candidates, best)
    return replace(found, p=float(f"{p:.6g}"), correction=correction)


def _shrunk(goal: Goal, shape: Shape, complete: Sequence[Scored], best: Scored) -> float:
    """The best's score pulled towards the mean of all, by what `shrink_paired` says of their spread.

    The table's cells are what each example adds to a score: its jackknife pseudo-value (Tukey 1958), which for a mean
    is the example's own score, so that any goal has a two-way table.
    """
    spread = shrink_paired([pseudo_values(goal, shape, one).tolist() for one in complete])
    between = spread.between_variance
    kept = between / (between + spread.sampling_variance) if between else 0.0
    scores = [measure(goal, one.expected, one.answered, shape, one.amounts).value for one in (*complete, best)]
    mean = sum(scores[:-1]) / len(complete)
    return round(mean + kept * (scores[-1] - mean), DECIMALS)


def pseudo_values(goal: Goal, shape: Shape, scored: Scored) -> "Floats":
    """n times the score minus (n - 1) times the score without each example, or each group: shape (n,), n of at least 2."""
    import numpy as np

    expected, answered = (np.asarray(codes, np.int64) for codes in (scored.expected, scored.answered))
    each = parts(goal, shape, expected, answered, scored.amounts)
    if shared(scored.units):
        each = by_unit(each, range(scored.n), scored.units)
    total, n, done = np.asarray(each.sum(axis=0)).ravel(), each.shape[0], 0
    whole, found = float(score(goal, shape, total)), []
    for rows in chunks(n, each.shape[1]):
        without = total - each[done : done + rows].toarray()
        found.append(n * whole - (n - 1) * score(goal, shape, without))
        done += rows
    values: Floats = np.concatenate(found)
    return values


def _corrected(
    goal: Goal, shape: Shape, start: Scored, candidates: Sequence[Scored], best: int
) -> tuple[float, Correction]:
    """The best's p on dev, corrected for all that were started."""
    if goal.counts_right and not shared(start.units):
        return holm([_dev_p(start, one) for one in candidates])[best], "Holm"
    work = len(candidates) * (_PERMUTING_ONE + start.n * len(shape.classes))
    if work <= MOST_PERMUTING:
        return holm([_permuted_p(goal, shape, start, one) for one in candidates])[best], "Holm"
    return min(1.0, _permuted_p(goal, shape, start, candidates[best]) * len(candidates)), "Bonferroni"


def _permuted_p(goal: Goal, shape: Shape, start: Scored, candidate: Scored) -> float:
    if not candidate.n:
        return 1.0
    ours = start.first(candidate.n)
    both = ours.amounts, candidate.amounts
    p = compare(goal, ours.expected, ours.answered, candidate.answered, shape, seed=0, amounts=both, units=ours.units).p
    return 1.0 if p is None else p


def _dev_p(start: Scored, candidate: Scored) -> float:
    only_candidate, only_start, _ = counts(candidate.right, start.right[: candidate.n])
    return one_sided_p(only_start, only_candidate)


def gap(dev: Estimate, holdout: Estimate) -> Gap:
    """Dev minus holdout. The interval squares and adds the two scores' own (Newcombe 1998, method 10; any score's: Zou
    and Donner 2008), so that it keeps a width where a score is 0 or 1.
    """
    value = dev.value - holdout.value
    low = value - hypot(dev.value - dev.low, holdout.high - holdout.value)
    high = value + hypot(dev.high - dev.value, holdout.value - holdout.low)
    se = sqrt(_variance(dev) + _variance(holdout))
    value, low, high, se = (round(number, DECIMALS) + 0.0 for number in (value, low, high, se))
    return Gap(value, low, high, se)


def _variance(estimate: Estimate) -> float:
    """As the width of its interval has it."""
    return ((estimate.high - estimate.low) / (2 * Z95)) ** 2


def detectable(start: Scored, best: Scored) -> tuple[float, float]:
    """(share of examples that only one prompt gets right, the smallest gain that so many examples show).

    Where the prompts never differed the usual discordance stands in for the gain.
    """
    differ = sum(a != b for a, b in zip(start.right, best.right, strict=True))
    seen = differ / start.n if start.n else 0.0
    gain = minimum_detectable_gain(start.n, seen or USUAL_DISCORDANCE)
    return round(seen, DECIMALS), round(gain, DECIMALS)


def recalls(shape: Shape, start: Scored, best: Scored) -> tuple[Recall, ...]:
    """For every class with enough examples, in the shape's order."""
    enough = {name: n for name, n in _occurrences(shape, start.expected).items() if n >= FEWEST_OF_CLASS}
    goals = [Goal("recall", name) for name in enough]
    both = (measure_all(goals, one.expected, one.answered, shape, units=one.units) for one in (start, best))
    return tuple(
        Recall(name, n, replace(of_start, n=n), replace(of_best, n=n))
        for (name, n), of_start, of_best in zip(enough.items(), *both, strict=True)
    )


def _occurrences(shape: Shape, expected: Sequence[int]) -> dict[str, int]:
    """How many examples expect each class, by its name."""
    import numpy as np

    digits = shape.decoded(np.asarray(expected, np.int64))
    return {one.name: int((digits[:, one.digit] == one.value).sum()) for one in shape.classes}


def unreadable(prompt: Literal["start", "best"], split: str, scored: Scored, alarm_above: float) -> Unreadable:
    """How many replies could not be read, or have no grade; a larger share than `alarm_above` is an alarm."""
    count, ungraded = (sum(code == one for code in scored.answered) for one in (UNREADABLE, UNGRADED))
    most = alarm_above * scored.n
    return Unreadable(prompt, split, count, scored.n, count > most, ungraded, ungraded > most)
