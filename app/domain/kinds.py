"""Guesses what kind of answers a column of a labelled file holds."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from app.domain.answerspace import Kind
from app.domain.cells import absent, one_line, spoken
from app.domain.rightanswers import MARKS, as_object, is_array, is_number

SETS = ("labels", "tags", "categories", "classes", "intents", "topics",
        "метки", "теги", "категории", "классы", "намерения", "интенты", "темы")  # fmt: skip
REFERENCES = ("reference", "эталон")
OPEN = (*REFERENCES, "answer", "expected", "target", "output", "gold",
        "эталонный ответ", "правильный ответ", "верный ответ", "ожидаемый ответ", "ответ", "вывод")  # fmt: skip
_FEW = 10
_SHORT = 80  # characters: a label on a mean, not a text


def guess_kind(name: str, values: Sequence[Any]) -> Kind:
    """By what the column holds, and where several would do by its name; a person may choose otherwise."""
    given = [value for value in values if value is not None]
    plain_name = spoken(name.rsplit(".", 1)[-1])
    lists = sum(isinstance(value, list) for value in given)
    if 2 * lists > len(given) or (lists and plain_name in SETS):
        return "labels"
    if given and all(as_object(value) is not None for value in given[:100]):
        return "fields"
    if plain_name in SETS and _looks_like_sets(given):
        return "labels"
    return _open_kind(plain_name, given) if plain_name in OPEN else "label"


def _looks_like_sets(values: Collection[Any]) -> bool:
    """Whether texts hold several labels, or none: an empty cell is an answer only where others hold several."""
    texts = [value for value in values if isinstance(value, str)]
    return any(mark in text for text in texts for mark in MARKS) or any(map(is_array, texts))


def _open_kind(name: str, values: Sequence[Any]) -> Kind:
    """A few values again and again are labels, unless the column's name says that they are references."""
    present = [value for value in values if not absent(value)]
    if any(not isinstance(value, str | int | float) for value in present):
        return "label"
    different = {one_line(value) for value in present}
    repeats = 2 * len(different) <= len(present)
    if present and all(is_number(value) for value in present):
        few = len(different) <= _FEW and 5 * len(different) <= len(present)
        return "label" if few and name not in REFERENCES else "number"
    mean = sum(map(len, different)) / max(1, len(different))
    return "label" if name not in REFERENCES and repeats and mean <= _SHORT else "text"


def yes_no_columns(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The columns that hold true or false in every row, where there are two or more of them."""
    found = tuple(name for name in columns if rows and all(_truth(row.get(name)) for row in rows))
    return found if len(found) > 1 else ()


def _truth(value: Any) -> bool:
    return isinstance(value, bool) or (isinstance(value, str) and value.strip().casefold() in ("true", "false"))
