"""The probabilities of many examples as one table: a column for each class, and who leads in each place of an answer."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from app.domain.deciding import margins
from app.domain.shapes import Shape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

FOLDS = 5


@dataclass(frozen=True, eq=False)
class Column:
    """Of one class: each example's probability of it, and whether the example has it."""

    p: "Floats"
    truth: "Bools"


@dataclass(frozen=True, eq=False)
class Confidence:
    """How sure each leading value is, by its probability or its margin, and whether it is the expected one."""

    values: "Floats"
    right: "Bools"


@dataclass(frozen=True, eq=False)
class Lead:
    """Of one place of an answer: its highest probability, its lead over the next, and whether it is the expected value."""

    top: "Floats"
    margin: "Floats"
    right: "Bools"

    def confidence(self, *, by_margin: bool) -> Confidence:
        return Confidence(self.margin if by_margin else self.top, self.right)


@dataclass(frozen=True, eq=False)
class Shares:
    """All arrays have n rows in the order of the examples; `values` has a column for every value of every digit.

    `folds` says which part of a cross-validation an example belongs to; examples of one group share one.
    """

    shape: Shape
    examples: "Ints"
    expected: "Ints"
    readings: "Ints"
    uncertain: "Bools"
    folds: "Ints"
    values: "NDArray[np.float32]"

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """The first column of every digit."""
        return starts(self.shape)

    @cached_property
    def _digits(self) -> "Ints":
        return self.shape.decoded(self.expected)

    def column(self, place: int) -> Column:
        """Of the shape's class at this place."""
        import numpy as np

        one = self.shape.classes[place]
        p = self.values[:, self.starts[one.digit] + one.value].astype(np.float64)
        return Column(p, self._digits[:, one.digit] == one.value)

    def lead(self, digit: int) -> Lead:
        import numpy as np

        first = self.starts[digit]
        values = self.values[:, first : first + len(self.shape.digits[digit].values)].astype(np.float64)
        right = values.argmax(axis=1) == self._digits[:, digit]
        return Lead(values.max(axis=1), margins(values), right)


def starts(shape: Shape) -> tuple[int, ...]:
    """The place of every digit's first value among all values."""
    found = [0]
    for digit in shape.digits:
        found.append(found[-1] + len(digit.values))
    return tuple(found[:-1])


def width(shape: Shape) -> int:
    """How many probabilities an example has."""
    return sum(len(digit.values) for digit in shape.digits)


def lead_of_yes(column: Column) -> Lead:
    """Of a yes/no place, from the probability of yes alone; of equals the no leads."""
    import numpy as np

    top = np.maximum(column.p, 1 - column.p)
    return Lead(top, np.abs(2 * column.p - 1), (column.p > 0.5) == column.truth)


def vote_shares(shape: Shape, of: "Ints", codes: "Ints", examples: int) -> "NDArray[np.float32]":
    """Shape (examples, width): what `probabilities.from_votes` says of each example's readable replies, digit by digit.

    `of` is the place of the example that a reply of this code belongs to.
    """
    import numpy as np

    votes = np.zeros((examples, width(shape)), np.float64)
    readable = codes >= 0
    digits = shape.decoded(codes[readable])
    for place, (digit, first) in enumerate(zip(shape.digits, starts(shape), strict=True)):
        np.add.at(votes, (of[readable], first + digits[:, place]), 1.0)
        mine = votes[:, first : first + len(digit.values)]
        mine[:] = (mine + 0.5) / (mine.sum(axis=1, keepdims=True) + 0.5 * len(digit.values))
    return votes.astype(np.float32)


def folds_of(groups: "list[str | None]") -> "Ints":
    """A fold for every example, in turn; those of one group get the fold of the group's first."""
    import numpy as np

    known, found, turn = dict[str, int](), list[int](), 0
    for group in groups:
        if group is not None and group in known:
            found.append(known[group])
            continue
        found.append(turn % FOLDS)
        if group is not None:
            known[group] = turn % FOLDS
        turn += 1
    return np.array(found, np.int64)
