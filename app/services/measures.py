"""What an evaluation's stored summary says, in the names that the project gives its answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.domain.answerspace import Answers
from app.domain.metrics import Estimate
from app.domain.shapes import Class, shape_of
from app.domain.summaries import Mean


@dataclass(frozen=True)
class Score:
    """One score by its name, as goals write it."""

    name: str
    estimate: Estimate


@dataclass(frozen=True)
class ClassScores:
    """One class: how often it is expected, named, and both; an estimate's n is that of all examples.

    It is the `value` of the digit at `place`: 0 for one label out of several, else that of the label or field.
    """

    name: str
    place: int
    value: int
    there: int
    named: int
    hits: int
    precision: Estimate
    recall: Estimate
    f1: Estimate


@dataclass(frozen=True)
class Unreadable:
    """Replies that could not be read, with the interval of their share."""

    count: int
    n: int
    low: float
    high: float

    @property
    def share(self) -> float:
        return self.count / self.n if self.n else 0.0


@dataclass(frozen=True)
class Cell:
    """How often a value of one field was answered with another, None for unreadable; with place and codes."""

    place: int
    expected_code: int
    answered_code: int
    field: str
    expected: str
    answered: str | None
    count: int


@dataclass(frozen=True)
class Repeats:
    """Of `repeated` examples with several answers, `steady` had all right or all wrong."""

    examples: int
    answers: int
    repeated: int
    steady: int


@dataclass(frozen=True)
class Measures:
    """Everything that was summed up when the work was done.

    `units` is how many groups and lone examples were drawn for the intervals, 0 where every example stands alone.
    """

    kind: str
    goals: list[Score]
    scores: list[Score]
    classes: list[ClassScores]
    cells: list[Cell]
    unreadable: Unreadable
    ungraded: Unreadable
    repeats: Repeats
    means: dict[str, Mean]
    units: int


_NONE = {"count": 0, "n": 0, "low": 0.0, "high": 1.0}  # of summaries that were made before there were graders


def measures(summary: Mapping[str, Any] | None, answers: Answers) -> Measures | None:
    """None before anything was summed up; summaries of an older Agon hold less and count as none."""
    if not summary or "scores" not in summary:
        return None
    return Measures(
        kind=answers.kind,
        goals=[_score(one) for one in summary["goals"]],
        scores=[_score(one) for one in summary["scores"]],
        classes=_classes(summary["classes"], answers),
        cells=[_cell(answers, *cell) for cell in summary["cells"]],
        unreadable=Unreadable(**summary["unreadable"]),
        ungraded=Unreadable(**summary.get("ungraded", _NONE)),
        repeats=Repeats(**summary["samples"]),
        means={name: _mean(found) for name, found in summary["means"].items()},
        units=summary.get("units", 0),
    )


def _score(found: Mapping[str, Any]) -> Score:
    return Score(found["name"], _estimate(found))


def _estimate(found: Mapping[str, Any]) -> Estimate:
    return Estimate(found["value"], found["low"], found["high"], found["n"])


def _mean(found: Mapping[str, Any] | float) -> Mean:
    """Summaries of an older Agon hold the mean alone."""
    return Mean(**found) if isinstance(found, Mapping) else Mean(found)


def _classes(summed: Sequence[Mapping[str, Any]], answers: Answers) -> list[ClassScores]:
    """In their stored order; classes that the project has no more are left out."""
    known = {one.name: one for one in shape_of(answers).classes}
    return [_class(found, known[found["name"]]) for found in summed if found["name"] in known]


def _class(found: Mapping[str, Any], one: Class) -> ClassScores:
    counts = (found[name] for name in ("there", "named", "hits"))
    shares = (_estimate(found[name]) for name in ("precision", "recall", "f1"))
    return ClassScores(one.name, one.digit, one.value, *counts, *shares)


def _cell(answers: Answers, place: int, expected: int, answered: int, count: int) -> Cell:
    field, names = ("", answers.names) if answers.kind == "label" else _field(answers, place)
    read = None if answered < 0 else names[answered]
    return Cell(place, expected, answered, field, names[expected], read, count)


def _field(answers: Answers, place: int) -> tuple[str, tuple[str, ...]]:
    return answers.fields[place].name, answers.fields[place].values
