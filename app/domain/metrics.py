"""Turns many answers into one score with its 95 % interval.

Answers are codes: `expected` and `answered` are equally long, and an answer of -1 is an unreadable
reply, which is always wrong; -2 is a text without a grade, whose score is not a number and in no mean. Every score is higher-is-better. The accuracy path needs neither numpy
nor scipy, so that a worker that only scores blocks stays small.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import TYPE_CHECKING

from app.domain.answercodes import UNREADABLE
from app.domain.drawing import resampled
from app.domain.goals import Goal
from app.domain.shapes import Shape, of_labels
from app.domain.summing import SCORE, amounts_of, cases, counted, parts, proportion, score
from app.domain.units import by_unit, in_order, shared, strata_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

Z95 = 1.959963984540054  # the normal distribution's 97.5 % point
DECIMALS = 6
INTERVAL_DRAWS = 2_000
INTERVAL_SEED = 20_000


@dataclass(frozen=True)
class Estimate:
    """A score with its 95 % interval, on n examples."""

    value: float
    low: float
    high: float
    n: int


def measure(
    goal: Goal,
    expected: Sequence[int],
    answered: Sequence[int],
    labels: int | Shape,
    amounts: Mapping[str, Sequence[float]] | None = None,
    units: Sequence[int] = (),
) -> Estimate:
    """The score with its 95 % interval; on no examples 0 with the interval from 0 to 1.

    `labels` says how many labels there are, or what other answers can be. `amounts` holds, for each of
    `summing.amounts_of(goal)`, one number for every example. Plain proportions have Wilson's interval; every other score
    has the percentile interval of 2,000 bootstrap draws of examples from a fixed seed, and at least what
    `least_half_width` says of the examples that it rests on. Averages are over the classes that occur in `expected`.
    Examples with equal `units` are of one group: it is drawn whole, and no score has Wilson's interval then.
    Raises ValueError when the lengths differ or a number is no code.
    """
    shape = of_labels(labels) if isinstance(labels, int) else labels
    require_codes(expected, answered, shape.codes, shape.least_code)
    n = len(expected)
    if n == 0:
        return Estimate(0.0, 0.0, 1.0, 0)
    if goal.counts_right and not shared(units):
        right = sum(e == a for e, a in zip(expected, answered, strict=True))
        return _rounded(right / n, *wilson(right, n), n)
    return measure_all([goal], expected, answered, shape, amounts, units=units)[0]


def measure_all(
    goals: Sequence[Goal],
    expected: Sequence[int],
    answered: Sequence[int],
    labels: int | Shape,
    amounts: Mapping[str, Sequence[float]] | None = None,
    examples: Sequence[int] | None = None,
    units: Sequence[int] = (),
) -> list[Estimate]:
    """Several scores of the same answers, as `measure` gives each, from the same draws.

    `examples` says which example each answer belongs to where examples were answered more than once: an example then
    counts once, with the mean of its answers, and is drawn with all of them (clustered errors); n is that of examples.
    There is one of `units`, if any, for each answer.
    """
    shape = of_labels(labels) if isinstance(labels, int) else labels
    require_codes(expected, answered, shape.codes, shape.least_code)
    if not expected:
        return [Estimate(0.0, 0.0, 1.0, 0) for _ in goals]
    if examples is None and shared(units):
        examples = range(len(expected))
    batches: dict[tuple[str, ...], list[Goal]] = {}
    for goal in goals:
        batches.setdefault(tuple(map(str, goal.penalties)) + amounts_of(goal), []).append(goal)
    found: dict[Goal, Estimate] = {}
    for batch in batches.values():
        found.update(_estimates(batch, expected, answered, shape, amounts or {}, examples, units))
    return [found[goal] for goal in goals]


def majority_baseline(goal: Goal, expected: Sequence[int], labels: int | Shape) -> float:
    """The score of always giving the commonest answer."""
    if not expected:
        return 0.0
    most, _ = max(Counter(expected).items(), key=lambda found: (found[1], -found[0]))
    if goal.counts_right:
        return round(expected.count(most) / len(expected), DECIMALS)
    shape = of_labels(labels) if isinstance(labels, int) else labels
    plain = replace(goal, penalties=())
    cells, counts = tally((expected, [most] * len(expected)))
    nothing = {SCORE: [0.0] * len(cells)}
    total = counts @ parts(plain, shape, cells[:, 0], cells[:, 1], nothing)
    return round(float(score(plain, shape, total)), DECIMALS)


def confusion(expected: Sequence[int], answered: Sequence[int], labels: int) -> list[list[int]]:
    """Counts with a row per expected label and a column per answered one; the last column is unreadable."""
    require_codes(expected, answered, labels)
    table = [[0] * (labels + 1) for _ in range(labels)]
    for (e, a), count in Counter(zip(expected, answered, strict=True)).items():
        table[e][a] = count  # -1 is the last column
    return table


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % score interval of a proportion (Wilson 1927)."""
    if n == 0:
        return 0.0, 1.0
    share, z2 = successes / n, Z95 * Z95
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    low = 0.0 if successes == 0 else max(0.0, middle - half)
    return low, 1.0 if successes == n else min(1.0, middle + half)


