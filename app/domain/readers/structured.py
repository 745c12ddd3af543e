"""Reads replies that are one JSON object: the verdict fields of a closed kind, and the confidence that is stated."""

from decimal import Decimal

from app.domain.answercodes import mask_of, name_of, number_of, sizes_of
from app.domain.answerspace import Answers, Field
from app.domain.formats import CONFIDENCE, AnswerFormat, verdicts
from app.domain.readers.lists import value_table
from app.domain.readers.objects import Object, folded, the_object
from app.domain.readers.readings import Reading, Reference, Unreadable, quoted, unreadable

_LONGEST_WHOLE = 30
_YES_NO = Field("", ("false", "true"))


def plain(value: object) -> str | None:
    """A JSON text, truth value or number as text; None for null, lists and objects."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, Decimal):
        return None
    whole = abs(value.adjusted()) < _LONGEST_WHOLE and value == value.to_integral_value()
    return str(int(value)) if whole else str(value)


def held(found: Object, name: str) -> object:
    """What the object holds under a name. Raises Unreadable when it holds nothing there."""
    try:
        value: object = found[folded(name)]
    except KeyError:
        raise Unreadable(f"the field {name} is missing") from None
    return value


class ObjectReader:
    """A label, a set of labels as one truth value each, or a checklist, validated against their values."""

    def __init__(self, answers: Answers, form: AnswerFormat) -> None:
        self._answers, self._sizes = answers, sizes_of(answers)
        self._states = form.probabilities == "stated"
        self._tables = list(zip(verdicts(answers), _tables(answers), strict=True))

    def read(self, reply: str, reference: Reference = None) -> Reading:
        try:
            found = the_object(reply)
            digits = [_digit(found, name, table) for name, table in self._tables]
        except Unreadable as fault:
            return unreadable(str(fault))
        code = self._code(digits)
        stated = self._stated(found) if self._states else ()
        return Reading(code, value=name_of(self._answers, code), stated=stated)

    def _code(self, digits: list[int]) -> int:
        if self._answers.kind == "labels":
            return mask_of(bit for bit, digit in enumerate(digits) if digit)
        return number_of(digits, self._sizes) if self._answers.kind == "fields" else digits[0]

    def _stated(self, found: Object) -> tuple[float, ...]:
        given = found.get(CONFIDENCE)
        if self._answers.kind == "label":
            values = [given]
        elif isinstance(given, dict):
            values = [given.get(folded(name)) for name, _ in self._tables]
        else:
            return ()
        shares = [float(value) for value in values if isinstance(value, Decimal) and 0 <= value <= 1]
        return tuple(shares) if len(shares) == len(values) else ()


def _tables(answers: Answers) -> list[dict[str, int]]:
    if answers.kind == "label":
        return [{folded(name): index for index, name in enumerate(answers.names)}]
    if answers.kind == "labels":
        return [value_table(_YES_NO, folded)] * len(answers.labels)
    return [value_table(one, folded) for one in answers.fields]


def _digit(found: Object, name: str, table: dict[str, int]) -> int:
    value = held(found, name)
    text = plain(value)
    index = None if text is None else table.get(folded(text))
    if index is None:
        said = "null, a list or an object" if text is None else quoted(text)
        raise Unreadable(f"{said} is no value of the field {name}")
    return index
