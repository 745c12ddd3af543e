"""The best-so-far chart: score of the leader against calls, as marks, labels and one sentence."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from app.web.charts import Domain, anchor, covering, nice_step, ticks
from app.web.formats import score, thousands

# The plot's box in pixels: labels above and below keep their size, only the width stretches.
TOP, HEIGHT, WIDTH = 30.0, 200.0, 1000.0
# Percent of the width between two names; the latest also carries its score.
_APART, _APART_FROM_LATEST = 8.0, 14.0


class Leader(NamedTuple):
    """A prompt that came to lead after `calls` calls, with its score, interval and examples."""

    calls: int
    name: str
    value: float
    low: float
    high: float
    n: int


class Try(NamedTuple):
    """A candidate scored when `calls` calls were spent; `kept` when it entered the pool."""

    calls: int
    value: float
    kept: bool


class Label(NamedTuple):
    """A text at x percent and y pixels; `place` is the class that anchors it."""

    x: float
    y: float
    text: str
    place: str


@dataclass(frozen=True)
class Chart:
    """Everything the template draws; paths are in the plot's own box of WIDTH by HEIGHT."""

    domain: Domain
    sentence: str
    best: str
    band: str
    spent: float
    marks: list[tuple[float, float, bool]]
    names: list[Label]
    grid: list[Label]
    calls: list[Label]
    baseline: Label | None


@dataclass(frozen=True)
class _Scale:
    domain: Domain
    cap: float

    def x(self, calls: float) -> float:
        """Percent of the width."""
        return round(100 * min(1.0, calls / self.cap), 2)

    def y(self, value: float) -> float:
        """Pixels from the top of the plot."""
        low, high = self.domain
        return round(HEIGHT * (1 - (value - low) / (high - low)), 1)


def _domain(points: Sequence[Try], leaders: Sequence[Leader], baseline: tuple[str, float] | None) -> Domain:
    values = [bound for leader in leaders for bound in (leader.low, leader.high, leader.value)]
    return covering([*values, *(point.value for point in points), *([baseline[1]] if baseline else [])])


def _steps(scale: _Scale, leaders: Sequence[Leader], spent: float) -> list[tuple[float, float, Leader]]:
    """Each leader with where its reign starts and ends, in the plot's width."""
    ends = [*(leader.calls for leader in leaders[1:]), spent]
    return [
        (scale.x(leader.calls) * WIDTH / 100, scale.x(max(end, leader.calls)) * WIDTH / 100, leader)
        for leader, end in zip(leaders, ends, strict=False)
    ]


def _outline(corners: Sequence[tuple[float, float]], closed: bool = False) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in corners) + ("Z" if closed else "") if corners else ""


def _band(scale: _Scale, steps: Sequence[tuple[float, float, Leader]]) -> str:
    upper = [(x, scale.y(leader.high)) for start, end, leader in steps for x in (start, end)]
    lower = [(x, scale.y(leader.low)) for start, end, leader in reversed(steps) for x in (end, start)]
    return _outline([*upper, *lower], closed=True)


def _names(scale: _Scale, leaders: Sequence[Leader]) -> list[Label]:
    """Names of the leaders right to left, the latest with its score; those without room stay in the table."""
    labels: list[Label] = []
    for leader in reversed(leaders):
        x, text = scale.x(leader.calls), leader.name if labels else f"{leader.name} · {score(leader.value)}"
        if not labels or labels[-1].x - x >= (_APART_FROM_LATEST if len(labels) == 1 else _APART):
            labels.append(Label(x, TOP + scale.y(leader.value) - 10, text, anchor(x)))
    return labels


def _grid(scale: _Scale, taken: float | None) -> list[Label]:
    """Scores at the right edge, without the one that the baseline's own label would cover."""
    inner = [value for value in ticks(scale.domain) if scale.domain[0] < value < scale.domain[1]]
    digits = 2 if nice_step(scale.domain[1] - scale.domain[0], 4) >= 0.01 else 3
    labels = [Label(100.0, TOP + scale.y(value), score(value, digits), "e") for value in inner]
    return [label if taken is None or abs(label.y - taken) > 16 else label._replace(text="") for label in labels]


def _calls(scale: _Scale) -> list[Label]:
    inner = [count for count in ticks((0, scale.cap), 5) if scale.x(count) <= 78 and count == int(count)]
    labels = [Label(scale.x(count), TOP + HEIGHT + 18, thousands(count), anchor(scale.x(count))) for count in inner]
    return [*labels, Label(100.0, TOP + HEIGHT + 18, thousands(scale.cap), "e")]


def _sentence(leaders: Sequence[Leader], spent: int, cap: int | None) -> str:
    if not leaders:
        return "No prompt has a score yet."
    pace = f"{thousands(spent)} of {thousands(cap)} calls" if cap else f"{thousands(spent)} calls"
    if len(leaders) == 1:
        return f"Best score so far is {score(leaders[0].value)} after {pace}; {leaders[0].name} leads from the start."
    changes = ", ".join(leader.name for leader in leaders[1:])
    times = "one change" if len(leaders) == 2 else f"{len(leaders) - 1} changes"
    return f"Best score so far went from {score(leaders[0].value)} to {score(leaders[-1].value)} over {pace}; {times} of leader: {changes}."


def best_so_far(
    points: Sequence[Try],
    leaders: Sequence[Leader],
    cap: int | None,
    baseline: tuple[str, float] | None,
    spent: int,
) -> Chart:
    """The chart for leaders in the order of their calls; without a cap the axis ends at a round number of calls."""
    leaders = [Leader(*leader) for leader in leaders]
    points = [Try(*point) for point in points]
    step = nice_step(max(spent, 100), 4)
    scale = _Scale(_domain(points, leaders, baseline), float(cap or step * (spent // step + 1)))
    steps = _steps(scale, leaders, spent)
    line = [(x, scale.y(leader.value)) for start, end, leader in steps for x in (start, end)]
    base = Label(0.0, TOP + scale.y(baseline[1]), f"{baseline[0]} · {score(baseline[1])}", "") if baseline else None
    return Chart(
        domain=scale.domain,
        sentence=_sentence(leaders, spent, cap),
        best=_outline(line),
        band=_band(scale, steps),
        spent=scale.x(spent) if cap else 100.0,
        marks=[(scale.x(point.calls), TOP + scale.y(point.value), point.kept) for point in points],
        names=_names(scale, leaders),
        grid=_grid(scale, base.y - 10 if base else None),
        calls=_calls(scale),
        baseline=base,
    )
