"""The simulated task models: how much of a prompt each reads, what it notices, and how it answers."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from app.practice.locating import locate
from app.practice.reading import Reading, read_instructions
from app.practice.similarity import Similarity, most_similar
from app.practice.text_shapes import comparable, grams, neighbours, sounded, tokens

_INPUT_SIGHT = 1200
_CHATTER = (
    "I think this one is {label}, because it reads like the other messages of that kind.",
    "Sure! Having looked at it closely, I would say {label} fits best here.",
    "This looks like {label} to me, although one could argue about it.",
)


@dataclass(frozen=True)
class TaskModel:
    """`sight` is how many characters of the instructions it reads; None is all."""

    name: str
    sight: int | None
    notice: Callable[[str], tuple[str, ...]]
    chatters: bool = False


def _words(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(token for token in tokens(text) if token[0].isalnum()))


def _words_and_pairs(text: str) -> tuple[str, ...]:
    found = tokens(text)
    return tuple(dict.fromkeys([*found, *neighbours(found)]))


def _words_and_grams(text: str) -> tuple[str, ...]:
    found = tokens(sounded(text))
    features = dict.fromkeys(f"={token}" for token in found)
    features.update(dict.fromkeys(neighbours(found)))
    for token in dict.fromkeys(found):
        features.update(dict.fromkeys(grams(token)))
    return tuple(features)


TASK_MODELS = (
    TaskModel("skimmer-v1", 1500, _words),
    TaskModel("scholar-v1", None, _words_and_grams),
    TaskModel("chatterbox-v1", None, _words_and_pairs, chatters=True),
)
_BY_NAME = {model.name: model for model in TASK_MODELS}


@dataclass(frozen=True)
class _Prepared:
    """Instructions that were read once, ready for any number of inputs."""

    reading: Reading
    similarity: Similarity


@lru_cache(maxsize=32)
def _prepare(name: str, instructions: str) -> _Prepared:
    reading = read_instructions(instructions)
    return _Prepared(reading, Similarity(reading.documents, len(reading.labels), _BY_NAME[name].notice))


def answer(name: str, prompt: str) -> str:
    """What the task model called `name` says to a rendered prompt."""
    model = _BY_NAME[name]
    located = locate(prompt)
    prepared = _prepare(name, located.instructions[: model.sight])
    reading = prepared.reading
    if not reading.labels:
        return "I do not know which answers are possible here."
    text = located.example
    at = reading.remembered.get(comparable(text))
    if at is None:
        at = most_similar(prepared.similarity.scores(text[:_INPUT_SIGHT]), reading.labels, text)
    return _said(reading.labels[at], text, model.chatters and not reading.label_alone)


def _said(label: str, text: str, chatters: bool) -> str:
    if not chatters:
        return label
    draw = hashlib.sha256(text.encode()).digest()[0]
    return _CHATTER[draw % len(_CHATTER)].format(label=label)
