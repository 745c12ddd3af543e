"""Reads a task model's reply in the answer format it was asked for; nothing is ever guessed from a longer text."""

from functools import lru_cache
from typing import Protocol

from app.domain.answerspace import Answers
from app.domain.formats import PLAIN, AnswerFormat, checked
from app.domain.readers.finals import NumberReader
from app.domain.readers.lists import LabelReader, LinesReader, SetReader
from app.domain.readers.readings import Reading, Reference
from app.domain.readers.structured import ObjectReader
from app.domain.readers.texts import ExtractionReader, TextReader


class Reader(Protocol):
    """Reads replies of one answer format; made once, by `reader`, for many replies."""

    def read(self, reply: str, reference: Reference = None) -> Reading:
        """What the reply says; never raises for what a reply holds.

        The reference is needed for numbers and texts only. Raises Invalid when it cannot be one there.
        """
        ...


def reader(answers: Answers, form: AnswerFormat = PLAIN) -> Reader:
    """The reader of these answers in this format. Raises Invalid when they do not go together."""
    return _made(answers, form)


@lru_cache(maxsize=64)
def _made(answers: Answers, form: AnswerFormat) -> Reader:
    checked(answers, form)
    if answers.kind == "number":
        return NumberReader(answers, form)
    if answers.kind == "text":
        return ExtractionReader(answers, form) if answers.fields else TextReader(answers, form)
    if form.how == "json":
        return ObjectReader(answers, form)
    if answers.kind == "fields":
        return LinesReader(answers)
    return LabelReader(answers, form) if answers.kind == "label" else SetReader(answers, form)


def read(reply: str, answers: Answers, form: AnswerFormat = PLAIN, reference: Reference = None) -> Reading:
    """One reply; for many of one format `reader` once and its `read` are faster. Raises Invalid as both do."""
    return reader(answers, form).read(reply, reference)
