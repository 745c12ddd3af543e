"""Reads the right answer of a row, whatever kind of answer it is: a label, a set, a checklist, a number, a text."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from app.domain.answerspace import Numbers
from app.domain.cells import absence, absent, cell, one_line, plain
from app.domain.prompts import clean
from app.domain.readers.finals import reference_number
from app.errors import Invalid

Reference = str | tuple[str, ...] | tuple[tuple[str, str], ...]

LONGEST_LABEL, LONGEST_TEXT = 200, 2_000
MARKS = ("|", ";", ",")
_TRUE, _FALSE = ("true", "yes", "да"), ("false", "no", "нет")
_NUMBER_ALONE = re.compile(r"[-+\u2212]?[$€£₽]?[0-9.,\u00a0\u202f ]*[0-9](?:[eE][-+]?[0-9]{1,3})?\s?[%$€£₽]?")
_NOT_ONE = "is not one label (text, number, true or false)"


class Unusable(ValueError):
    """Why a cell is no reference; `column` is where it stands."""

    def __init__(self, message: str, column: str) -> None:
        super().__init__(message)
        self.column = column


def is_number(value: Any) -> bool:
    """Whether a cell holds a number and nothing else but a sign of money or percent."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return False
    text = plain(value).strip()
    return _NUMBER_ALONE.fullmatch(text) is not None and _can_be_read(text)


def _can_be_read(text: str) -> bool:
    try:
        reference_number(text, Numbers())
    except Invalid:
        return False
    return True


def mark_of(values: Iterable[Any]) -> str:
    """What stands between the labels of a set written as text: the strongest mark that occurs in the column."""
    found = {
        mark for value in values if isinstance(value, str) and not is_array(value) for mark in MARKS if mark in value
    }
    return next((mark for mark in MARKS if mark in found), MARKS[-1])


def is_array(text: str) -> bool:
    return text.lstrip().startswith("[") and text.rstrip().endswith("]")


def read_label(values: Mapping[str, Any], column: str) -> str:
    """Raises Unusable, as all of these do."""
    value = values.get(column) if column in values else cell(values, column)
    if absent(value) or not isinstance(value, str | int | float):
        raise Unusable(absence(value) or _NOT_ONE, column)
    if len(plain(value)) > LONGEST_LABEL:
        raise Unusable(f"is longer than {LONGEST_LABEL} characters, too long for a label", column)
    return one_line(value)


def read_set(values: Mapping[str, Any], column: str, mark: str) -> tuple[str, ...]:
    """The labels of a set, each once, in the order of their names; an empty array or an empty text is the empty set."""
    value = cell(values, column)
    if value is None:
        raise Unusable("is missing; write [] or nothing between the marks for an answer without labels", column)
    names = []
    for one in _listed(value, column, mark):
        if absent(one) or not isinstance(one, str | int | float):
            raise Unusable("holds something that is not a label (text, number, true or false)", column)
        if len(plain(one)) > LONGEST_LABEL:
            raise Unusable(f"holds a label of more than {LONGEST_LABEL} characters", column)
        names.append(one_line(one))
    return tuple(sorted(set(names)))


def _listed(value: Any, column: str, mark: str) -> list[Any]:
    if isinstance(value, str) and is_array(value):
        try:
            value = _decoded(value)
        except (ValueError, RecursionError):
            raise Unusable("begins like a JSON array, but is none", column) from None
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        raise Unusable("is an object, not a list of labels", column)
    return [part for part in plain(value).split(mark) if part.strip()]


def read_fields(values: Mapping[str, Any], column: str, fields: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """(field, value) pairs in the order of `fields`, from columns of these names or from one column of objects."""
    held = _object(values, column) if column else values
    pairs = []
    for name in fields:
        value = held.get(name) if column else cell(values, name)
        where = f"{column}.{name}" if column else name
        if absent(value) or not isinstance(value, str | int | float):
            raise Unusable(absence(value) or "is not one value (text, number, true or false)", where)
        if len(plain(value)) > LONGEST_LABEL:
            raise Unusable(f"is longer than {LONGEST_LABEL} characters, too long for a value", where)
        pairs.append((name, one_line(value)))
    return tuple(pairs)


def _decoded(text: str) -> Any:
    """JSON that stands in a cell, cleaned: its escapes may bring in what no database keeps."""
    return _cleaned(json.loads(text))


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)[0]
    if isinstance(value, dict):
        return {clean(name)[0]: _cleaned(inner) for name, inner in value.items()}
    return [_cleaned(inner) for inner in value] if isinstance(value, list) else value


def _object(values: Mapping[str, Any], column: str) -> Mapping[str, Any]:
    value = cell(values, column)
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = _decoded(value)
        except (ValueError, RecursionError):
            raise Unusable("begins like a JSON object, but is none", column) from None
    if not isinstance(value, dict):
        raise Unusable(absence(value) or "is not a JSON object of fields and their values", column)
    return value


def as_object(value: Any) -> Mapping[str, Any] | None:
    """The object that a cell holds, also written as text; None where it holds none."""
    try:
        return _object({"": value}, "")
    except Unusable:
        return None


def read_number(values: Mapping[str, Any], column: str) -> str:
    value = cell(values, column)
    if absent(value) or not isinstance(value, str | int | float) or isinstance(value, bool):
        raise Unusable(absence(value) or "is not a number", column)
    text = one_line(value)
    if len(text) > LONGEST_LABEL or not _can_be_read(text):
        raise Unusable("is not a number", column)
    return text


def read_text(values: Mapping[str, Any], column: str) -> str:
    value = cell(values, column)
    if absent(value) or not isinstance(value, str | int | float):
        raise Unusable(absence(value) or "is not a text", column)
    if len(plain(value)) > LONGEST_TEXT:
        raise Unusable(f"is longer than {LONGEST_TEXT:,} characters, too long for a short reference answer", column)
    return plain(value).strip()


def yes_no(values: Iterable[str]) -> dict[str, str] | None:
    """How a yes/no field writes its values, by `true` and `false`; None where it is no such field."""
    ways = {value: value.casefold() for value in values}
    if not ways or not all(way in _TRUE or way in _FALSE for way in ways.values()):
        return None
    return {value: "true" if way in _TRUE else "false" for value, way in ways.items()}


def in_words(reference: Reference) -> str:
    """As people read it: "spam, angry", "none", "tone: rude, spam: true"."""
    if isinstance(reference, str):
        return reference
    return ", ".join(part if isinstance(part, str) else f"{part[0]}: {part[1]}" for part in reference) or "none"


def parts_of(reference: Reference, *, closed: bool = True) -> Iterator[str]:
    """What is counted of an answer: its label, its labels, or its values by field; nothing where answers are open."""
    if not closed:
        return
    if isinstance(reference, str):
        yield reference
        return
    for part in reference:
        yield part if isinstance(part, str) else f"{part[0]}: {part[1]}"
