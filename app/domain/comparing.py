"""Compares two prompts' answers to the same examples, and says what the difference is worth.

A difference is always b minus a, in the goal's score; the examples are paired, and the two prompts'
own intervals are never compared. Codes of answers are those of `metrics`.
"""

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from math import ceil, exp, isnan, log, nan, sqrt
from typing import TYPE_CHECKING, Literal

from app.domain import racing
from app.domain.drawing import resampled, swapped
from app.domain.goals import Goal
from app.domain.metrics import (
    DECIMALS,
    INTERVAL_DRAWS,
    INTERVAL_SEED,
    Z95,
    least_half_width,
    percentiles,
    require_codes,
    tally_with,
)
from app.domain.shapes import Shape, of_labels
from app.domain.summing import SCORE, Amounts, amounts_of, cases, counted, parts, score

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from app.domain.metrics import Floats, Ints

Evidence = Literal["A better", "B better", "tie", "not enough evidence"]
Verdict = Literal["better", "worse", "tie", "not enough evidence"]
Answers = Sequence[int]

SIGNIFICANT = 0.05
EXHAUSTIVE_UP_TO = 15  # discordant items: 32,768 ways to swap their answers
Z80 = 0.8416212335729143  # the normal distribution's 80 % point: a power of 80 %
_EQUAL = 1e-12  # two scores that differ by less differ by rounding only


@dataclass(frozen=True)
class Difference:
    """b minus a with its 95 % interval and two-sided p (None where none was asked for), on n examples."""

    value: float
    low: float
    high: float
    p: float | None
    n: int


def evidence(difference: Difference, smallest_gain: float) -> Evidence:
    """What the interval alone says: a tie when it lies inside +- smallest_gain, then whether it clears zero."""
    if _inside(difference, smallest_gain):
        return "tie"
    if difference.low > 0:
        return "B better"
    return "A better" if difference.high < 0 else "not enough evidence"


def verdict(difference: Difference, smallest_gain: float) -> Verdict:
    """What the one test on sealed examples says of b; ValueError when the difference has no p."""
    if difference.p is None:
        raise ValueError("a verdict needs the p of compare()")
    if _inside(difference, smallest_gain):
        return "tie"
    if difference.p <= SIGNIFICANT and difference.low > 0:
        return "better"
    return "worse" if difference.p <= SIGNIFICANT and difference.high < 0 else "not enough evidence"


def is_contradictory(difference: Difference) -> bool:
    """Whether p says that there is a difference and the interval does not, or the other way round."""
    clears_zero = difference.low > 0 or difference.high < 0
    return difference.p is not None and (difference.p <= SIGNIFICANT) != clears_zero


def _inside(difference: Difference, smallest_gain: float) -> bool:
    return -smallest_gain <= difference.low and difference.high <= smallest_gain


def compare(
    goal: Goal,
    expected: Answers,
    a: Answers,
    b: Answers,
    labels: int | Shape,
    seed: int,
    draws: int = 10_000,
    amounts: tuple[Amounts, Amounts] = ({}, {}),
) -> Difference:
    """The difference with p, for the one look that a verdict rests on.

    The share of right answers: Tango's interval and the exact McNemar test, no draws. Any other score: paired bootstrap
    and paired permutation, `draws` each, from the seed (>= 0). Swapping a and b changes signs and nothing else.
    `labels` and the `amounts` of a and of b are those of `metrics.measure`.
    """
    return _difference(goal, expected, a, b, labels, seed, draws, amounts, with_p=True)


def paired_interval(
    goal: Goal,
    expected: Answers,
    a: Answers,
    b: Answers,
    labels: int | Shape,
    draws: int = INTERVAL_DRAWS,
    amounts: tuple[Amounts, Amounts] = ({}, {}),
) -> Difference:
    """The difference without p, for pages: the same answers always give the same interval."""
    return _difference(goal, expected, a, b, labels, INTERVAL_SEED, draws, amounts, with_p=False)


