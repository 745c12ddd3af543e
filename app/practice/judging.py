"""How likely each answer is to a simulated task model: from what the instructions say, and from nothing else."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from app.practice.asked import Asked
from app.practice.chances import Choice, softmax
from app.practice.labels import bullets
from app.practice.models import BY_NAME, INPUT_SIGHT
from app.practice.reading import Reading, read_about, read_instructions
from app.practice.similarity import Document, Similarity, most_similar
from app.practice.text_shapes import comparable, spoken
from app.practice.worked import Worked, find_worked, without

_SURE = 4.0  # how far, in the model's own temperature, a remembered answer is ahead of the likeliest other
_YES, _NO = {"true", "yes", "да"}, {"false", "no", "нет"}
_STANDS_FOR = re.compile(
    r"^[ \t]*[-*•]?[ \t]*[\"'`(]?(?P<code>[^\s\"'`:=)]{1,12})[\"'`)]?[ \t]*(?:[:=—–]|->|\) )[ \t]*(?P<said>[^\n]+)$",
    re.M,
)
_SENTENCE = re.compile(r"[^.!?\n]+")


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
    if comparable(value) in index:
        return index[comparable(value)]
    return index.get(comparable(re.split(r"[:=—–(,;]| - ", said, maxsplit=1)[0].strip("\"'`*. ")))


def chance_of(name: str, instructions: str, fields: tuple[str, ...], at: int, text: str) -> float:
    """The chance that a yes/no field is true of an input; without anything that speaks for it, it is not."""
    about = _about_field(name, instructions, fields, at)
    remembered = about.reading.remembered.get(comparable(text))
    warmth = BY_NAME[name].warmth
    no, yes = about.similarity.scores(text[:INPUT_SIGHT])
    ahead = (yes - no) / warmth - BY_NAME[name].doubt
    if remembered is not None:
        ahead = _SURE if remembered else -_SURE
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, ahead))))


def truth(chance: float, yes: str = "true", no: str = "false") -> Choice:
    return Choice((yes, no), (chance, 1 - chance), 0 if chance >= 0.5 else 1)


@lru_cache(maxsize=256)
def _about_field(name: str, instructions: str, fields: tuple[str, ...], at: int) -> Judge:
    """Two classes: what is said of the field, against what is said of the others and of nothing in particular."""
    every = read_about(instructions, fields)
    documents = [replace(document, label=int(document.label == at)) for document in every.documents]
    examples = find_worked(instructions)
    remembered = {}
    for example in examples:
        if (true := _true_in(example, fields, at)) is not None:
            documents.append(Document(int(true), example.input, 1.0))
            remembered[comparable(example.input)] = int(true)
    documents += _background(without(instructions, examples), fields)
    if len(fields) == 1:
        documents += _said_of_truth(instructions)
    reading = Reading(("no", "yes"), tuple(documents), remembered, every.label_alone)
    return Judge(name, reading, Similarity(documents, 2, BY_NAME[name].notice))


def _true_in(example: Worked, fields: tuple[str, ...], at: int) -> bool | None:
    """Whether a worked example says the field is true: by a list of names, an object, or a yes or no for the only one."""
    answer = comparable(example.label)
    written = re.search(rf'["\']?{re.escape(comparable(fields[at]))}["\']?\s*[:=]\s*(\w+)', answer)
    if written:
        return written[1] in _YES
    if len(fields) == 1 and answer in _YES | _NO:
        return answer in _YES
    names = {part.strip(" \"'[]") for part in answer.split(",")}
    known = {comparable(field) for field in fields} | {"none"}
    return comparable(fields[at]) in names if names <= known else None


def _background(said: str, fields: tuple[str, ...]) -> list[Document]:
    """Sentences that speak of no field, so that their words tell nothing."""
    names = [comparable(spoken(field)) for field in fields] + [comparable(field) for field in fields]
    sentences = [sentence.strip() for sentence in _SENTENCE.findall(said)]
    return [
        Document(0, sentence, 0.5)
        for sentence in sentences
        if sentence and not any(name in comparable(sentence) for name in names)
    ]


def _said_of_truth(instructions: str) -> list[Document]:
    """What the only field's `true` and `false`, or yes and no, are said to mean."""
    named = [(comparable(bullet.name), bullet.said) for bullet in bullets(instructions.split("\n"))]
    return [Document(int(name in _YES), told, 1.0) for name, told in named if name in _YES | _NO and told]
