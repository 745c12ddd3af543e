"""Where marks lie."""

import pytest

from app.web import charts
from app.web.charts import LABELLED, Bar, columns


@pytest.mark.parametrize(
    ("value", "domain", "expected"),
    [(0.85, (0.7, 1), 50), (0.7, (0.7, 1), 0), (2, (0, 1), 100), (-1, (0, 1), 0), (0.5, (1, 1), 0), (1, (0, 3), 33.33)],
)
def test_a_value_lies_on_its_axis(value: float, domain: charts.Domain, expected: float) -> None:
    assert charts.along(value, domain) == expected


@pytest.mark.parametrize(
    ("values", "domain", "expected"),
    [
        ((0.5, 0.25, 0.75), (0, 1), Bar(25, 50, 50, False, False)),
        ((0.5, 0.25, 1.5), (0, 1), Bar(25, 75, 50, False, True)),
        ((-0.2, -0.4, 0.2), (0, 1), Bar(0, 20, None, True, False)),
    ],
)
def test_a_bar_says_where_it_is_cut_and_hides_an_estimate_beyond_the_axis(
    values: tuple[float, float, float], domain: charts.Domain, expected: Bar
) -> None:
    assert charts.bar(*values, domain) == expected


@pytest.mark.parametrize(
    ("span", "parts", "step"), [(1, 4, 0.25), (0.3, 3, 0.1), (12_000, 4, 5000), (0.11, 4, 0.05), (0, 4, 1), (7, 7, 1)]
)
def test_steps_are_round(span: float, parts: int, step: float) -> None:
    assert charts.nice_step(span, parts) == pytest.approx(step)


@pytest.mark.parametrize(
    ("domain", "expected"),
    [((0, 1), [0, 0.25, 0.5, 0.75, 1]), ((-0.1, 0.1), [-0.1, -0.05, 0, 0.05, 0.1]), ((0.71, 0.99), [0.8, 0.9])],
)
def test_ticks_are_round_values_inside(domain: charts.Domain, expected: list[float]) -> None:
    assert charts.ticks(domain) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.807, 0.916], (0.8, 0.95)),
        ([0.99, 1.0], (0.99, 1.0)),
        ([0.0, 0.03], (0.0, 0.03)),
        ([0.5], (0.495, 0.505)),
        ([1.0, 1.0], (0.995, 1.0)),
        ([], (0, 1)),
    ],
)
def test_a_domain_covers_its_values_and_no_impossible_ones(values: list[float], expected: charts.Domain) -> None:
    low, high = charts.covering(values)
    assert (low, high) == pytest.approx(expected)
    assert all(low <= value <= high for value in values)


@pytest.mark.parametrize(
    ("low", "high", "smallest", "half"),
    [
        (-0.028, 0.094, 0.01, 0.1),
        (0, 0, 0.02, 0.05),
        (-0.2, 0.3, 0.02, 0.5),
        (0.1, 0.11, 0.1, 0.25),
        (-1, 1, 0.02, 1.0),
    ],
)
def test_a_gauge_holds_the_interval_and_the_tie_zone(low: float, high: float, smallest: float, half: float) -> None:
    domain, ticks = charts.gauge(low, high, smallest)
    assert domain == (-half, half)
    assert ticks[2] == 0
    assert ticks == sorted(ticks)
    assert -half < ticks[0] < ticks[-1] < half


@pytest.mark.parametrize(
    ("values", "digits"), [([0.7, 0.8], 1), ([0.0, 0.25, 0.5], 2), ([800, 1000], 0), ([-0.05, 0, 0.1], 2), ([], 0)]
)
def test_a_row_of_ticks_shares_its_decimals(values: list[float], digits: int) -> None:
    assert charts.tick_labels(values) == digits


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((5, 99, 7, 9), [(0, 4.17), (4.17, 82.5), (86.67, 5.83), (92.5, 7.5)]),
        ((0, 0), [(0, 0), (0, 0)]),
        ((0, 2), [(0, 0), (0, 100)]),
    ],
)
def test_parts_make_up_the_whole(counts: tuple[int, ...], expected: list[tuple[float, float]]) -> None:
    assert charts.shares(*counts) == expected


@pytest.mark.parametrize(
    ("values", "heights", "lines"),
    [
        ([], [], [1.0]),
        ([0, 0], [0, 0], [1.0]),
        ([5, 10], [50, 100], [5, 10]),
        ([30, 0, 12], [100, 0, 40], [10, 20, 30]),
    ],
)
def test_bars_stand_on_zero_and_their_lines_are_round(
    values: list[int], heights: list[float], lines: list[float]
) -> None:
    bars, behind = columns(values, 100, 20)
    assert [bar.height for bar in bars] == heights
    assert all(bar.y + bar.height == 120 for bar in bars)
    assert all(bar.x + bar.width <= LABELLED for bar in bars)
    assert [value for value, _ in behind] == lines
    assert behind[-1][1] == 20
