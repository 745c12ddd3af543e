"""One integer for every answer: the code that outputs, references and metrics share, and its way back.

Kind `label`: the label's index. `labels`: a bitmask, bit i for label i. `fields`: mixed radix, the first field the
least significant digit, each digit the index of a value. `number` and `text`: 0 right, 1 wrong, so the expected code
is always 0. In every kind -1 is an unreadable reply: a class of its own that is always wrong. -2 is a text that its
grader gave no grade: it is in no mean, and counted.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.domain.answers import comparable
from app.domain.answerspace import Answers, Field, combinations
from app.domain.findings import Findings
from app.errors import Invalid

UNREADABLE, UNGRADED = -1, -2
RIGHT, WRONG = 0, 1
UNREADABLE_NAME, UNGRADED_NAME = "unreadable", "no grade"
NO_LABEL = "none"

Value = str | Iterable[str] | Mapping[str, str | bool]


def how_many(answers: Answers) -> int:
    """How many codes there are, the unreadable one not counted: codes run from 0 to one less."""
    if answers.kind == "label":
        return len(answers.labels)
    if answers.kind == "labels":
        return 1 << len(answers.labels)
    return combinations(answers.fields) if answers.kind == "fields" else 2


def encode(answers: Answers, value: Value) -> int:
    """The code of an answer of a closed kind: a label, several labels, or a value for every field by its name.

    Names are compared as replies are: case, blanks and marks at the ends do not matter.
    Raises Invalid, naming what is unknown, missing or too much.
    """
    if answers.kind == "label":
        return _index(answers.names, str(value), "label")
    if answers.kind == "labels":
        names = [value] if isinstance(value, str) else list(value)
        return mask_of(_index(answers.names, name, "label") for name in names)
    if answers.kind == "fields" and isinstance(value, Mapping):
        return _encode_fields(answers.fields, value)
    raise Invalid(f"an answer of kind {answers.kind} cannot be coded from {type(value).__name__}")


def mask_of(indices: Iterable[int]) -> int:
    mask = 0
    for index in indices:
        mask |= 1 << index
    return mask


def number_of(digits: Sequence[int], sizes: Sequence[int]) -> int:
    """The mixed-radix number of a checklist's digits, the first the least significant."""
    code = 0
    for digit, size in zip(reversed(digits), reversed(sizes), strict=True):
        code = code * size + digit
    return code


def parted(code: Any, sizes: Sequence[int]) -> list[Any]:
    """The digits that `number_of` made a code of: of one code, or of an array of them an array for each digit."""
    digits = []
    for size in sizes:
        digits.append(code % size)
        code = code // size
    return digits


def sizes_of(answers: Answers) -> tuple[int, ...]:
    """How many values each digit has: that of a label, one a label of a set, one a field; right or wrong else."""
    if answers.kind == "labels":
        return (2,) * len(answers.labels)
    return tuple(len(one.values) for one in answers.fields) if answers.kind == "fields" else (how_many(answers),)


def _index(names: Sequence[str], wanted: str, what: str) -> int:
    text = comparable(wanted)
    for index, name in enumerate(names):
        if name == wanted or comparable(name) == text:
            return index
    known = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
    raise Invalid(f"{wanted[:80]!r} is no {what} here; there are: {known}")


def _encode_fields(fields: Sequence[Field], value: Mapping[str, str | bool]) -> int:
    findings, digits = Findings(), []
    given = {comparable(name): text for name, text in value.items()}
    for one in fields:
        text = given.pop(comparable(one.name), None)
        if text is None:
            findings.add("has no value", f"field {one.name}")
            continue
        try:
            digits.append(_index(one.values, str(text), "value"))
        except Invalid as fault:
            findings.add(str(fault), f"field {one.name}")
    for name in given:
        findings.add("is no field here", name)
    findings.settle()
    return number_of(digits, [len(one.values) for one in fields])


def digits_of(answers: Answers, code: int) -> tuple[int, ...]:
    """One number per digit: the label's index; 0 or 1 for each label of a set; the value's index for each field.

    Raises ValueError when it is no code of these answers; the unreadable code has no digits and is refused too.
    """
    if not 0 <= code < how_many(answers):
        raise ValueError(f"{code} is no code of these answers: they run from 0 to {how_many(answers) - 1}")
    return tuple(parted(code, sizes_of(answers)))


def decode(answers: Answers, code: int) -> str | tuple[str, ...] | dict[str, str]:
    """The answer of a closed kind as `encode` takes it. Raises ValueError as `digits_of` does."""
    digits = digits_of(answers, code)
    if answers.kind == "label":
        return answers.labels[code].name
    if answers.kind == "labels":
        return tuple(label.name for label, digit in zip(answers.labels, digits, strict=True) if digit)
    if answers.kind == "fields":
        return {one.name: one.values[digit] for one, digit in zip(answers.fields, digits, strict=True)}
    return ("right", "wrong")[code]


def name_of(answers: Answers, code: int) -> str:
    """A code as people read it: "spam, angry", "none", "tone: rude · spam: true", "unreadable"."""
    if code < 0:
        return UNGRADED_NAME if code == UNGRADED else UNREADABLE_NAME
    answer = decode(answers, code)
    if isinstance(answer, dict):
        return " · ".join(f"{name}: {value}" for name, value in answer.items())
    return answer if isinstance(answer, str) else ", ".join(answer) or NO_LABEL
