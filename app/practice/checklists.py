"""How likely each of several yes/no fields, or labels of a set, is to hold, by what a prompt says of each."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from app.practice.chances import Choice
from app.practice.labels import bullets
from app.practice.models import BY_NAME, INPUT_SIGHT
from app.practice.reading import read_about
from app.practice.similarity import SMOOTHING, Notice
from app.practice.text_shapes import comparable, spoken
from app.practice.worked import Worked, find_worked, without

_SURE = 4.0  # log odds of what a worked example with the same input says
_YES, _NO = {"true", "yes", "да"}, {"false", "no", "нет"}
_SENTENCE = re.compile(r"[^.!?\n]+")


@dataclass(frozen=True)
class Told:
    """Something that the prompt says, and the numbers of the fields that hold of it."""

    text: str
    weight: float
    true: frozenset[int]


class Odds:
    """Naive Bayes with equal priors for each field by itself: what holds with it against all else that is said."""

    def __init__(self, told: Sequence[Told], fields: int, notice: Notice) -> None:
        self._notice = notice
        self._all: dict[str, float] = {}
        self._with: dict[str, dict[int, float]] = {}
        total, holding = 0.0, [0.0] * fields
        for one in told:
            for feature in notice(one.text):
                total += one.weight
                self._all[feature] = self._all.get(feature, 0.0) + one.weight
                for field in one.true:
                    at = self._with.setdefault(feature, {})
                    at[field] = at.get(field, 0.0) + one.weight
                    holding[field] += one.weight
        room = SMOOTHING * max(1, len(self._all))
        self._ahead = [math.log((total - yes + room) / (yes + room)) for yes in holding]

    def of(self, text: str) -> list[float]:
        """Log odds of each field."""
        known, against = 0, 0.0
        sums = [0.0] * len(self._ahead)
        for feature in self._notice(text):
            every = self._all.get(feature)
            if every is not None:
                known += 1
                none = _weight(every)
                against += none
                for field, count in self._with.get(feature, {}).items():
                    sums[field] += _weight(count) - _weight(every - count) + none
        return [gain - against + known * ahead for gain, ahead in zip(sums, self._ahead, strict=True)]


def _weight(count: float) -> float:
    return math.log1p(max(0.0, count) / SMOOTHING)


def truth(chance: float, yes: str = "true", no: str = "false") -> Choice:
    return Choice((yes, no), (chance, 1 - chance), 0 if chance >= 0.5 else 1)


def chances_of(name: str, instructions: str, fields: tuple[str, ...], text: str) -> list[float]:
    """The chance that each field is true of an input; without anything that speaks for it, it is not."""
    odds, remembered = _read(name, instructions, fields)
    if (true := remembered.get(comparable(text))) is not None:
        ahead = [_SURE if at in true else -_SURE for at in range(len(fields))]
    else:
        model = BY_NAME[name]
        ahead = [one / model.warmth - model.doubt for one in odds.of(text[:INPUT_SIGHT])]
    return [1 / (1 + math.exp(-max(-30.0, min(30.0, one)))) for one in ahead]


@lru_cache(maxsize=16)
def _read(name: str, instructions: str, fields: tuple[str, ...]) -> tuple[Odds, dict[str, frozenset[int]]]:
    """What the prompt says of the fields, and what its worked examples say of inputs."""
    examples = find_worked(instructions)
    told = [Told(one.text, one.weight, frozenset({one.label})) for one in read_about(instructions, fields).documents]
    remembered = {}
    for example in examples:
        if (true := _true_in(example, fields)) is not None:
            told.append(Told(example.input, 1.0, true))
            remembered[comparable(example.input)] = true
    told += _background(without(instructions, examples), fields)
    if len(fields) == 1:
        told += _said_of_truth(instructions)
    return Odds(told, len(fields), BY_NAME[name].notice), remembered


def _true_in(example: Worked, fields: tuple[str, ...]) -> frozenset[int] | None:
    """The fields that a worked example says are true, in one of three ways; None when it speaks of other things.

    By an object or lines of names and values, by a list of names, or by a yes or no for the only field.
    """
    answer = comparable(example.label)
    names = [comparable(field) for field in fields]
    written = [re.search(rf'["\']?{re.escape(one)}["\']?\s*[:=]\s*(\w+)', answer) for one in names]
    if any(written):
        return frozenset(at for at, match in enumerate(written) if match and match[1] in _YES)
    if len(fields) == 1 and answer in _YES | _NO:
        return frozenset({0} if answer in _YES else ())
    listed = {part.strip(" \"'[]") for part in answer.split(",")}
    if not listed <= {*names, "none"}:
        return None
    return frozenset(at for at, one in enumerate(names) if one in listed)


def _background(said: str, fields: tuple[str, ...]) -> list[Told]:
    """Sentences that speak of no field, so that their words tell nothing."""
    names = [comparable(spoken(field)) for field in fields] + [comparable(field) for field in fields]
    sentences = [sentence.strip() for sentence in _SENTENCE.findall(said)]
    return [
        Told(sentence, 0.5, frozenset())
        for sentence in sentences
        if sentence and not any(name in comparable(sentence) for name in names)
    ]


def _said_of_truth(instructions: str) -> list[Told]:
    """What the only field's true and false, or yes and no, are said to mean."""
    named = [(comparable(bullet.name), bullet.said) for bullet in bullets(instructions.split("\n"))]
    return [
        Told(told, 1.0, frozenset({0} if name in _YES else ())) for name, told in named if name in _YES | _NO and told
    ]