def _difference(
    goal: Goal,
    expected: Answers,
    a: Answers,
    b: Answers,
    labels: int | Shape,
    seed: int,
    draws: int,
    amounts: tuple[Amounts, Amounts],
    *,
    with_p: bool,
) -> Difference:
    n, shape = len(expected), of_labels(labels) if isinstance(labels, int) else labels
    for answers in (a, b):
        require_codes(expected, answers, shape.codes, shape.least_code)
    if n == 0:
        return Difference(0.0, -1.0, 1.0, 1.0 if with_p else None, 0)
    if goal.counts_right:
        value, low, high, p = _accuracy_difference(expected, a, b, with_p=with_p)
    else:
        pairs = _Pairs(goal, shape, expected, (a, b), amounts)
        value, low, high, p = _drawn_difference(pairs, seed, draws, with_p=with_p)
        n = min(n, pairs.counted)
    value, low, high = (round(number, DECIMALS) + 0.0 for number in (value, low, high))  # + 0.0: never -0.0
    return Difference(value, low, high, None if p is None else float(f"{p:.6g}"), n)


Found = tuple[float, float, float, float | None]


def _accuracy_difference(expected: Answers, a: Answers, b: Answers, *, with_p: bool) -> Found:
    right_a, right_b = ([e == x for e, x in zip(expected, answers, strict=True)] for answers in (a, b))
    only_b, only_a, _ = racing.counts(right_b, right_a)
    n = len(expected)
    p = mcnemar_exact(only_a, only_b) if with_p else None
    return (only_b - only_a) / n, *tango_interval(only_a, only_b, n), p


def mcnemar_exact(only_a_right: int, only_b_right: int) -> float:
    """Two-sided exact p that a and b are equally often right (McNemar 1947, binomial form)."""
    return min(1.0, 2 * _chance_up_to(min(only_a_right, only_b_right), only_a_right + only_b_right))


def mcnemar_mid_p(only_a_right: int, only_b_right: int) -> float:
    """The two-sided mid-p: less conservative than the exact p, for "leaning", never for a verdict."""
    fewer, discordant = min(only_a_right, only_b_right), only_a_right + only_b_right
    return min(1.0, _chance_up_to(fewer, discordant) + _chance_up_to(fewer - 1, discordant))


def _chance_up_to(k: int, n: int) -> float:
    """The chance of at most k heads in n throws of a fair coin."""
    return exp(racing.log_choose_up_to(n, k) - n * log(2)) if k >= 0 else 0.0


def tango_interval(only_a: int, only_b: int, n: int) -> tuple[float, float]:
    """95 % score interval of the accuracy of b minus that of a, paired (Tango 1998).

    `only_a` and `only_b` of the n examples are right with that prompt alone. Unlike Wald's interval
    it stays in [-1, 1] and keeps a width when nothing is discordant: z^2 / (n + z^2) to either side.
    """
    return (_tango_low(only_a, only_b, n), -_tango_low(only_b, only_a, n)) if n else (-1.0, 1.0)


def _tango_low(only_a: int, only_b: int, n: int) -> float:
    """The smallest difference that the score test does not reject, found by halving.

    The score falls in the difference, from at least +z at -1 to 0 at the observed difference.
    """
    below, above = -1.0, (only_b - only_a) / n
    for _ in range(60):
        middle = (below + above) / 2
        rejected = only_b - only_a - n * middle > Z95 * sqrt(n * _tango_variance(only_a, only_b, n, middle))
        below, above = (middle, above) if rejected else (below, middle)
    return above


def _tango_variance(only_a: int, only_b: int, n: int, difference: float) -> float:
    """n times the variance of the observed difference when the true one is as given.

    The share of examples that only a gets right is its maximum likelihood estimate under that
    difference: the larger root of 2 n q^2 + linear q + constant = 0.
    """
    linear = (2 * n - only_b + only_a) * difference - only_b - only_a
    constant = -only_a * difference * (1 - difference)
    share = (sqrt(max(0.0, linear * linear - 8 * n * constant)) - linear) / (4 * n)
    return max(0.0, 2 * share + difference * (1 - difference))


