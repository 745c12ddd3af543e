"""Two evaluations of the same examples, counted: what one repaired and broke of the other, and what so many rows can show.

Everything is reckoned from cells (expected, a, b, count) of reading codes: right is reading == expected, -1 is
unreadable and always wrong. a is the base, b the other.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Literal, get_args

from app.domain.comparing import examples_needed, minimum_detectable_gain

Cell = tuple[int, int, int, int]  # expected, read of a, read of b, how many examples
Kind = Literal["all", "fixed", "broken", "changed", "both_wrong", "both_right", "unreadable", "disagreements"]
KINDS: tuple[Kind, ...] = get_args(Kind)

UNREADABLE = -1
SAFETY = 1.1  # the exact McNemar test has 76 to 79 % power where the formula says 80

_FITS: dict[Kind, Callable[[int, int, int], bool]] = {
    "all": lambda e, a, b: True,
    "fixed": lambda e, a, b: a != e and b == e,
    "broken": lambda e, a, b: a == e and b != e,
    "changed": lambda e, a, b: a != b,
    "both_wrong": lambda e, a, b: a != e and b != e,
    "both_right": lambda e, a, b: a == e and b == e,
    "unreadable": lambda e, a, b: UNREADABLE in (a, b),
    "disagreements": lambda e, a, b: (a == e) != (b == e),
}


@dataclass(frozen=True)
class Counts:
    """How many of `n` examples are of each kind; `changed` ones were read differently, right or wrong.

    `unreadable` counts those where either reply could not be read, `unreadable_a` and `unreadable_b` each side's.
    """

    n: int
    fixed: int
    broken: int
    both_right: int
    both_wrong: int
    changed: int
    unreadable: int
    unreadable_a: int
    unreadable_b: int

    @property
    def disagreements(self) -> int:
        """Examples that exactly one of the two gets right."""
        return self.fixed + self.broken

    @property
    def discordance(self) -> float:
        """The share of examples that exactly one of the two gets right."""
        return self.disagreements / self.n if self.n else 0.0


def fits(kind: Kind, expected: int, a: int, b: int) -> bool:
    """Whether an example that both answered is of this kind."""
    return _FITS[kind](expected, a, b)


def how_many(cells: Iterable[Cell], kind: Kind, expected: int | None = None) -> int:
    """The examples of a kind; those with one expected answer alone when it is given."""
    return sum(n for e, a, b, n in cells if (expected is None or e == expected) and fits(kind, e, a, b))


def counts(cells: Sequence[Cell]) -> Counts:
    number = {kind: how_many(cells, kind) for kind in KINDS}
    return Counts(
        n=number["all"],
        fixed=number["fixed"],
        broken=number["broken"],
        both_right=number["both_right"],
        both_wrong=number["both_wrong"],
        changed=number["changed"],
        unreadable=number["unreadable"],
        unreadable_a=sum(n for _, a, _, n in cells if a == UNREADABLE),
        unreadable_b=sum(n for _, _, b, n in cells if b == UNREADABLE),
    )


def right_or_wrong(cells: Iterable[Cell]) -> tuple[Cell, ...]:
    """The same examples with nothing left but right (0) and wrong (1): enough for accuracy, whatever an answer is."""
    kept: dict[tuple[int, int], int] = {}
    for e, a, b, n in cells:
        key = int(a != e), int(b != e)
        kept[key] = kept.get(key, 0) + n
    return tuple((0, a, b, n) for (a, b), n in sorted(kept.items()))


def columns(cells: Iterable[Cell]) -> tuple[list[int], list[int], list[int]]:
    """(expected, a, b) with one entry for each example."""
    found = [(e, a, b) for e, a, b, n in cells for _ in range(n)]
    return [row[0] for row in found], [row[1] for row in found], [row[2] for row in found]


def rows_needed(found: Counts) -> int | None:
    """How many examples would tell the two apart if what was seen is the truth: power 80 % at two-sided 5 %.

    Of the difference in examples right and the discordance that were observed (Connor 1987, and a tenth on top);
    None when both are right equally often.
    """
    gain = abs(found.fixed - found.broken) / found.n if found.n else 0.0
    return ceil(SAFETY * examples_needed(gain, found.discordance)) if gain else None


def detectable(found: Counts) -> float | None:
    """The smallest difference in the share right that this many examples show with power 80 %, at the discordance seen.

    None when nothing is discordant, so that nothing is known of how much chance moves, and when not even a prompt that
    won every disagreement would show.
    """
    if not found.disagreements:
        return None
    least = minimum_detectable_gain(found.n, found.discordance)
    return least if least <= found.discordance else None
