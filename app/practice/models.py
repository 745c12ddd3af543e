"""The simulated task models: how much of a prompt each reads, what it notices, and how sure it is of itself."""

from collections.abc import Callable
from dataclasses import dataclass

from app.practice.text_shapes import grams, neighbours, sounded, tokens

INPUT_SIGHT = 1200
_HASTY = 500  # characters of a text that a model reads which skims its instructions too


@dataclass(frozen=True)
class TaskModel:
    """`sight` is how many characters of the instructions it reads; None is all.

    Its chances are the softmax of its similarity scores at the fixed temperature `warmth`: the higher, the less sure.
    `doubt` is how far a yes must be ahead of a no, in log odds.
    """

    name: str
    sight: int | None
    notice: Callable[[str], tuple[str, ...]]
    warmth: float
    doubt: float
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
    TaskModel("skimmer-v1", 1500, _words, warmth=1.0, doubt=1.0),
    TaskModel("scholar-v1", None, _words_and_grams, warmth=6.0, doubt=1.0),
    TaskModel("chatterbox-v1", None, _words_and_pairs, warmth=1.5, doubt=1.0, chatters=True),
)
BY_NAME = {model.name: model for model in TASK_MODELS}


def sighted(name: str, text: str) -> str:
    """As much of a text as the model reads of it before it writes about it."""
    return text if BY_NAME[name].sight is None else text[:_HASTY]
