"""Reads replies in plain words or codes: one label, a set of labels, or a checklist line by line."""

import re
from collections.abc import Callable, Iterable, Sequence

from app.domain.answercodes import NO_LABEL, mask_of, name_of, number_of, sizes_of
from app.domain.answers import comparable
from app.domain.answerspace import Answers, Field
from app.domain.formats import AnswerFormat, codes_of
from app.domain.readers.readings import Reading, Reference, Unreadable, quoted, unreadable

_LEADING = re.compile(r"[\s*_`]*(answer|labels?|ответ|метки|codes?)[\s*_`]*:", re.IGNORECASE)
_BULLET = re.compile(r"\s*(?:\(?[0-9]{1,2}[.)]\s+(?![0-9\s])|[-*•–—]\s+)")
_EMPTY_SETS = frozenset({"none", "нет", "[]"})
_LONGEST_LIST = 20_000
YES_NO_WORDS = {"true": "true", "yes": "true", "да": "true", "false": "false", "no": "false", "нет": "false"}


def value_table(one: Field, fold: Callable[[str], str]) -> dict[str, int]:
    """The index of each value by how replies may write it; yes/no fields know yes and no in two languages."""
    table = {fold(value): index for index, value in enumerate(one.values)}
    if one.is_yes_no:
        table.update({word: table[value] for word, value in YES_NO_WORDS.items()})
    return table


def _spellings(answers: Answers, form: AnswerFormat) -> list[tuple[str, int]]:
    """(comparable text, index) of everything that stands for a label alone: its name, or its code, also beside it."""
    if form.how != "codes":
        return [(comparable(name), index) for index, name in enumerate(answers.names)]
    pairs = enumerate(zip(codes_of(answers), answers.names, strict=True))
    ways = ("{0}", "{0}: {1}", "{0}. {1}", "{0}) {1}", "({0}) {1}")
    return [(comparable(way.format(code, name)), index) for index, (code, name) in pairs for way in ways]


def _nature(form: AnswerFormat) -> str:
    return "code" if form.how == "codes" else "label"


class LabelReader:
    """One label or its code, alone."""

    def __init__(self, answers: Answers, form: AnswerFormat) -> None:
        self._what = _nature(form)
        readings = [Reading(index, value=name) for index, name in enumerate(answers.names)]
        self._known = {text: readings[index] for text, index in _spellings(answers, form)}

    def read(self, reply: str, reference: Reference = None) -> Reading:
        found = self._known.get(reply) or self._known.get(comparable(_short(reply)))
        if found is not None:
            return found
        if not reply.strip():
            return unreadable("the reply is empty")
        return unreadable(f"{quoted(reply)} is not one {self._what} alone")


def _short(reply: str) -> str:
    """The reply, or nothing in place of one so long that it cannot be a label alone."""
    return reply if len(reply) <= _LONGEST_LIST or len(reply := reply.strip()) <= _LONGEST_LIST else ""


class SetReader:
    """Labels or codes with commas, semicolons, line ends or bullets between them; "none" alone is the empty set."""

    def __init__(self, answers: Answers, form: AnswerFormat) -> None:
        self._answers, self._what = answers, _nature(form)
        spellings = _spellings(answers, form)
        self._known = dict(spellings)
        between = "".join(mark for mark in ",;" if not any(mark in name for name in answers.names))
        self._between = re.compile(f"[{between}\\n]")

    def read(self, reply: str, reference: Reference = None) -> Reading:
        try:
            code = mask_of(self._indices(reply))
        except Unreadable as fault:
            return unreadable(str(fault))
        return Reading(code, value=name_of(self._answers, code))

    def _indices(self, reply: str) -> list[int]:
        text = _body(reply, _LEADING)
        if text.strip("\"'`.* \n").casefold() in _EMPTY_SETS and comparable(text) not in self._known:
            return []
        pieces = [piece for piece in self._between.split(text) if piece.strip("\"'`[]. \t\r")]
        if not pieces:
            raise Unreadable(f"the reply names no {self._what}, nor {NO_LABEL}")
        return [self._index(piece) for piece in pieces]

    def _index(self, piece: str) -> int:
        index = self._known.get(comparable(piece))
        if index is None:
            index = self._known.get(comparable(_BULLET.sub("", piece, count=1)))
        if index is None:
            raise Unreadable(f"{quoted(piece)} is no {self._what}")
        return index


class LinesReader:
    """A checklist with one `field: value` a line or between semicolons, each field once and nothing else."""

    def __init__(self, answers: Answers) -> None:
        self._answers, self._sizes = answers, sizes_of(answers)
        self._fields = [(one.name, value_table(one, comparable)) for one in answers.fields]
        self._names = [one.name for one in answers.fields]
        self._between = _line_ends(answers.fields)

    def read(self, reply: str, reference: Reference = None) -> Reading:
        try:
            given = the_lines(reply, self._names, self._between)
            digits = [_digit(name, given[comparable(name)], table) for name, table in self._fields]
        except Unreadable as fault:
            return unreadable(str(fault))
        code = number_of(digits, self._sizes)
        return Reading(code, value=name_of(self._answers, code))


def _line_ends(fields: Sequence[Field]) -> "re.Pattern[str]":
    written = [text for one in fields for text in (one.name, *one.values)]
    return re.compile(r"[;\n]" if not any(";" in text for text in written) else r"\n")


def _digit(name: str, value: str, table: dict[str, int]) -> int:
    index = table.get(comparable(value))
    if index is None:
        raise Unreadable(f"{quoted(value)} is no value of the field {name}")
    return index


LINE_END = re.compile(r"\n")
_HEADING = re.compile(r"[\s*_`]*(answer|ответ)[\s*_`]*:[\s*_`]*\n", re.IGNORECASE)


def the_lines(reply: str, names: Iterable[str], between: "re.Pattern[str]" = LINE_END) -> dict[str, str]:
    """The text of every field by its comparable name. Raises Unreadable when one is missing, twice or unknown."""
    wanted, given = {comparable(name): name for name in names}, dict[str, str]()
    for line in between.split(_body(reply, _HEADING)):
        if not line.strip(" \t\r`"):
            continue
        name, colon, value = line.partition(":")
        key = comparable(_BULLET.sub("", name, count=1))
        if not colon or key not in wanted:
            raise Unreadable(f"{quoted(line)} is not of the form field: value")
        if key in given:
            raise Unreadable(f"the field {wanted[key]} is given twice")
        given[key] = value
    missing = [name for key, name in wanted.items() if key not in given]
    if missing:
        raise Unreadable(f"the field {missing[0]} is missing")
    return given


def _body(reply: str, heading: "re.Pattern[str]") -> str:
    """The reply without blanks around it and a word such as "Answer:" before it."""
    text = reply.strip()
    if not text:
        raise Unreadable("the reply is empty")
    if len(text) > _LONGEST_LIST:
        raise Unreadable(f"the reply is longer than {_LONGEST_LIST:,} characters")
    found = heading.match(text)
    return text[found.end() :] if found else text
