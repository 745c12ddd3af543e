"""The Pareto front."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.fronts import front

POINTS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=20)


@pytest.mark.parametrize(
    ("points", "unbeaten"),
    [
        ([(1, 1)], [True]),
        ([(1, 2), (2, 1), (1, 1)], [True, True, False]),
        ([(1, 1), (1, 1)], [True, True]),
        ([(2, 2), (2, 1), (1, 3)], [True, False, True]),
    ],
)
def test_nobody_on_the_front_is_beaten_in_every_goal(points: list[tuple[int, ...]], unbeaten: list[bool]) -> None:
    assert front(points) == unbeaten


@given(POINTS)
def test_the_best_in_one_goal_and_the_sum_is_on_the_front_whatever_the_order(points: list[tuple[int, ...]]) -> None:
    found = dict(zip(points, front(points), strict=True))
    assert found[max(points, key=sum)]
    assert any(found.values())
    assert dict(zip(points[::-1], front(points[::-1]), strict=True)) == found
