"""Reads the expected answer of an example from a cell of a file, and says what is wrong with one that is no answer."""

from collections.abc import Mapping
from typing import Any

from app.domain.answercodes import RIGHT, encode
from app.domain.answerspace import Answers
from app.domain.formats import AnswerFormat
from app.domain.grading import facts_of
from app.domain.readers.finals import reference_number
from app.domain.readers.reading import reader
from app.domain.readers.texts import accepted, expected_texts, pattern
from app.errors import Invalid


def expected(answers: Answers, cell: Any) -> int:
    """The code of a reference; 0 for numbers and texts, once they are found usable.

    A set of labels is a list, or text with commas between the labels ("none", or nothing, for the empty set). A
    checklist is an object, or text that is one in JSON or has one `field: value` a line. Raises Invalid.
    """
    if answers.kind == "number":
        reference_number(str(cell), answers.numbers)
        return RIGHT
    if answers.kind == "text":
        _check_text(answers, cell)
        return RIGHT
    if isinstance(cell, Mapping):
        return encode(
            answers, {str(name): value if isinstance(value, bool) else str(value) for name, value in cell.items()}
        )
    if isinstance(cell, list | tuple):
        return encode(answers, [str(one) for one in cell])
    return _read(answers, "" if cell is None else str(cell))


def _read(answers: Answers, cell: str) -> int:
    if answers.kind == "labels" and not cell.strip():
        return 0
    is_object = answers.kind == "fields" and cell.lstrip().startswith("{")
    found = reader(answers, AnswerFormat("json") if is_object else AnswerFormat()).read(cell)
    if found.why:
        raise Invalid(found.why.replace("the reply", "the reference"))
    return found.code


def _check_text(answers: Answers, cell: Any) -> None:
    if answers.is_extraction:
        expected_texts(cell, [one.name for one in answers.fields], answers.texts.separated)
        return
    if answers.texts.match == "facts":
        facts_of(str(cell))
    is_pattern = answers.texts.match == "regex"
    for one in accepted(cell, answers.texts.separated and not is_pattern):
        if is_pattern:
            pattern(one)
