"""How likely each answer is to a simulated task model: from what the instructions say, and from nothing else."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from app.practice.asked import Asked
from app.practice.chances import Choice, softmax
from app.practice.models import BY_NAME, INPUT_SIGHT
from app.practice.reading import Reading, read_about, read_instructions
from app.practice.similarity import Similarity, most_similar
from app.practice.text_shapes import comparable

_SURE = 4.0  # how far, in the model's own temperature, a remembered answer is ahead of the likeliest other
_STANDS_FOR = re.compile(
    r"^[ \t]*[-*•]?[ \t]*[\"'`(]?(?P<code>[^\s\"'`:=)]{1,12})[\"'`)]?[ \t]*(?:[:=—–]|->|\) )[ \t]*(?P<said>[^\n]+)$",
    re.M,
)


@dataclass(frozen=True)
class Judge:
    """A reading of the instructions, ready for any number of inputs of one task model."""

    name: str
    reading: Reading
    similarity: Similarity

    def choice(self, text: str, texts: Sequence[str] = ()) -> Choice:
        """The labels with their chances for an input, written as `texts` when they are given.

        The likeliest is the answer at temperature 0; equals are drawn by a hash of label and text.
        """
        labels, warmth = self.reading.labels, BY_NAME[self.name].warmth
        scores = self.similarity.scores(text[:INPUT_SIGHT])
        likely = self.reading.remembered.get(comparable(text))
        if likely is None:
            likely = most_similar(scores, labels, text)
        else:
            scores[likely] = max(scores) + _SURE * warmth
        return Choice(tuple(texts or labels), softmax(scores, warmth), likely)


@lru_cache(maxsize=64)
def judge(name: str, instructions: str, labels: tuple[str, ...] = ()) -> Judge:
    """By the labels that the instructions list, or by those that are given."""
    reading = read_about(instructions, labels) if labels else read_instructions(instructions)
    return Judge(name, reading, Similarity(reading.documents, len(reading.labels), BY_NAME[name].notice))


def among(name: str, asked: Asked, values: tuple[str, ...]) -> Choice:
    """One of some values: the answer in free text where they are its labels, or codes that stand for them."""
    free, text, instructions = judge(name, asked.instructions), asked.example, asked.everything
    index = {comparable(label): at for at, label in enumerate(free.reading.labels)}
    told = {match["code"]: match["said"] for match in _STANDS_FOR.finditer(instructions)}
    stand = [_label(value, told.get(value, ""), index) for value in values]
    if len(index) == len(values) == len(set(stand)) and None not in stand:
        texts = [values[stand.index(at)] for at in range(len(index))]
        return free.choice(text, texts)
    return judge(name, instructions, values).choice(text)


def _label(value: str, said: str, index: dict[str, int]) -> int | None:
    """Which label a value is, or which one stands first in what is said of it."""
    for whole in (value, said):
        if comparable(whole) in index:
            return index[comparable(whole)]
    return index.get(comparable(re.split(r"[:=—–(,;]| - ", said, maxsplit=1)[0].strip("\"'`*. ")))
