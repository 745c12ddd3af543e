"""A reply as choices with their chances, and how they are drawn: all that a simulated model goes by."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import mul
from random import Random


@dataclass(frozen=True)
class Choice:
    """One of several texts; `chances` add up to 1, `likely` is the one that is taken at temperature 0."""

    texts: tuple[str, ...]
    chances: tuple[float, ...]
    likely: int


@dataclass(frozen=True)
class Step:
    """A choice that was made, between what was said before and whatever comes after."""

    choice: Choice
    taken: int

    @property
    def text(self) -> str:
        return self.choice.texts[self.taken]


Draw = Callable[[Choice], int]


def certain(text: str) -> Step:
    return Step(Choice((text,), (1.0,), 0), 0)


def drawing(temperature: float, seed: int | None, told: Sequence[str]) -> Draw:
    """How choices are made: the likeliest, or drawn by the seed and all that the model was told.

    Without a seed nothing can be drawn, for a reply knows no clock and no chance but the request's own.
    """
    if temperature <= 0 or seed is None:
        return lambda choice: choice.likely
    rng = Random("\0".join([str(seed), *told]))
    return lambda choice: rng.choices(range(len(choice.texts)), heated(choice.chances, temperature))[0]


def heated(chances: Sequence[float], temperature: float) -> list[float]:
    """Weights at a temperature: above 1 more alike, below 1 less; the largest is 1."""
    most = max(chances)
    return [(chance / most) ** (1 / temperature) for chance in chances]


def softmax(scores: Sequence[float], temperature: float) -> tuple[float, ...]:
    most = max(scores)
    weights = [math.exp((score - most) / temperature) for score in scores]
    return tuple(weight / sum(weights) for weight in weights)


def said(steps: Sequence[Step]) -> str:
    return "".join(step.text for step in steps)


def taken(choice: Choice, draw: Draw) -> Step:
    return Step(choice, draw(choice))


def stated(step: Step, most: float) -> str:
    chance = step.choice.chances[step.taken]
    return f"{chance:.2f}" if most == 1 else str(round(chance * most))


def several(labels: Sequence[str], chances: Sequence[float], draw: Draw, between: str, nothing: str) -> Iterator[Step]:
    """The labels that hold, one after another in their order: which comes next, or none any more, is one choice each.

    Each label holds by a chance of its own, so the next is the first that holds among those that follow.
    """
    at, first = 0, True
    while at < len(labels):
        left = list(accumulate([1.0, *(1 - chance for chance in chances[at:])], mul))
        weights = [left[number] * chance for number, chance in enumerate(chances[at:])]
        following = [name if first else f"{between}{name}" for name in labels[at:]]
        likely = next((number for number, chance in enumerate(chances[at:]) if chance >= 0.5), len(weights))
        step = taken(Choice((*following, nothing if first else ""), (*weights, left[-1]), likely), draw)
        yield step
        if step.taken == len(weights):
            return
        at, first = at + step.taken + 1, False
