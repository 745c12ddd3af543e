"""Several answers per example: the example stays the unit."""

from math import inf, sqrt
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_rel

from tests.reference.repeats import compare_repeated, components

Table = list[list[int]]


@st.composite
def _pairs(draw: st.DrawFn) -> tuple[Table, Table]:
    n, repeats = draw(st.integers(2, 15)), draw(st.integers(1, 4))
    rows = st.lists(st.lists(st.integers(0, 1), min_size=repeats, max_size=repeats), min_size=n, max_size=n)
    return draw(rows), draw(rows)


@given(_pairs())
@settings(deadline=None)
def test_swapping_the_two_turns_the_difference_and_nothing_else(pair: tuple[Table, Table]) -> None:
    one, other = compare_repeated(*pair), compare_repeated(*pair[::-1])
    assert (one.value, one.low, one.high, one.t) == pytest.approx((-other.value, -other.high, -other.low, -other.t))
    assert (one.p, one.cr0, one.cr1, one.naive_se) == pytest.approx((other.p, other.cr0, other.cr1, other.naive_se))


@given(_pairs(), st.randoms())
@settings(deadline=None)
def test_neither_the_order_of_examples_nor_of_repeats_matters(pair: tuple[Table, Table], random: Random) -> None:
    a, b = pair
    rows = random.sample(range(len(a)), len(a))
    places = random.sample(range(len(a[0])), len(a[0]))
    turned_a, turned_b = ([[table[row][place] for place in places] for row in rows] for table in (a, b))
    assert vars(compare_repeated(turned_a, turned_b)) == pytest.approx(vars(compare_repeated(a, b)))


@given(_pairs())
@settings(deadline=None)
def test_bounds_hold_the_point_and_p_lies_in_the_unit_interval(pair: tuple[Table, Table]) -> None:
    found = compare_repeated(*pair)
    assert found.low <= found.value <= found.high
    assert 0 <= found.p <= 1
    assert found.cr1 == pytest.approx(found.cr0 * sqrt(found.n / (found.n - 1)))


def test_the_t_test_is_that_of_the_examples_means() -> None:
    a, b = [[1, 0], [0, 0], [1, 1], [0, 1], [0, 0]], [[1, 1], [0, 1], [1, 0], [1, 1], [0, 1]]
    found = compare_repeated(a, b)
    theirs = ttest_rel([sum(row) / 2 for row in b], [sum(row) / 2 for row in a])
    assert (found.t, found.p) == pytest.approx((theirs.statistic, theirs.pvalue))
    assert (found.low, found.high) == pytest.approx(tuple(theirs.confidence_interval()))


def test_more_answers_of_the_same_examples_do_not_pass_for_more_examples() -> None:
    a, b = [[0], [1], [0], [1], [0]], [[1], [1], [0], [1], [1]]
    often = compare_repeated([row * 20 for row in a], [row * 20 for row in b])
    assert often.cr1 == pytest.approx(compare_repeated(a, b).cr1)
    assert often.naive_se < compare_repeated(a, b).naive_se / 4


@pytest.mark.parametrize(("b", "t", "p"), [([[1], [1]], inf, 0.0), ([[0], [0]], 0.0, 1.0)])
def test_without_variation_t_is_infinite_or_nothing(b: Table, t: float, p: float) -> None:
    found = compare_repeated([[0], [0]], b)
    assert (found.t, found.p, found.low, found.high) == (t, p, found.value, found.value)


@given(_pairs())
@settings(deadline=None)
def test_the_components_add_up_to_the_variance_of_means_or_stop_at_nothing(pair: tuple[Table, Table]) -> None:
    found = components(pair[0])
    assert found.between >= 0
    assert found.between + found.within / len(pair[0][0]) >= found.of_means - 1e-12
    assert found.se == pytest.approx(sqrt(found.of_means / len(pair[0])))


def test_tables_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="two tables of one shape"):
        compare_repeated([[1, 0], [1, 1]], [[1], [0]])
    with pytest.raises(ValueError, match="two or more examples"):
        components([[1, 0]])
    with pytest.raises(ValueError, match=r"the lengths are \[1, 2\]"):
        components([[1, 0], [1]])