def clopper_pearson(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """The exact two-sided interval of a proportion (Clopper and Pearson 1934)."""
    from scipy.special import betaincinv

    tail = (1 - confidence) / 2
    low = 0.0 if successes == 0 else float(betaincinv(successes, n - successes + 1, tail))
    return low, 1.0 if successes == n else float(betaincinv(successes + 1, n - successes, 1 - tail))


def require_codes(expected: Sequence[int], answered: Sequence[int], codes: int, least: int = UNREADABLE) -> None:
    """Raises ValueError when lengths differ (no answers at all are fine) or a number is none of so many codes."""
    if answered and len(expected) != len(answered):
        raise ValueError(f"{len(expected)} expected answers, {len(answered)} answers")
    strangers = set[int]()
    for column, lowest in ((expected, 0), (answered, least)):
        if column and not (lowest <= min(column) and max(column) < codes):
            strangers |= {code for code in column if not lowest <= code < codes}
    if strangers:
        raise ValueError(f"no such answer among {codes}: {sorted(strangers)}")


def _rounded(value: float, low: float, high: float, n: int) -> Estimate:
    return Estimate(round(value, DECIMALS), round(low, DECIMALS), round(high, DECIMALS), n)


def _estimates(
    goals: Sequence[Goal],
    expected: Sequence[int],
    answered: Sequence[int],
    shape: Shape,
    amounts: Mapping[str, Sequence[float]],
    examples: Sequence[int] | None,
    units: Sequence[int],
) -> dict[Goal, Estimate]:
    """Scores that rest on the same sums."""
    import numpy as np

    names = amounts_of(goals[0])
    if examples is None:
        cells, counts, kept = tally_with((expected, answered), [amounts[name] for name in names])
        amounts = dict(zip(names, kept, strict=True))
    else:
        cells = np.array((expected, answered), np.int64).T
    each = parts(goals[0], shape, cells[:, 0], cells[:, 1], amounts)
    strata = cells[:, 0] if shape.kind == "label" else np.zeros(len(cells), np.int64)
    if examples is not None:
        each, strata = by_unit(each, examples, units), strata_of(strata, examples, units)
        order = in_order(each)
        each, strata = each[order], strata[order]
        counts = np.ones(len(strata), np.int64)
    total = counts @ each
    shares = {goal: proportion(goal, shape, total) if examples is None else None for goal in goals}
    drawn: dict[Goal, list[Floats]] = {goal: [] for goal in goals if shares[goal] is None}
    if drawn:
        for sums in resampled(each, strata, counts, INTERVAL_DRAWS, np.random.default_rng(INTERVAL_SEED)):
            for goal, scores in drawn.items():
                scores.append(score(goal, shape, sums))
    found = dict[Goal, Estimate]()
    for goal in goals:
        value, share, n = float(score(goal, shape, total)), shares[goal], counted(goal, shape, total)
        if share is not None:
            found[goal] = _rounded(value, *wilson(*share), n)
            continue
        low, high = percentiles(drawn[goal])
        least = least_half_width(min(cases(goal, shape, total), int(counts.sum())))
        found[goal] = _rounded(value, *within(goal, min(low, value - least), max(high, value + least)), n)
    return found


def within(goal: Goal, low: float, high: float) -> tuple[float, float]:
    """The ends of an interval where the goal can lie at all."""
    if goal.penalties:
        return low, high
    return max(0.0 if goal.is_share else -1.0, low), min(1.0, high)


def least_half_width(n: int) -> float:
    """What n examples leave open in any case: no bootstrap interval ends nearer to its point than this.

    It is what Wilson's interval leaves below n right of n, and Tango's beside nothing discordant.
    A bootstrap knows nothing of what it has not seen: of all right, or of one example per class,
    every draw is the same, and few examples would pass for certainty.
    """
    return Z95**2 / (n + Z95**2)


def tally(columns: Sequence[Sequence[int]]) -> tuple["Ints", "Ints"]:
    """The distinct rows of the columns in sorted order, of shape (cells, columns), and how often each occurs.

    What is counted and not the number or order of examples decides every cost and every draw from here on.
    """
    cells, counts, _ = tally_with(columns, ())
    return cells, counts


def tally_with(columns: Sequence[Sequence[int]], amounts: Sequence[Sequence[float]]) -> tuple["Ints", "Ints", "Floats"]:
    """The same, with the amounts of each cell, of shape (amounts, cells): rows with other amounts are other cells."""
    import numpy as np

    keys = np.array(columns, np.int64).reshape(len(columns), -1)
    known = np.array(amounts, float).reshape(len(amounts), keys.shape[1])
    place = np.lexsort([*keys, *known][::-1])  # NaN comes last
    keys, known = keys[:, place], known[:, place]
    new = (keys[:, 1:] != keys[:, :-1]).any(axis=0)
    new |= ((known[:, 1:] != known[:, :-1]) & ~(np.isnan(known[:, 1:]) & np.isnan(known[:, :-1]))).any(axis=0)
    first = np.flatnonzero(np.concatenate([[True], new])) if len(place) else place
    return keys[:, first].T, np.diff(first, append=len(place)), known[:, first]


def percentiles(drawn: Sequence["Floats"]) -> tuple[float, float]:
    """The ends of the 95 % percentile interval of chunks of draws."""
    import numpy as np

    low, high = np.quantile(np.concatenate(drawn), (0.025, 0.975)).tolist()
    return low, high
