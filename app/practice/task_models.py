"""How a simulated task model answers: in plain text, with several labels, with a number, or in a form."""

import hashlib
import re
from collections.abc import Iterator

from app.practice import passages, short_answers
from app.practice.asked import Asked, fields_in_words, form_in_words, read_asked
from app.practice.chances import Choice, Draw, Step, certain, said, several, taken
from app.practice.checklists import chances_of
from app.practice.fields import CUE
from app.practice.filling import filled, lines
from app.practice.forms import Field
from app.practice.judging import among, judge
from app.practice.models import BY_NAME, sighted

_CHATTER = (
    "I think this one is {label}, because it reads like the other messages of that kind.",
    "Sure! Having looked at it closely, I would say {label} fits best here.",
    "This looks like {label} to me, although one could argue about it.",
)
_UNKNOWN = "I do not know which answers are possible here."
_SEVERAL = re.compile(
    r"\b(?:all|every|each)(?: of)?(?: the| these)? ?(?:labels?|categor(?:y|ies)|tags?|options?)? ?(?:that|which) (?:appl|fit)"
    r"|comma[- ]separated|separated by commas?|(?:one|zero) or more|several (?:labels|categories|tags)"
    r"|через запятую|все подходящие",
    re.IGNORECASE,
)
_OWN_LINES = re.compile(r"on a line of its own|one (?:label )?(?:a|per) line", re.IGNORECASE)
_ANSWER_LINE = re.compile(r"[\"'`*]?\b(?:answer|ответ)\**:", re.IGNORECASE)


def likeliest(choice: Choice) -> int:
    return choice.likely


def answer(name: str, prompt: str) -> str:
    """What the task model called `name` says to a rendered prompt at temperature 0."""
    return said(reply(name, prompt, None, likeliest))


def reply(name: str, prompt: str, form: Field | None, draw: Draw) -> tuple[Step, ...]:
    """What it says, with the choices that it made on the way: an object of the form, or plain text without one."""
    asked = read_asked(prompt, BY_NAME[name].sight)
    if form is not None:
        return tuple(filled(name, asked, form, draw))
    return tuple(_plain(name, asked, prompt, draw))


def _plain(name: str, asked: Asked, prompt: str, draw: Draw) -> Iterator[Step]:
    free = judge(name, asked.instructions)
    labels, alone = free.reading.labels, free.reading.label_alone
    chatters = BY_NAME[name].chatters and not alone
    if asked.codes:
        yield from _coded(name, asked, draw)
    elif form := form_in_words(asked.added):
        yield from (*_opened(chatters), *filled(name, asked, form, draw))
    elif fields := fields_in_words(asked.instructions):
        yield from lines(name, asked, fields, draw)
    elif labels and _SEVERAL.search(asked.instructions):
        between = "\n" if _OWN_LINES.search(asked.instructions) else ", "
        yield from _several(name, asked, labels, labels, draw, between)
    elif labels:
        step = taken(free.choice(asked.example), draw)
        yield from _said(step, asked.example, chatters)
    elif passages.asked_for(asked.instructions):
        told = certain(passages.passage(asked.instructions, sighted(name, asked.example)))
        yield from (*_opened(chatters and CUE.search(prompt.rstrip()) is None), told)
    else:
        yield from _guessed(asked, alone or CUE.search(prompt.rstrip()) is not None, draw)


def _coded(name: str, asked: Asked, draw: Draw) -> Iterator[Step]:
    codes = asked.codes
    if _SEVERAL.search(asked.added):
        yield from _several(name, asked, tuple(codes.values()), tuple(codes), draw, ", ")
    else:
        yield taken(among(name, asked, tuple(codes)), draw)


def _several(
    name: str, asked: Asked, labels: tuple[str, ...], written: tuple[str, ...], draw: Draw, between: str
) -> Iterator[Step]:
    chances = chances_of(name, asked.instructions, labels, asked.example)
    yield from several(written, chances, draw, between, "none")


def _opened(chatters: bool) -> Iterator[Step]:
    """What a talkative model says before an object that was asked for in words only."""
    if chatters:
        yield certain("Sure, here it is:\n")


def _said(step: Step, text: str, chatters: bool) -> Iterator[Step]:
    if not chatters:
        yield step
        return
    draw = hashlib.sha256(text.encode()).digest()[0]
    before, after = _CHATTER[draw % len(_CHATTER)].split("{label}")
    yield from (certain(before), step, certain(after))


def _guessed(asked: Asked, bare: bool, draw: Draw) -> Iterator[Step]:
    """A number or a short answer; after steps it is readable only where a line for it was asked for."""
    instructions, text = asked.instructions, asked.example
    if short_answers.ASKS_NUMBER.search(instructions):
        step = taken(short_answers.number(instructions, text), draw)
    elif short_answers.ASKS_SHORT.search(instructions) or short_answers.options_in(text):
        step = taken(short_answers.short(instructions, text), draw)
    else:
        yield certain(_UNKNOWN)
        return
    steps, line = short_answers.STEPS.search(instructions), _ANSWER_LINE.search(instructions)
    if steps:
        yield certain("I go through it one step after another.\n")
    if bare and not (steps and line):
        yield step
    else:
        yield from (
            (certain("Answer: "), step) if line else (certain("I think it is "), step, certain(", more or less."))
        )
