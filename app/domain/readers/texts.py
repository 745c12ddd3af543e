"""Reads a short text and scores it: equal to a reference, holding it, of a form, or several texts by their fields."""

import json
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from app.domain.answercodes import RIGHT, UNGRADED, WRONG
from app.domain.answers import comparable
from app.domain.answerspace import Answers
from app.domain.formats import AnswerFormat
from app.domain.readers.lists import the_lines
from app.domain.readers.objects import folded, the_object
from app.domain.readers.patterns import Pattern, compiled
from app.domain.readers.readings import Reading, Reference, Unreadable, kept, unreadable
from app.domain.readers.structured import held, plain
from app.errors import Invalid

LONGEST_TEXT = 20_000
_LEADING = re.compile(r"^[\s*_`]{0,9}(?:answer|ответ)[\s*_`]{0,9}:[\s*_`]{0,9}", re.IGNORECASE)
_QUOTES = {'"': '"', "'": "'", "“": "”", "„": "“", "«": "»", "‘": "’", "`": "`", "*": "*", "(": ")"}
_OPTION = re.compile(r"\([^\W_]{1,2}\)")
_END = ".,;:!?…"


def normalised(text: str) -> str:
    """A short answer without what makes no difference: width of letters, case, blanks, quotes around, marks at its end.

    A leading "Answer:" or "Ответ:" goes too, and the brackets of an option such as (A). Raised digits, fractions and
    circled numbers stay what they are: their plain form would be another number. A text of marks alone is kept.
    """
    text = " ".join(_narrow(text).casefold().split())
    alone = _LEADING.sub("", text, count=1).strip()
    bare = _bare(alone)
    return bare if any(character.isalnum() for character in bare) else alone or _bare(text)


def _narrow(text: str) -> str:
    if text.isascii():
        return text
    if not any(unicodedata.category(character) == "No" for character in text):
        return unicodedata.normalize("NFKC", text)
    return "".join(
        character if unicodedata.category(character) == "No" else unicodedata.normalize("NFKC", character)
        for character in unicodedata.normalize("NFC", text)
    )


_MOST_LAYERS = 10  # of quotes within quotes


def _bare(text: str) -> str:
    """Without the quotes around the whole and the marks at the end, however they are nested."""
    first, last = 0, len(text)
    for _ in range(_MOST_LAYERS):
        while last > first and (text[last - 1] in _END or text[last - 1] == " "):
            last -= 1
        while first < last and text[first] == " ":
            first += 1
        if last - first < 2 or _QUOTES.get(text[first]) != text[last - 1] or not _is_around(text, first, last):
            return text[first:last]
        first, last = first + 1, last - 1
    return text[first:last]


def _is_around(text: str, first: int, last: int) -> bool:
    """Whether the marks at both ends belong together, as in «so» but not in "this" or "that"; brackets of options do."""
    if text[first] == "(":
        return _OPTION.fullmatch(text, first, last) is not None
    opening, closing, inner = text[first], text[last - 1], text[first + 1 : last - 1]
    if opening == closing:
        return opening not in inner.strip("*`")
    depth = 0
    for character in inner:
        depth += (character == opening) - (character == closing)
        if depth < 0:
            return False
    return depth == 0


class TextReader:
    """The whole reply, or the field `answer` of a JSON object, against one reference or several right ones.

    What a grader must grade is read whole and has no grade yet: its code is UNGRADED.
    """

    def __init__(self, answers: Answers, form: AnswerFormat) -> None:
        self._texts, self._is_json = answers.texts, form.how == "json"
        self._matches = _MATCHERS.get(answers.texts.match)

    def read(self, reply: str, reference: Reference = None) -> Reading:
        wanted = accepted(reference, self._texts.separated and self._texts.match != "regex")
        try:
            text = self.text(reply)
            if self._matches is None:
                return Reading(UNGRADED, value=kept(text))
            right = any(self._matches(text, one) for one in wanted)
        except Unreadable as fault:
            return unreadable(str(fault))
        return Reading(RIGHT if right else WRONG, value=kept(text), score=float(right))

    def text(self, reply: str) -> str:
        """The answer alone, as a grader is shown it. Raises Unreadable."""
        text = plain(held(the_object(reply), "answer")) if self._is_json else reply
        if text is None:
            raise Unreadable("the field answer holds no text")
        if not text.strip():
            raise Unreadable("the answer is empty" if self._is_json else "the reply is empty")
        return _short(text.strip())


