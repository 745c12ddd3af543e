"""Numbers and short answers, guessed by crude rules: a simulation that better instructions make somewhat better.

A sum of numbers is done by the words in the question ("altogether", "left", "each"); who is told to go step by step
also tries two operations in a row. A short answer is one of the options in the input, a yes or no, or a name copied
from it. A worked example with the same input is remembered. Nothing here knows anything.
"""

import hashlib
import re
from collections.abc import Sequence
from math import isfinite

from app.practice.chances import Choice, softmax
from app.practice.text_shapes import comparable, tokens
from app.practice.worked import find_worked

ASKS_NUMBER = re.compile(r"\bnumbers?\b|\bnumeric|\binteger\b|how (?:many|much)|\bчисл\w*|сколько", re.IGNORECASE)
ASKS_SHORT = re.compile(
    r"answer (?:the|this|each|every) question|short answer|in a few words|as shortly? as|кратк|ответь\w* на вопрос",
    re.I,
)
STEPS = re.compile(
    r"step[- ]by[- ]step|in steps|one step after|show your work|think first|по шагам|пошагово", re.IGNORECASE
)
_NUMBER = re.compile(r"(?<![\w.,])\d[\d,]*(?:\.\d+)?")
_CUES = {
    "+": re.compile(r"\b(?:total|altogether|sum|in all|both|combined|together|more than|всего|вместе)\b", re.I),
    "-": re.compile(
        r"\b(?:left|remain\w*|spen[dt]\w*|gave|give away|fewer|less|difference|lost|change|осталось)\b", re.I
    ),
    "*": re.compile(r"\b(?:each|per|every|times|twice|double|кажд\w+|по)\b", re.I),
    "/": re.compile(r"\b(?:split|shared?|divided?|average|half|equally|поровну)\b", re.I),
}
_FIRST_GUESS = {"*": 0.3, "+": 0.2, "-": 0.1, "/": 0.0}
_MOST_NUMBERS = 6
_WARMTH = 0.6
_OPTION = re.compile(r"\((?P<letter>[A-Z])\)[ \t]*(?P<said>[^\n(]+)")
_DASHED = re.compile(r"^[ \t]*[-*][ \t]+(?P<said>[^\n]{1,60})$", re.MULTILINE)
_WHETHER = re.compile(r"(?:^|[.!?\n] *)(?:is|are|was|were|do|does|did|can|could|will|has|have)\b[^.!\n]*\?", re.I)
_NAME = re.compile(r"(?<=[\w,] )(?:[A-ZА-ЯЁ][\w'’-]+)(?: [A-ZА-ЯЁ][\w'’-]+)*")


def number(instructions: str, text: str) -> Choice:
    """A number with the others that came into question, as digits alone."""
    remembered = recalled(instructions, text)
    found = [float(one.replace(",", "")) for one in _NUMBER.findall(text)][:_MOST_NUMBERS]
    if remembered or len(found) < 2:
        only = remembered or _digits(found[0] if found else 0.0)
        return Choice((only,), (1.0,), 0)
    scored = _two_steps(found, text) if STEPS.search(instructions) else _one_step(found[:2], text.split(".")[-1])
    best: dict[str, float] = {}
    for value, score in scored:
        if isfinite(value) and value >= 0:
            best[_digits(value)] = max(score, best.get(_digits(value), -9.0))
    return _chosen(best or {_digits(found[0]): 0.0})


def short(instructions: str, text: str) -> Choice:
    """A short answer with the others that came into question."""
    if remembered := recalled(instructions, text):
        return Choice((remembered,), (1.0,), 0)
    options = {f"({match['letter']})": match["said"] for match in _OPTION.finditer(text)}
    dashed = [match["said"].strip() for match in _DASHED.finditer(text)]
    if len(options) < 2 and len(dashed) >= 2:
        options = {said: said for said in dashed}
    if len(options) < 2 and _WHETHER.search(text):
        options = {"Yes": "", "No": ""}
    if len(options) < 2:
        options = dict.fromkeys(_NAME.findall(text)[:8], "") or {" ".join(text.split()[:3]): ""}
    around = set(tokens(_OPTION.sub(" ", text)))
    scores = {
        answer: len(around & set(tokens(said))) / (1 + len(tokens(said))) + _whim(answer, text) / 2
        for answer, said in options.items()
    }
    return _chosen(scores)


def recalled(instructions: str, text: str) -> str:
    """The answer of a worked example with this very input, else an empty string."""
    same = comparable(text)
    return next((one.label for one in find_worked(instructions) if comparable(one.input) == same), "")


def options_in(text: str) -> bool:
    return len(_OPTION.findall(text)) >= 2


def _chosen(scores: dict[str, float]) -> Choice:
    texts = sorted(scores, key=lambda text: (-scores[text], text))
    return Choice(tuple(texts), softmax([scores[text] for text in texts], _WARMTH), 0)


def _one_step(found: Sequence[float], question: str) -> list[tuple[float, float]]:
    return [(_done(found, sign), _speaks(sign, question)) for sign in _CUES]


def _two_steps(found: Sequence[float], text: str) -> list[tuple[float, float]]:
    """One operation over all numbers, or one over the first two and another over what is left."""
    tried = [(_done(found, sign), _speaks(sign, text)) for sign in _CUES]
    for first in _CUES if len(found) > 2 else ():
        begun = [_done(found[:2], first), *found[2:]]
        tried += [
            (_done(begun, then), 0.4 + _speaks(first, text) + _speaks(then, text)) for then in _CUES if then != first
        ]
    return tried


def _speaks(sign: str, text: str) -> float:
    return len(_CUES[sign].findall(text)) + _FIRST_GUESS[sign]


def _done(found: Sequence[float], sign: str) -> float:
    value = found[0]
    for one in found[1:]:
        if sign == "/":
            value = value / one if one else float("nan")
        else:
            value = value + one if sign == "+" else value - one if sign == "-" else value * one
    return value


def _digits(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.2f}"


def _whim(answer: str, text: str) -> float:
    """In [0, 1): draws between answers for which nothing speaks."""
    return hashlib.sha256(f"{comparable(text)}\0{answer}".encode("utf-8", "replace")).digest()[0] / 256
