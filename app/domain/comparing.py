"""Compares two prompts' answers to the same examples, and says what the difference is worth.

A difference is always b minus a, in the goal's score; the examples are paired, and the two prompts'
own intervals are never compared. Codes of answers are those of `metrics`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, exp, log, sqrt
from typing import Literal

from app.domain import answered, racing
from app.domain.goals import Goal
from app.domain.metrics import DECIMALS, INTERVAL_DRAWS, INTERVAL_SEED, Z95, require_codes
from app.domain.shapes import Shape, of_labels
from app.domain.summing import Amounts
from app.domain.swapping import Found, Pairs, drawn_difference, paired_units, permutation_p, repeated_units
from app.domain.units import shared

Evidence = Literal["A better", "B better", "tie", "not enough evidence"]
Verdict = Literal["better", "worse", "tie", "not enough evidence"]
Answers = Sequence[int]

SIGNIFICANT = 0.05
Z80 = 0.8416212335729143  # the normal distribution's 80 % point: a power of 80 %


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
    units: Sequence[int] = (),
) -> Difference:
    """The difference with p, for the one look that a verdict rests on.

    The share of right answers: Tango's interval and the exact McNemar test, no draws. Any other score: paired bootstrap
    and paired permutation, `draws` each, from the seed (>= 0). Swapping a and b changes signs and nothing else.
    `labels`, `units` and the `amounts` of a and of b are those of `metrics.measure`; where examples share a unit, it is
    drawn and swapped whole, and so is the share of right answers.
    """
    return _difference(goal, expected, a, b, labels, seed, draws, amounts, units, with_p=True)


def compare_repeated(
    goal: Goal, a: answered.Answers, b: answered.Answers, labels: int | Shape, seed: int, draws: int = 10_000
) -> Difference:
    """The same where an example may have several answers: it counts once, with the mean of its answers (clustered errors).

    Raises ValueError unless a and b answer the same examples.
    """
    shape = of_labels(labels) if isinstance(labels, int) else labels
    if set(a.examples) != set(b.examples):
        raise ValueError("a and b do not answer the same examples")
    for side in (a, b):
        require_codes(side.expected, side.answered, shape.codes, shape.least_code)
    if not a.examples:
        return Difference(0.0, -1.0, 1.0, 1.0, 0)
    return _drawn(repeated_units(goal, shape, a, b), seed, draws, with_p=True)


def paired_interval(
    goal: Goal,
    expected: Answers,
    a: Answers,
    b: Answers,
    labels: int | Shape,
    draws: int = INTERVAL_DRAWS,
    amounts: tuple[Amounts, Amounts] = ({}, {}),
    units: Sequence[int] = (),
) -> Difference:
    """The difference without p, for pages: the same answers always give the same interval."""
    return _difference(goal, expected, a, b, labels, INTERVAL_SEED, draws, amounts, units, with_p=False)


def _difference(
    goal: Goal,
    expected: Answers,
    a: Answers,
    b: Answers,
    labels: int | Shape,
    seed: int,
    draws: int,
    amounts: tuple[Amounts, Amounts],
    units: Sequence[int],
    *,
    with_p: bool,
) -> Difference:
    n, shape = len(expected), of_labels(labels) if isinstance(labels, int) else labels
    for answers in (a, b):
        require_codes(expected, answers, shape.codes, shape.least_code)
    if n == 0:
        return Difference(0.0, -1.0, 1.0, 1.0 if with_p else None, 0)
    if shared(units):
        return _drawn(paired_units(goal, shape, expected, (a, b), amounts, units), seed, draws, with_p=with_p)
    if goal.counts_right:
        return _rounded(_accuracy_difference(expected, a, b, with_p=with_p), n)
    return _drawn(Pairs(goal, shape, expected, (a, b), amounts), seed, draws, with_p=with_p)


def _drawn(pairs: Pairs, seed: int, draws: int, *, with_p: bool) -> Difference:
    return _rounded(drawn_difference(pairs, seed, draws, with_p=with_p), pairs.counted)


def _rounded(found: Found, n: int) -> Difference:
    *numbers, p = found
    value, low, high = (round(number, DECIMALS) + 0.0 for number in numbers)  # + 0.0: never -0.0
    return Difference(value, low, high, None if p is None else float(f"{p:.6g}"), n)


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


def swap_test(
    goal: Goal, expected: Answers, a: Answers, b: Answers, labels: int | Shape, seed: int, draws: int
) -> float:
    """Two-sided p of the difference of a score: the paired permutation test.

    If a and b were alike, each discordant item's answers could as well be swapped. Every way to swap
    them is tried for at most 15 such items; else `draws` random ways, and p = (1 + hits) / (1 + draws).
    """
    shape = of_labels(labels) if isinstance(labels, int) else labels
    return permutation_p(Pairs(goal, shape, expected, (a, b), ({}, {})), seed, draws)


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
