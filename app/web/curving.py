"""Where the marks of a precision-recall curve and of a reliability diagram lie: percent across, pixels down."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from app.domain.reliability import Bin
from app.services.threshold_facts import Chosen, Stops
from app.web.formats import percent, score, thousands

TOP, HEIGHT, WIDTH = 10.0, 320.0, 1000.0


class Spot(NamedTuple):
    """At x percent and y pixels."""

    x: float
    y: float


class BinMark(NamedTuple):
    """A bin: where it was stated and came true, its Wilson interval from `low` to `high`, and the share of the rows in it."""

    x: float
    y: float
    low: float
    high: float
    left: float
    width: float
    tall: float
    n: int


@dataclass(frozen=True)
class Curve:
    """Precision over recall; `line` lies in a box of WIDTH by HEIGHT, `spot` is None where nothing is said.

    The same of the ROC curve, recall over false alarms, in a box of WIDTH by LOWER.
    """

    line: str
    spot: Spot | None
    naive: Spot | None
    base: float
    sentence: str
    roc_line: str
    roc_spot: Spot
    roc_sentence: str


@dataclass(frozen=True)
class Reliability:
    marks: list[BinMark]
    sentence: str


LOWER = 220.0  # the height of the reliability diagram
COUNTS = 44.0  # pixels of the bars beneath the diagram


def grid(height: float) -> list[tuple[float, float]]:
    """Shares with the pixels of their lines; the floor's is not among them."""
    return [(share, _down(share, height)) for share in (0.25, 0.5, 0.75, 1.0)]


def curve(stops: Stops, chosen: Chosen) -> Curve:
    corners = [
        (WIDTH * tp / max(1, stops.positives), HEIGHT * (1 - tp / (tp + fp)))
        for tp, fp in zip(stops.tp, stops.fp, strict=True)
    ]
    if corners:
        corners.insert(0, (0.0, corners[0][1]))
    line = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in corners) if corners else ""
    rows = max(1, stops.positives + stops.negatives)
    naive = _spot(chosen.optimistic.precision, chosen.optimistic.recall) if chosen.optimistic else None
    spot = _spot(chosen.at.precision, chosen.at.recall)
    return Curve(line, spot, naive, _down(stops.positives / rows), _said(chosen), *_roc(stops, chosen))


def _roc(stops: Stops, chosen: Chosen) -> tuple[str, Spot, str]:
    """From nothing said to everything said: the share of those that have the class over that of those that do not."""
    positives, negatives = max(1, stops.positives), max(1, stops.negatives)
    shares = [(0.0, 0.0), *((fp / negatives, tp / positives) for tp, fp in zip(stops.tp, stops.fp, strict=True))]
    line = "M" + "L".join(f"{WIDTH * alarms:.1f} {LOWER * (1 - found):.1f}" for alarms, found in shares)
    alarms, found = chosen.at.fp / negatives, chosen.at.tp / positives
    said = f"Recall over false alarms. At the chosen threshold {percent(found, 1)} are found, with {percent(alarms, 1)} of the others."
    return line, Spot(round(100 * alarms, 2), _down(found, LOWER)), said


def _said(chosen: Chosen) -> str:
    at = chosen.at
    if at.precision is None or at.recall is None:
        return "At the chosen threshold nothing is called yes."
    return (
        f"Precision over recall. At the threshold {score(at.threshold)} precision is {score(at.precision.value)} "
        f"and recall {score(at.recall.value)}."
    )


def _spot(precision: object, recall: object) -> Spot | None:
    found = [getattr(one, "value", None) for one in (precision, recall)]
    if found[0] is None or found[1] is None:
        return None
    return Spot(round(100 * found[1], 2), _down(found[0]))


def _down(share: float, height: float = HEIGHT) -> float:
    return round(TOP + height * (1 - share), 1)


def reliability(bins: Sequence[Bin]) -> Reliability:
    """Bins as marks with their intervals, and beneath how many examples each holds."""
    most = max((one.n for one in bins), default=1)
    marks = [
        BinMark(
            x=round(100 * one.stated, 2),
            y=_down(one.true, LOWER),
            low=_down(one.least, LOWER),
            high=_down(one.most, LOWER),
            left=round(100 * one.low + 0.3, 2),
            width=round(max(0.4, 100 * (one.high - one.low) - 0.6), 2),
            tall=round(max(1.0, COUNTS * one.n / most), 1),
            n=one.n,
        )
        for one in bins
    ]
    total = sum(one.n for one in bins)
    return Reliability(marks, f"{thousands(total)} examples in {len(bins)} bins: what was stated, and what came true.")
