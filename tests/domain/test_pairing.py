"""Two evaluations counted: kinds of rows, what so many rows can show, and p for several comparisons."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.comparing import compare, examples_needed
from app.domain.goals import Goal
from app.domain.pairing import (
    KINDS,
    Cell,
    Counts,
    Kind,
    columns,
    counts,
    detectable,
    fits,
    how_many,
    right_or_wrong,
    rows_needed,
)

CODE = st.integers(-1, 3)
CELLS = st.lists(st.tuples(st.integers(0, 3), CODE, CODE, st.integers(1, 30)), min_size=1, max_size=12)
KINDS_OF: list[tuple[tuple[int, int, int], set[Kind]]] = [
    ((0, 0, 0), {"all", "both_right"}),
    ((0, 1, 0), {"all", "fixed", "changed", "disagreements"}),
    ((0, 0, 1), {"all", "broken", "changed", "disagreements"}),
    ((0, 1, 1), {"all", "both_wrong"}),
    ((0, 1, 2), {"all", "both_wrong", "changed"}),
    ((0, -1, 0), {"all", "fixed", "changed", "disagreements", "unreadable"}),
    ((0, 0, -1), {"all", "broken", "changed", "disagreements", "unreadable"}),
    ((0, -1, -1), {"all", "both_wrong", "unreadable"}),
]


@pytest.mark.parametrize(("row", "kinds"), KINDS_OF)
def test_a_row_is_of_its_kinds_and_of_no_other(row: tuple[int, int, int], kinds: set[Kind]) -> None:
    assert {kind for kind in KINDS if fits(kind, *row)} == kinds


def test_rows_are_counted_by_kind_and_by_what_they_expect() -> None:
    cells = ((0, 0, 0, 5), (0, 1, 0, 3), (1, 1, 0, 2), (1, -1, 2, 1))
    assert counts(cells) == Counts(
        n=11, fixed=3, broken=2, both_right=5, both_wrong=1, changed=6, unreadable=1, unreadable_a=1, unreadable_b=0
    )
    assert [how_many(cells, kind, 1) for kind in ("all", "fixed", "broken", "changed")] == [3, 0, 2, 3]
    assert counts(cells).disagreements == 5
    assert counts(cells).discordance == 5 / 11


@given(CELLS)
def test_every_row_is_exactly_one_of_fixed_broken_both_right_and_both_wrong(cells: list[Cell]) -> None:
    found = counts(cells)
    assert found.fixed + found.broken + found.both_right + found.both_wrong == found.n


@given(CELLS)
def test_the_other_way_round_what_was_fixed_is_broken(cells: list[Cell]) -> None:
    found, back = counts(cells), counts([(e, b, a, n) for e, a, b, n in cells])
    assert (found.fixed, found.broken, found.unreadable_a) == (back.broken, back.fixed, back.unreadable_b)
    assert (found.changed, found.unreadable, rows_needed(found)) == (back.changed, back.unreadable, rows_needed(back))
    assert detectable(found) == detectable(back)


@given(CELLS)
def test_right_and_wrong_alone_give_the_same_difference_in_accuracy(cells: list[Cell]) -> None:
    goal = Goal("accuracy")
    assert compare(goal, *columns(right_or_wrong(cells)), 2, 0) == compare(goal, *columns(cells), 4, 0)


def _counted(n: int, fixed: int, broken: int) -> Counts:
    return Counts(n, fixed, broken, n - fixed - broken, 0, fixed + broken, 0, 0, 0)


@pytest.mark.parametrize(
    ("found", "rows"),
    [
        (_counted(400, 50, 30), 688),  # a tenth above 626, for 5 points at a discordance of 0.2
        (_counted(100, 15, 5), 171),  # a tenth above 155, for 10 points
        (_counted(400, 40, 40), None),
        (_counted(0, 0, 0), None),
    ],
)
def test_rows_that_would_tell_two_apart(found: Counts, rows: int | None) -> None:
    assert rows_needed(found) == pytest.approx(rows, abs=1)


@pytest.mark.parametrize(
    ("found", "gain"),
    [
        (_counted(400, 50, 30), 0.062),
        (_counted(100, 12, 8), 0.124),
        (_counted(400, 0, 0), None),  # nothing is known of chance
        (_counted(400, 1, 1), None),  # not even if one had won both
        (_counted(0, 0, 0), None),
    ],
)
def test_the_smallest_gain_that_so_many_rows_show(found: Counts, gain: float | None) -> None:
    assert detectable(found) == pytest.approx(gain, abs=0.001)


@given(st.integers(30, 5000), st.integers(1, 30))
def test_a_gain_that_can_be_seen_needs_no_more_rows_than_there_are(n: int, disagreements: int) -> None:
    found = _counted(n, disagreements, 0)
    least = detectable(found)
    if least is not None:
        assert examples_needed(least, found.discordance) == pytest.approx(n, abs=1)
