"""Finds the number that a reply marks as its final answer, and scores it against the reference."""

import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from itertools import islice

from app.domain.answercodes import RIGHT, WRONG
from app.domain.answerspace import Answers, Numbers
from app.domain.formats import AnswerFormat, verdicts
from app.domain.readers.objects import the_object
from app.domain.readers.quantities import bounded, same, the_number, written_plainly
from app.domain.readers.readings import Reading, Reference, Unreadable, unreadable
from app.domain.readers.structured import held
from app.errors import Invalid

_START = r"(?:^[ \t*_#>`-]{0,8}"
_ENGLISH = rf"{_START}|\b(?:the|my)\s)(?:(?:final|correct)\s)?answer[*_ ]{{0,4}}(?:is\b\s?:?|[:=])"
_RUSSIAN = (
    rf"{_START}|\b(?:мой|итак,?|образом,?|итоговый|окончательный|правильный)\s)(?:(?:итоговый|окончательный|правильный)\s)?"
    r"ответ[*_ ]{0,4}(?:[:=]|[—–-]\s)"
)
_MARK = re.compile(rf"(?:####|{_ENGLISH}|{_RUSSIAN})[\s*_`]{{0,9}}", re.IGNORECASE | re.MULTILINE)
_BOXED = re.compile(r"\\boxed\s?\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}")
_SENTENCE_END = re.compile(r"(?<=[.!])\s(?=[A-ZА-ЯЁ])")
_DIGIT = re.compile(r"\d")
_RUN = re.compile(r"\d+")
_WORDS = ("####", "answer", "ответ", "\\boxed")
_LONGEST_LINE = 2_000
_MOST_MARKS = 100


def final_number(reply: str, options: Numbers) -> Decimal:
    """The number that is marked as the answer, or that the whole reply is. Raises Unreadable.

    Marks are "####", "Answer:", "The answer is", "Ответ:" and \\boxed{}; after the words the rest of the line or
    sentence must be one number with its unit. Several marks must name the same number, and the last one must name it.
    """
    pieces = list(_pieces(reply))
    if not pieces:
        return _alone(reply, options)
    numbers = {the_number(piece, options) for piece in pieces}
    if len(numbers) > 1:
        raise Unreadable("the reply marks two different numbers as its final answer")
    return numbers.pop()


def _pieces(reply: str) -> list[str]:
    """What the marks say, in their order; before the last one headings and marks without any digit say nothing.

    Of marks one right after the other, as in "Final answer: The answer is 5", the last one counts.
    """
    lower = reply.lower()
    if not any(word in lower for word in _WORDS):
        return []
    found_marks = list(islice(_MARK.finditer(reply), _MOST_MARKS + 1))
    if len(found_marks) > _MOST_MARKS:
        raise Unreadable(f"the reply marks a final answer more than {_MOST_MARKS} times")
    starts = {found.start() for found in found_marks}
    marks = [
        (found.end(), found[0][0] == "#", _line(reply, found.end()))
        for found in found_marks
        if found.end() not in starts
    ]
    marks += [(found.start(1), False, found[1]) for found in _BOXED.finditer(reply)]
    marks.sort()
    *earlier, last = marks or [(0, False, "")]
    said = [mark for mark in earlier if _DIGIT.search(mark[2]) and not (mark[1] and mark[2][:1].isalpha())]
    lines = [_BOXED.sub(r"\1", line) for _, _, line in ([*said, last] if marks else [])]
    return [_SENTENCE_END.split(line, maxsplit=1)[0] for line in lines]


def _line(reply: str, start: int) -> str:
    end = reply.find("\n", start, start + _LONGEST_LINE)
    return reply[start : start + _LONGEST_LINE if end < 0 else end]


def _alone(reply: str, options: Numbers) -> Decimal:
    text = reply.strip()
    if not text:
        raise Unreadable("the reply is empty")
    try:
        return the_number(text, options)
    except Unreadable:
        runs = {found[0] for found, _ in zip(_RUN.finditer(text), range(100), strict=False)}
        if len(runs) > 1 and len(text) > 20:
            raise Unreadable("the reply holds several numbers and marks none as its final answer") from None
        raise


def _in_object(reply: str, name: str, options: Numbers) -> Decimal:
    value = held(the_object(reply), name)
    if isinstance(value, Decimal):
        return bounded(value)
    if isinstance(value, str):
        return the_number(value, options)
    raise Unreadable(f"the field {name} holds no number")


@lru_cache(maxsize=4096)
def reference_number(reference: str, options: Numbers) -> Decimal:
    """The number of a reference. Raises Invalid."""
    try:
        return the_number(reference, options)
    except Unreadable as fault:
        raise Invalid(f"the reference is no number: {fault}") from None


class NumberReader:
    """A number, right when it differs from the reference by no more than the tolerance."""

    def __init__(self, answers: Answers, form: AnswerFormat) -> None:
        self._options = answers.numbers
        name = verdicts(answers)[0]
        self._find: Callable[[str], Decimal] = (
            (lambda reply: _in_object(reply, name, answers.numbers))
            if form.how == "json"
            else (lambda reply: final_number(reply, answers.numbers))
        )

    def read(self, reply: str, reference: Reference = None) -> Reading:
        wanted = reference_number(str(reference), self._options)
        try:
            number = self._find(reply)
        except Unreadable as fault:
            return unreadable(str(fault))
        right = same(number, wanted, self._options)
        return Reading(RIGHT if right else WRONG, value=written_plainly(number), score=float(right))