def accepted(reference: Reference, separated: bool) -> tuple[str, ...]:
    """The right answers that a reference holds. Raises Invalid when there is none."""
    given = reference if isinstance(reference, Sequence) and not isinstance(reference, str) else [reference]
    texts = [str(one) for one in given if one is not None and not isinstance(one, Mapping)]
    found = tuple(part.strip() for one in texts for part in (one.split("|") if separated else [one]) if part.strip())
    if not found:
        raise Invalid("the reference is empty: it must hold the text of a right answer")
    return found


@lru_cache(maxsize=4096)
def _wanted(reference: str) -> str:
    return normalised(reference)


def _equals(text: str, reference: str) -> bool:
    return text == reference or normalised(text) == _wanted(reference)


def _contains(text: str, reference: str) -> bool:
    """Whether the words of the reference stand in the text, not as a part of longer words or numbers."""
    whole, part = normalised(text), _wanted(reference)
    place = whole.find(part)
    while place >= 0:
        end = place + len(part)
        if not _runs_on(whole, place, place - 1) and not _runs_on(whole, end - 1, end):
            return True
        place = whole.find(part, place + 1)
    return False


def _runs_on(text: str, inside: int, outside: int) -> bool:
    """Whether a word or number goes on over the edge between two neighbouring places."""
    if not 0 <= outside < len(text):
        return False
    if text[inside].isalnum() and text[outside].isalnum():
        return True
    beyond = 2 * outside - inside
    joins = text[outside] in ".,-/" and 0 <= beyond < len(text) and text[beyond].isdigit()
    return text[inside].isdigit() and (joins or (outside < inside and text[outside] in "-−."))


def _searches(text: str, reference: str) -> bool:
    return pattern(reference).search(text)


@lru_cache(maxsize=256)
def pattern(reference: str) -> Pattern:
    """The pattern of a reference. Raises Invalid."""
    return compiled(reference)


def _short(text: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise Unreadable(f"the answer is longer than {LONGEST_TEXT:,} characters")
    return text


_MATCHERS: dict[str, Callable[[str, str], bool]] = {"exact": _equals, "contains": _contains, "regex": _searches}


class ExtractionReader:
    """Several texts by their fields, from JSON or lines; the score is the share of fields that are right."""

    def __init__(self, answers: Answers, form: AnswerFormat) -> None:
        self._names = [one.name for one in answers.fields]
        self._separated, self._is_json = answers.texts.separated, form.how == "json"

    def read(self, reply: str, reference: Reference = None) -> Reading:
        wanted = expected_texts(reference, self._names, self._separated)
        try:
            given = self._texts(reply)
        except Unreadable as fault:
            return unreadable(str(fault))
        right = sum(_is_among(text, one) for text, one in zip(given, wanted, strict=True))
        value = kept(" · ".join(f"{name}: {text}" for name, text in zip(self._names, given, strict=True)))
        return Reading(RIGHT if right == len(wanted) else WRONG, value=value, score=right / len(wanted))

    def _texts(self, reply: str) -> list[str]:
        if not self._is_json:
            lines = the_lines(reply, self._names)
            return [lines[comparable(name)].strip() for name in self._names]
        found = the_object(reply)
        return [_text_of(name, held(found, name)) for name in self._names]


def _text_of(name: str, value: object) -> str:
    """The text of one field; null says that the input does not tell it."""
    text = "" if value is None else plain(value)
    if text is None:
        raise Unreadable(f"the field {name} holds no text")
    return text.strip()


def _is_among(text: str, wanted: tuple[str, ...]) -> bool:
    return any(_equals(text, one) for one in wanted) if text and wanted else not text and not wanted


def expected_texts(reference: Reference, names: Sequence[str], separated: bool) -> list[tuple[str, ...]]:
    """The right texts of each field, none where the input does not tell it; also from an object in JSON text.

    Raises Invalid when a field is missing.
    """
    given = _object_of(reference)
    values = {folded(str(name)): value for name, value in given.items()}
    missing = [name for name in names if folded(name) not in values]
    if missing:
        raise Invalid(f"the reference lacks the field {missing[0]}")
    return [_right_texts(values[folded(name)], separated) for name in names]


def _object_of(reference: Reference) -> Mapping[str, object]:
    try:
        given = json.loads(reference) if isinstance(reference, str) else reference
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, Mapping):
        raise Invalid("the reference must be a JSON object with a text for every field")
    return given


def _right_texts(value: object, separated: bool) -> tuple[str, ...]:
    if value is None or not str(value).strip():
        return ()
    if isinstance(value, bool):
        return (str(value).lower(),)
    if isinstance(value, list | tuple):
        return accepted(value, separated)
    return accepted(str(value), separated)
