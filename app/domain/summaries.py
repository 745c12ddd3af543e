"""Everything that is told of an evaluation's answers, as plain data that is stored once and shown often."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import inf, isnan, sqrt
from typing import Any

from app.domain.answercodes import UNGRADED, UNREADABLE
from app.domain.answered import Answers
from app.domain.goals import Goal, parse_goal
from app.domain.metrics import DECIMALS, Z95, Estimate, measure_all, wilson
from app.domain.shapes import OPEN, Shape
from app.domain.summing import SCORE

MOST_CELLS = 5_000
SCORES: Mapping[str, tuple[str, ...]] = {
    "label": ("accuracy", "balanced_accuracy", "macro_f1", "weighted_f1", "mcc"),
    "labels": ("subset_accuracy", "hamming_score", "micro_f1", "macro_f1", "weighted_f1", "samples_f1"),
    "fields": ("accuracy", "hamming_score", "macro_f1"),
    "number": ("exact_match",),
    "text": ("exact_match",),
}
OF_CLASSES = ("precision", "recall", "f1")


@dataclass(frozen=True)
class Mean:
    """An amount on average over n examples with its 95 % interval; one example has none, nor has an older summary, nor n."""

    value: float
    low: float | None = None
    high: float | None = None
    n: int | None = None


def summarise(goals: Sequence[Goal], shape: Shape, answers: Answers) -> dict[str, Any]:
    """Scores of the goals and of the kind, every class, the commonest confusions, unreadable replies, texts without a grade, repeats.

    An estimate is {value, low, high, n}, and so is a mean; classes have also how often they occur, are named and are hit
    (in all answers). `units` is how many groups and lone examples were drawn, 0 where each example was drawn alone.
    """
    scores = [*map(parse_goal, SCORES[shape.kind]), *_digit_scores(shape)]
    if "score" in answers.amounts and shape.kind in OPEN:
        scores.append(parse_goal("mean_score"))
    wanted = list(dict.fromkeys((*goals, *scores, *_class_scores(shape))))
    examples = answers.examples if answers.repeated else None
    found = measure_all(wanted, answers.expected, answers.answered, shape, answers.amounts, examples, answers.units)
    estimates = dict(zip(wanted, found, strict=True))
    return {
        "goals": [_named(goal, estimates) for goal in goals],
        "scores": [_named(goal, estimates) for goal in scores],
        "classes": _classes(shape, answers, estimates),
        "cells": _cells(shape, answers),
        "unreadable": _share(answers, UNREADABLE),
        "ungraded": _share(answers, UNGRADED),
        "samples": _samples(answers),
        "units": len(set(answers.units)),
        "means": _means(answers),
    }


def _digit_scores(shape: Shape) -> list[Goal]:
    several = shape.kind == "fields" and len(shape.digits) > 1
    return [Goal("accuracy", digit.name) for digit in shape.digits] if several else []


def _class_scores(shape: Shape) -> list[Goal]:
    return [Goal(metric, one.name) for one in shape.classes for metric in OF_CLASSES]


def _named(goal: Goal, estimates: Mapping[Goal, Estimate]) -> dict[str, Any]:
    return {"name": goal.name, **asdict(estimates[goal])}


def _classes(shape: Shape, answers: Answers, estimates: Mapping[Goal, Estimate]) -> list[dict[str, Any]]:
    pairs = Counter(zip(answers.expected, answers.answered, strict=True))
    counts = {place: Counter[str]() for place in range(len(shape.classes))}
    for (expected, answered), often in pairs.items():
        there, named = _digits(shape, expected), _digits(shape, answered)
        for place, one in enumerate(shape.classes):
            is_there, is_named = there[one.digit] == one.value, named[one.digit] == one.value
            counts[place].update({"there": often * is_there, "named": often * is_named})
            counts[place]["hits"] += often * (is_there and is_named)
    return [
        {
            "name": one.name,
            **{kind: counts[place][kind] for kind in ("there", "named", "hits")},
            **{metric: asdict(estimates[Goal(metric, one.name)]) for metric in OF_CLASSES},
        }
        for place, one in enumerate(shape.classes)
    ]


def _digits(shape: Shape, code: int) -> list[int]:
    digits = []
    for digit in shape.digits:
        code, value = (code, -1) if code < 0 else divmod(code, len(digit.values))
        digits.append(value)
    return digits


def _cells(shape: Shape, answers: Answers) -> list[list[int]]:
    """[digit, expected value, answered value or -1, how often] of first samples; for sets of labels there is none."""
    if shape.kind in (*OPEN, "labels"):
        return []
    counted: Counter[tuple[int, int, int]] = Counter()
    for (expected, answered), often in Counter(zip(*answers.first_samples(), strict=True)).items():
        for place, (there, said) in enumerate(zip(_digits(shape, expected), _digits(shape, answered), strict=True)):
            counted[place, there, said] += often
    return [[*cell, often] for cell, often in sorted(counted.most_common(MOST_CELLS))]


def _means(answers: Answers) -> dict[str, dict[str, Any]]:
    known = {name: amounts for name, amounts in answers.amounts.items() if name not in answers.unknown}
    found = {name: mean_of(amounts, answers.examples, _most(name), answers.units) for name, amounts in known.items()}
    return {name: asdict(mean) for name, mean in found.items() if mean is not None}


def _most(name: str) -> float:
    return 1.0 if name == SCORE else inf


def mean_of(
    amounts: Sequence[float], examples: Sequence[int], most: float = inf, units: Sequence[int] = ()
) -> Mean | None:
    """The mean of amounts from 0 to `most` over examples, of which each counts once, with the mean of its answers.

    The interval is that of the normal distribution, with errors clustered by unit, or by example where there is none
    (CR1). None where no amount is a number, and no interval of one unit.
    """
    by_example: dict[int, list[float]] = {}
    for one, amount in zip(examples, amounts, strict=True):
        if not isnan(amount):
            by_example.setdefault(one, []).append(amount)
    each = {one: sum(found) / len(found) for one, found in by_example.items()}
    if not (n := len(each)):
        return None
    value = sum(each.values()) / n
    unit_of = dict(zip(examples, units or examples, strict=True))
    off: dict[int, float] = {}
    for one, mean in each.items():
        off[unit_of[one]] = off.get(unit_of[one], 0.0) + mean - value
    if (drawn := len(off)) == 1:
        return Mean(round(value, DECIMALS), n=n)
    half = Z95 * sqrt(sum(gap**2 for gap in off.values()) * drawn / (drawn - 1)) / n
    low, high = max(0.0, value - half), min(most, value + half)
    return Mean(round(value, DECIMALS), round(low, DECIMALS), round(high, DECIMALS), n)


def _share(answers: Answers, code: int) -> dict[str, Any]:
    count, n = list(answers.answered).count(code), len(answers.answered)
    low, high = wilson(count, n)
    return {"count": count, "n": n, "low": low, "high": high}


def _samples(answers: Answers) -> dict[str, Any]:
    """How often examples were answered, and how often all answers of one agreed on whether they are right."""
    by_example: dict[int, list[bool]] = {}
    for one, expected, answered in zip(answers.examples, answers.expected, answers.answered, strict=True):
        by_example.setdefault(one, []).append(expected == answered)
    repeated = [found for found in by_example.values() if len(found) > 1]
    steady = sum(len(set(found)) == 1 for found in repeated)
    return {"examples": len(by_example), "answers": len(answers.answered), "repeated": len(repeated), "steady": steady}
