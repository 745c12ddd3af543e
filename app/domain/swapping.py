"""The paired bootstrap and the paired permutation of any score: what two prompts' answers to the same examples differ by."""

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property
from math import isnan, nan
from typing import TYPE_CHECKING

from app.domain.answered import Answers
from app.domain.drawing import resampled, swapped
from app.domain.goals import Goal
from app.domain.metrics import least_half_width, percentiles, tally_with
from app.domain.shapes import Shape
from app.domain.summing import SCORE, Amounts, amounts_of, cases, counted, parts, score
from app.domain.units import by_unit, in_order, strata_of

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from app.domain.metrics import Floats, Ints

Codes = Sequence[int]
Found = tuple[float, float, float, float | None]  # difference, its interval, p

EXHAUSTIVE_UP_TO = 15  # discordant items: 32,768 ways to swap their answers
_EQUAL = 1e-12  # two scores that differ by less differ by rounding only


class Pairs:
    """Paired answers counted out: `cells` are the distinct (expected, a, b) with their amounts, as `counts` says.

    `sides` say what an example of each cell adds to a's score and to b's, `strata` which class it is of, where classes can
    be drawn apart.
    """

    def __init__(
        self,
        goal: Goal,
        shape: Shape,
        expected: Codes,
        sides: tuple[Codes, Codes],
        amounts: tuple[Amounts, Amounts],
    ) -> None:
        import numpy as np

        self.goal, self.shape, names = goal, shape, amounts_of(goal)
        both = _both_graded(goal, *_answers(expected, sides, amounts))
        known = [side.amounts[name] for side in both for name in names]
        self.cells, self.counts, self._kept = tally_with((expected, *sides), known)
        self.strata = _classes(shape, self.cells[:, 0])
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

    def order(self, mirror: "Pairs") -> int:
        """Below 0 where this side of the pair comes before its mirror, above 0 after; 0 when it is its own mirror."""
        found = _order(self.cells.ravel(), mirror.cells.ravel()) or _order(self.counts, mirror.counts)
        if found or not len(self._kept):
            return found
        ours, theirs = (side.sums.toarray().tobytes() for side in (self, mirror))
        return int(ours > theirs) - int(ours < theirs)

    def mirrored(self) -> "Pairs":
        """The same with a and b for each other, its cells sorted as they would be had they been counted so."""
        import numpy as np

        found, kept = copy(self), np.concatenate(np.split(self._kept, 2)[::-1])
        cells = self.cells[:, [0, 2, 1]]
        place = np.lexsort([*cells.T, *kept][::-1])
        found.cells, found.counts, found._kept = cells[place], self.counts[place], kept[:, place]
        found.sides = tuple(side[place] for side in self.sides[::-1])
        found.strata = self.strata[place]
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
        """The fewest examples that one of the two scores rests on, and no more than are drawn one by one."""
        totals = self.counts @ self.sums
        half = len(totals) // 2
        scored = (cases(self.goal, self.shape, part) for part in (totals[:half], totals[half:]))
        return min(*scored, int(self.counts.sum()))


class Units(Pairs):
    """Paired answers of units that are drawn and swapped whole, each a cell of its own.

    `sides`, both of shape (units, width), say what a unit adds to a's score and to b's, `strata` which class each is of.
    """

    def __init__(self, goal: Goal, shape: Shape, sides: tuple["csr_array", "csr_array"], strata: "Ints") -> None:
        import numpy as np

        order = in_order(*sides)
        self.goal, self.shape, self.sides = goal, shape, (sides[0][order], sides[1][order])
        self.counts, self.strata = np.ones(len(order), np.int64), strata[order]

    def order(self, mirror: Pairs) -> int:
        ours, theirs = ([_bytes(side) for side in pairs.sides] for pairs in (self, mirror))
        return int(ours > theirs) - int(ours < theirs)

    def mirrored(self) -> "Units":
        return Units(self.goal, self.shape, self.sides[::-1], self.strata)


def paired_units(
    goal: Goal, shape: Shape, expected: Codes, sides: tuple[Codes, Codes], amounts: tuple[Amounts, Amounts], of: Codes
) -> Units:
    """Of answers to each example once; `of` says which unit each example is of."""
    a, b = _answers(expected, sides, amounts, of)
    return repeated_units(goal, shape, a, b)


