"""Where marks lie: values to percentages, sensible ticks, the gauge of a difference.

Geometry is in percent of the width, so that a chart keeps its text's size at any width.
"""

from math import ceil, floor, isfinite, log10
from typing import NamedTuple

Domain = tuple[float, float]

_GAUGES = ((0.05, 0.02), (0.1, 0.04), (0.25, 0.1), (0.5, 0.2), (1.0, 0.4))


class Bar(NamedTuple):
    """An interval and its estimate, in percent of the axis; `cut_left`, `cut_right`: it goes on beyond.

    `point` is None when the estimate itself lies beyond.
    """

    start: float
    width: float
    point: float | None
    cut_left: bool
    cut_right: bool


def along(value: float, domain: Domain) -> float:
    """How far along the axis a value lies, in percent, kept on the axis."""
    low, high = domain
    share = (value - low) / (high - low) if high > low else 0.0
    return round(100 * min(1.0, max(0.0, share)), 2)


def bar(value: float, low: float, high: float, domain: Domain) -> Bar:
    start, end = along(low, domain), along(high, domain)
    point = along(value, domain) if domain[0] <= value <= domain[1] else None
    return Bar(start, round(end - start, 2), point, low < domain[0], high > domain[1])


def nice_step(span: float, parts: int) -> float:
    """A round step (1, 2, 2.5 or 5 times a power of ten) that cuts `span` into about `parts`."""
    if span <= 0 or not isfinite(span):
        return 1.0
    unit = 10.0 ** floor(log10(span / parts))
    return next(size * unit for size in (1, 2, 2.5, 5, 10) if size * unit >= span / parts * (1 - 1e-9))


def ticks(domain: Domain, parts: int = 4) -> list[float]:
    """Round values inside the domain."""
    low, high = domain
    step = nice_step(high - low, parts)
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return [round(index * step, 10) for index in range(first, last + 1)]


def covering(values: list[float], limits: Domain | None = None, parts: int = 4) -> Domain:
    """The smallest round domain, never empty, that shows all the values and nothing a metric cannot reach.

    Without limits a metric lies between 0 and 1, unless one of the values does not.
    """
    known = [value for value in values if isfinite(value)]
    limits = limits or (min([0.0, *map(floor, known)]), max([1.0, *map(ceil, known)]))
    if not known:
        return limits
    step = nice_step(max(max(known) - min(known), 0.02), parts)
    low, high = floor(min(known) / step + 1e-9), ceil(max(known) / step - 1e-9)
    if low == high:
        low, high = low - 1, high + 1
    return max(limits[0], round(low * step, 10)), min(limits[1], round(high * step, 10))


def decimals(step: float) -> int:
    """How many decimals a tick label needs to show `step` exactly."""
    return next((digits for digits in range(7) if abs(round(step, digits) - step) < 1e-9), 6)


def tick_labels(values: list[float]) -> int:
    """The decimals that a row of ticks shares, so that 0.9 beside 0.85 reads 0.90."""
    return max((decimals(abs(value)) for value in values), default=0)


def gauge(low: float, high: float, smallest_gain: float) -> tuple[Domain, list[float]]:
    """The symmetric domain that holds the interval and the tie zone, and its ticks."""
    reach = max(abs(low), abs(high), 2 * smallest_gain)
    half, step = next((pair for pair in _GAUGES if pair[0] >= reach), _GAUGES[-1])
    return (-half, half), [round(index * step, 10) for index in (-2, -1, 0, 1, 2)]


def anchor(position: float) -> str:
    """The class that keeps a label at `position` percent inside the plot."""
    return "" if position < 8 else "e" if position > 92 else "m"


def shares(*counts: int) -> list[tuple[float, float]]:
    """Start and width in percent of each part of a whole, in order; all zero for an empty whole."""
    total = sum(counts)
    starts = [sum(counts[:index]) for index in range(len(counts))]
    return [
        (round(100 * start / total, 2), round(100 * count / total, 2)) if total else (0.0, 0.0)
        for start, count in zip(starts, counts, strict=True)
    ]


class Column(NamedTuple):
    """A bar that stands on the axis: start and width in percent, top and height in pixels."""

    x: float
    width: float
    y: float
    height: float


LABELLED = 88  # percent of the width that bars may take: the rest is for the labels of the lines behind them


def columns(values: list[int], height: float, top: float = 0.0) -> tuple[list[Column], list[tuple[float, float]]]:
    """A bar for each value, from zero, in a plot `height` pixels high, and (value, y) of the lines behind them."""
    highest = max(values, default=0)
    step = nice_step(float(highest), 3)
    parts = max(1, ceil(highest / step - 1e-9))
    slot = LABELLED / max(1, len(values))
    tall = [round(height * value / (step * parts), 1) for value in values]
    bars = [
        Column(round(slot * (index + 0.1), 3), round(slot * 0.8, 3), round(top + height - one, 1), one)
        for index, one in enumerate(tall)
    ]
    return bars, [(step * part, round(top + height * (1 - part / parts), 1)) for part in range(1, parts + 1)]
