"""A form filled in by a simulated task model, its fields in the schema's order."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from dataclasses import field as made
from json import dumps, loads
from typing import Any

from app.practice import passages, short_answers
from app.practice.asked import Asked, form_in_words
from app.practice.chances import Choice, Draw, Step, certain, several, stated, taken
from app.practice.checklists import chances_of, truth
from app.practice.forms import Field
from app.practice.judging import Judge, among, judge
from app.practice.models import sighted
from app.practice.text_shapes import comparable, tokens
from app.practice.worked import find_worked, without

_QUOTE = re.compile(r"quote|excerpt|evidence|span|цитат", re.IGNORECASE)
_WHY = re.compile(r"reason|why|explan|rationale|thought|analysis|comment|объясн|почему", re.IGNORECASE)
_SURE = re.compile(r"confiden|probab|certain|sure|уверен", re.IGNORECASE)
_KEY = re.compile(r'"(?P<name>[^"\n]{1,40})"[ \t]*:[ \t]*(?P<bool>true|false)?')
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")
_YES_NO = {"true": "true", "yes": "true", "false": "false", "no": "false"}
_LONGEST_QUOTE = 120
_KEYS_AT_MOST = 12


def filled(name: str, asked: Asked, form: Field, draw: Draw) -> Iterator[Step]:
    """An object of the form; one whose fields are not told has those that the prompt names."""
    form = form if form.fields else form_in_words(asked.added) or _named_in(asked.instructions)
    yield from _Filler(name, asked, form.booleans, draw).value(form)


def lines(name: str, asked: Asked, fields: Sequence[Field], draw: Draw) -> Iterator[Step]:
    """A line `field: value` for each field, without quotes."""
    filler = _Filler(name, asked, Field("", "object", fields=tuple(fields)).booleans, draw)
    for number, field in enumerate(fields):
        yield certain(f"{'' if number == 0 else chr(10)}{field.name}: ")
        for step in filler.value(field):
            plain = tuple(_unquoted(text) for text in step.choice.texts)
            yield Step(Choice(plain, step.choice.chances, step.choice.likely), step.taken)


def _unquoted(text: str) -> str:
    return str(loads(text)) if text.startswith('"') else text


def _named_in(instructions: str) -> Field:
    told = without(instructions, find_worked(instructions))
    kinds = {match["name"]: "boolean" if match["bool"] else "string" for match in _KEY.finditer(told)}
    fields = [Field(name, "boolean" if kind == "boolean" else "string") for name, kind in kinds.items()]
    return Field("", "object", fields=tuple(fields[:_KEYS_AT_MOST]) or (Field("answer", "string"),))


@dataclass
class _Filler:
    """One reply on its way; of its `verdicts` by field, in their order, a later field may say how sure it is."""

    name: str
    asked: Asked
    booleans: tuple[str, ...]
    draw: Draw
    verdicts: dict[str, Step] = made(default_factory=dict)
    chances: dict[str, float] = made(default_factory=dict)

    @property
    def free(self) -> Judge:
        return judge(self.name, self.asked.instructions)

    def value(self, field: Field) -> Iterator[Step]:
        if field.kind == "object":
            yield from self._object(field)
        elif field.kind == "array":
            yield from self._array(field)
        elif field.kind == "values":
            yield self._decided(field.name, self._among(field.values))
        elif field.kind == "boolean":
            yield self._decided(field.name, self._truth(field.name))
        elif field.kind == "string":
            yield from self._text(field.name)
        else:
            yield self._number(field)

    def _object(self, field: Field) -> Iterator[Step]:
        yield certain("{")
        sure = _SURE.search(field.name) is not None
        for number, one in enumerate(field.fields):
            yield certain(f"{',' if number else ''}{_json(one.name)}:")
            yield from (self._stated(one, one.name),) if sure else self.value(one)
        yield certain("}")

    def _array(self, field: Field) -> Iterator[Step]:
        yield certain("[")
        if field.items is not None and field.items.kind == "values":
            labels = tuple(str(value) for value in field.items.values)
            told = self.asked.everything
            chances = chances_of(self.name, told, labels, self.asked.example)
            yield from several([_json(value) for value in field.items.values], chances, self.draw, ",", "")
        elif field.items is not None:
            yield from self.value(field.items)
        yield certain("]")

    def _decided(self, field: str, choice: Choice) -> Step:
        self.verdicts[field] = taken(choice, self.draw)
        return self.verdicts[field]

    def _stated(self, field: Field, of: str = "") -> Step:
        """The chance of a verdict, by default the last."""
        step = self.verdicts.get(of) or next(reversed(self.verdicts.values()), None)
        most = field.maximum or (1.0 if field.kind == "number" else 100.0)
        return certain(stated(step, most) if step else "0")

    def _among(self, values: tuple[Any, ...]) -> Choice:
        written = {str(value): _json(value) for value in values}
        choice = among(self.name, self.asked, tuple(written))
        return Choice(tuple(written[text] for text in choice.texts), choice.chances, choice.likely)

    def _truth(self, field: str) -> Choice:
        """By what is said of the answers yes and no, when that is all there is to say, else by what is said of the field."""
        told, text = self.asked.everything, self.asked.example
        meant = [_YES_NO.get(comparable(label)) for label in self.free.reading.labels]
        if sorted(map(str, meant)) == ["false", "true"] and len(self.free.reading.documents) > len(meant):
            return self.free.choice(text, [str(one) for one in meant])
        if not self.chances:
            self.chances = dict(zip(self.booleans, chances_of(self.name, told, self.booleans, text), strict=True))
        return truth(self.chances[field])

    def _text(self, field: str) -> Iterator[Step]:
        if _QUOTE.search(field):
            yield certain(_json(self._quote()))
        elif _WHY.search(field):
            yield certain(_json(self._why()))
        elif self.free.reading.labels:
            choice = self.free.choice(self.asked.example)
            yield self._decided(field, Choice(tuple(map(_json, choice.texts)), choice.chances, choice.likely))
        else:
            choice = self._short()
            yield taken(Choice(tuple(map(_json, choice.texts)), choice.chances, choice.likely), self.draw)

    def _short(self) -> Choice:
        told, text = self.asked.instructions, self.asked.example
        if passages.asked_for(told):
            return Choice((passages.passage(told, sighted(self.name, text)),), (1.0,), 0)
        if short_answers.ASKS_NUMBER.search(told):
            return short_answers.number(told, text)
        return short_answers.short(told, text)

    def _number(self, field: Field) -> Step:
        if field.kind == "null":
            return certain("null")
        if _SURE.search(field.name):
            return self._stated(field)
        choice = short_answers.number(self.asked.instructions, self.asked.example)
        texts = [_whole(text) if field.kind == "integer" else _numeric(text) for text in choice.texts]
        return taken(Choice(tuple(texts), choice.chances, choice.likely), self.draw)

    def _quote(self) -> str:
        """The sentence of the input with the most words that the instructions have too."""
        sentences = [one.strip() for one in _SENTENCE.findall(self.asked.example) if one.strip()]
        best = max(sentences, key=lambda one: len(self._shared(one)), default="")
        return best[:_LONGEST_QUOTE].strip()

    def _why(self) -> str:
        """What it noticed, without a word on the verdict: that is still open where the reasons come first."""
        noticed = self._shared(self.asked.example)[:2]
        if not noticed:
            return "Nothing in it speaks clearly for one answer."
        return f"It speaks of {' and of '.join(noticed)}."

    def _shared(self, text: str) -> list[str]:
        told = set(tokens(self.asked.instructions))
        return [word for word in dict.fromkeys(tokens(text)) if len(word) > 3 and word.isalpha() and word in told]


def _json(value: Any) -> str:
    return dumps(value, ensure_ascii=False)


def _numeric(text: str) -> str:
    try:
        return f"{float(text.replace(',', '')):.10g}"
    except ValueError:
        return "0"


def _whole(text: str) -> str:
    return str(round(float(_numeric(text))))