class _Pairs:
    """Paired answers counted out: `cells` are the distinct (expected, a, b) with their amounts, as `counts` says.

    `sides` say what an example of each cell adds to a's score and to b's.
    """

    def __init__(
        self,
        goal: Goal,
        shape: Shape,
        expected: Answers,
        sides: tuple[Answers, Answers],
        amounts: tuple[Amounts, Amounts],
    ) -> None:
        import numpy as np

        self.goal, self.shape, amounts = goal, shape, both_scored(goal, amounts)
        names = amounts_of(goal)
        known = [side[name] for side in amounts for name in names]
        self.cells, self.counts, self._kept = tally_with((expected, *sides), known)
        self.sides = tuple(
            parts(goal, shape, self.cells[:, 0], self.cells[:, 1 + side], dict(zip(names, part, strict=True)))
            for side, part in enumerate(np.split(self._kept, 2))
        )

    @cached_property
    def sums(self) -> "csr_array":
        """What an example of each cell adds to a's score and then to b's."""
        return _beside(*self.sides)

    @property
    def movable(self) -> tuple["csr_array", "Ints"]:
        """What swapping a and b adds for an example of each cell where that is something, and how many there are."""
        gain = self.sides[1] - self.sides[0]
        differ = abs(gain).sum(axis=1) > 0
        return _beside(gain[differ], -gain[differ]), self.counts[differ]

    def order(self, mirror: "_Pairs") -> int:
        """Below 0 where this side of the pair comes before its mirror, above 0 after; 0 when it is its own mirror."""
        found = _order(self.cells.ravel(), mirror.cells.ravel()) or _order(self.counts, mirror.counts)
        if found or not len(self._kept):
            return found
        ours, theirs = (side.sums.toarray().tobytes() for side in (self, mirror))
        return int(ours > theirs) - int(ours < theirs)

    def mirrored(self) -> "_Pairs":
        """The same with a and b for each other, its cells sorted as they would be had they been counted so."""
        import numpy as np

        found, kept = copy(self), np.concatenate(np.split(self._kept, 2)[::-1])
        cells = self.cells[:, [0, 2, 1]]
        place = np.lexsort([*cells.T, *kept][::-1])
        found.cells, found.counts, found._kept = cells[place], self.counts[place], kept[:, place]
        found.sides = tuple(side[place] for side in self.sides[::-1])
        vars(found).pop("sums", None)
        return found

    @property
    def counted(self) -> int:
        """How many pairs the difference is of: with a mean score those that have one on both sides."""
        totals = self.counts @ self.sums
        return counted(self.goal, self.shape, totals[: len(totals) // 2])

    def gains(self, sums: "Floats") -> "Floats":
        """The score of b minus that of a; the last axis holds a's sums, then b's."""
        half = sums.shape[-1] // 2
        ours, theirs = (score(self.goal, self.shape, part) for part in (sums[..., :half], sums[..., half:]))
        gained: Floats = theirs - ours
        return gained

    @property
    def rest_on(self) -> int:
        """The fewest examples that one of the two scores rests on."""
        totals = self.counts @ self.sums
        half = len(totals) // 2
        return min(cases(self.goal, self.shape, part) for part in (totals[:half], totals[half:]))


def both_scored(goal: Goal, amounts: tuple[Amounts, Amounts]) -> tuple[Amounts, Amounts]:
    """The same amounts, with a score on one side only where the other has one too: pairs need both."""
    if SCORE not in amounts_of(goal):
        return amounts
    a, b = (side[SCORE] for side in amounts)
    lacking = [isnan(one) or isnan(other) for one, other in zip(a, b, strict=True)]
    if not any(lacking):
        return amounts
    kept = ([nan if gap else one for one, gap in zip(side, lacking, strict=True)] for side in (a, b))
    of_a, of_b = ({**side, SCORE: scores} for side, scores in zip(amounts, kept, strict=True))
    return of_a, of_b


def _order(ours: "Ints", theirs: "Ints") -> int:
    """Which of two columns of one length comes first, as lists are compared."""
    import numpy as np

    apart = np.flatnonzero(ours != theirs)[:1]
    return int(np.sign(ours[apart] - theirs[apart]).sum())


def _beside(ours: "csr_array", theirs: "csr_array") -> "csr_array":
    from scipy.sparse import hstack

    return hstack([ours, theirs], format="csr")


def _drawn_difference(pairs: _Pairs, seed: int, draws: int, *, with_p: bool) -> Found:
    """Paired bootstrap and permutation, run on one canonical side of the pair: (b, a) mirrors (a, b) exactly."""
    import numpy as np

    mirror = pairs.mirrored()
    order = pairs.order(mirror)
    if order > 0:
        value, low, high, p = _drawn_difference(mirror, seed, draws, with_p=with_p)
        return -value, -high, -low, p
    value = float(pairs.gains(pairs.counts @ pairs.sums))
    rng = np.random.default_rng((seed, 1))
    strata = pairs.cells[:, 0] if pairs.shape.kind == "label" else np.zeros(len(pairs.cells), np.int64)
    low, high = percentiles([pairs.gains(sums) for sums in resampled(pairs.sums, strata, pairs.counts, draws, rng)])
    if order == 0:  # a difference that is its own mirror has an interval that is, too
        low, high = min(low, -high), max(high, -low)
    least = least_half_width(pairs.rest_on)  # few examples on which nothing differs do not prove a tie
    p = _permutation_p(pairs, seed, draws) if with_p else None
    low, high = min(low, value - least), max(high, value + least)
    if pairs.goal.is_share:
        low, high = max(-1.0, low), min(1.0, high)
    return value, low, high, p


def swap_test(
    goal: Goal, expected: Answers, a: Answers, b: Answers, labels: int | Shape, seed: int, draws: int
) -> float:
    """Two-sided p of the difference of a score: the paired permutation test.

    If a and b were alike, each discordant item's answers could as well be swapped. Every way to swap
    them is tried for at most 15 such items; else `draws` random ways, and p = (1 + hits) / (1 + draws).
    """
    shape = of_labels(labels) if isinstance(labels, int) else labels
    return _permutation_p(_Pairs(goal, shape, expected, (a, b), ({}, {})), seed, draws)


def _permutation_p(pairs: _Pairs, seed: int, draws: int) -> float:
    import numpy as np

    unswapped = pairs.counts @ pairs.sums
    observed = abs(float(pairs.gains(unswapped))) - _EQUAL
    change, movable = pairs.movable
    every = int(movable.sum()) <= EXHAUSTIVE_UP_TO
    hits, tried, rng = 0, 0, np.random.default_rng((seed, 2))
    for changed in _all_swaps(change, movable) if every else swapped(change, movable, draws, rng):
        gains = pairs.gains(unswapped + changed)
        hits, tried = hits + int((abs(gains) >= observed).sum()), tried + len(gains)
    return hits / tried if every else (1 + hits) / (1 + tried)


def _all_swaps(change: "csr_array", movable: "Ints") -> Iterator["Floats"]:
    """What every subset of the items adds when it is swapped: one chunk of shape (2 ** items, width)."""
    import numpy as np

    items = int(movable.sum())
    subsets = (np.arange(2**items)[:, None] >> np.arange(items)) & 1
    yield subsets @ np.repeat(np.eye(len(movable), dtype=np.int64), movable, axis=0) @ change


def minimum_detectable_gain(n: int, discordance: float = 0.2) -> float:
    """The difference in accuracy that n examples show with power 80 % at two-sided 5 %.

    `discordance` is the share of examples on which the two prompts differ. The same formula as
    `examples_needed`, solved for the gain; a result above the discordance cannot happen at all,
    so such an n shows nothing. 1 where n is too small for the formula.
    """
    spread = n - Z95**2 + Z80**2
    if spread <= 0:
        return 1.0
    return min(1.0, sqrt(discordance) * (Z95 * sqrt(n) + Z80 * sqrt(spread)) / (n + Z80**2))


def examples_needed(gain: float, discordance: float = 0.2) -> int:
    """How many examples show this gain with power 80 % at two-sided 5 % (Connor 1987, Miettinen 1968).

    The exact McNemar test has 76 to 79 % there: add a tenth. Raises ValueError unless
    0 < gain <= discordance <= 1.
    """
    if not 0 < gain <= discordance <= 1:
        raise ValueError(f"a gain of {gain} needs a discordance of at least that; it is {discordance}")
    return ceil((Z95 * sqrt(discordance) + Z80 * sqrt(discordance - gain**2)) ** 2 / gain**2)