def repeated_units(goal: Goal, shape: Shape, a: Answers, b: Answers) -> Units:
    """Of answers to the same examples, of which some may be answered several times by a, by b or by both."""
    import numpy as np

    a, b = _both_graded(goal, a, b)
    strata = strata_of(_classes(shape, np.asarray(a.expected, np.int64)), a.examples, a.units)
    return Units(goal, shape, (_by_unit(goal, shape, a), _by_unit(goal, shape, b)), strata)


def _classes(shape: Shape, expected: "Ints") -> "Ints":
    import numpy as np

    return expected if shape.kind == "label" else np.zeros(len(expected), np.int64)


def _answers(
    expected: Codes, sides: tuple[Codes, Codes], amounts: tuple[Amounts, Amounts], of: Codes = ()
) -> tuple[Answers, Answers]:
    """Both sides' answers to each example once."""
    each = range(len(expected))
    return Answers(expected, sides[0], each, amounts[0], of), Answers(expected, sides[1], each, amounts[1], of)


def _both_graded(goal: Goal, a: Answers, b: Answers) -> tuple[Answers, Answers]:
    """The same with scores of those examples alone that both have one of: pairs need both."""
    if SCORE not in amounts_of(goal):
        return a, b
    graded = _graded(a) & _graded(b)
    return _graded_alone(a, graded), _graded_alone(b, graded)


def _graded(answers: Answers) -> set[int]:
    return {one for one, score in zip(answers.examples, answers.amounts[SCORE], strict=True) if not isnan(score)}


def _graded_alone(answers: Answers, graded: set[int]) -> Answers:
    pairs = zip(answers.examples, answers.amounts[SCORE], strict=True)
    scores = [score if one in graded else nan for one, score in pairs]
    return replace(answers, amounts={**answers.amounts, SCORE: scores})


def _by_unit(goal: Goal, shape: Shape, answers: Answers) -> "csr_array":
    import numpy as np

    expected, said = (np.asarray(codes, np.int64) for codes in (answers.expected, answers.answered))
    return by_unit(parts(goal, shape, expected, said, answers.amounts), answers.examples, answers.units)


def _bytes(side: "csr_array") -> tuple[bytes, ...]:
    return tuple(part.tobytes() for part in (side.indptr, side.indices, side.data))


def _order(ours: "Ints", theirs: "Ints") -> int:
    """Which of two columns of one length comes first, as lists are compared."""
    import numpy as np

    apart = np.flatnonzero(ours != theirs)[:1]
    return int(np.sign(ours[apart] - theirs[apart]).sum())


def _beside(ours: "csr_array", theirs: "csr_array") -> "csr_array":
    from scipy.sparse import hstack

    return hstack([ours, theirs], format="csr")


def drawn_difference(pairs: Pairs, seed: int, draws: int, *, with_p: bool) -> Found:
    """Paired bootstrap and permutation, run on one canonical side of the pair: (b, a) mirrors (a, b) exactly."""
    import numpy as np

    mirror = pairs.mirrored()
    order = pairs.order(mirror)
    if order > 0:
        value, low, high, p = drawn_difference(mirror, seed, draws, with_p=with_p)
        return -value, -high, -low, p
    value = float(pairs.gains(pairs.counts @ pairs.sums))
    rng = np.random.default_rng((seed, 1))
    sums = resampled(pairs.sums, pairs.strata, pairs.counts, draws, rng)
    low, high = percentiles([pairs.gains(drawn) for drawn in sums])
    if order == 0:  # a difference that is its own mirror has an interval that is, too
        low, high = min(low, -high), max(high, -low)
    least = least_half_width(pairs.rest_on)  # few examples on which nothing differs do not prove a tie
    p = permutation_p(pairs, seed, draws) if with_p else None
    low, high = min(low, value - least), max(high, value + least)
    if pairs.goal.is_share:
        low, high = max(-1.0, low), min(1.0, high)
    return value, low, high, p


def permutation_p(pairs: Pairs, seed: int, draws: int) -> float:
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
