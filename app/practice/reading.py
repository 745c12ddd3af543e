"""What a task model takes out of a prompt's instructions: labels, texts about them, and how to answer."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.practice.labels import bullets, find_labels
from app.practice.similarity import Document
from app.practice.text_shapes import comparable, spoken, worded
from app.practice.worked import Worked, find_worked, without

_EXAMPLE_SIGHT = 600
_RULE_WEIGHT = 0.5
_KEYWORD_WEIGHT = 1.0
_KEYWORDS = re.compile(
    r"(?:such as|words like|keywords?|for example|например|такие как)\b(?:[^:,\n]{0,20}:)?([^\n.;]+)", re.IGNORECASE
)
_SENTENCE = re.compile(r"[^.!?\n]+")
_ANSWERING = r"answer|reply|respond|return|output|label|give|write|say|ответ|метк|отвечай|напиши|верни"
_ALONE = r"\bonly\b|\balone\b|nothing else|\bno other\b|any other word|without any|no explanation|\bjust\b|\bтолько\b|ничего (?:больше|кроме)|без (?:других|лишних|пояснений|объяснений)"
_LABEL_ALONE = re.compile(
    rf"(?:{_ANSWERING})[^.!?\n]*(?:{_ALONE})|(?:{_ALONE})[^.!?\n]*(?:{_ANSWERING})", re.IGNORECASE
)


@dataclass(frozen=True)
class Reading:
    """Instructions as understood. `remembered` maps the text of a worked example to its label's index."""

    labels: tuple[str, ...]
    documents: tuple[Document, ...]
    remembered: dict[str, int]
    label_alone: bool


def read_instructions(text: str) -> Reading:
    """Take out everything that helps to answer; without labels the reading is empty."""
    examples = find_worked(text)
    said = without(text, examples)
    labels = find_labels(said, [example.label for example in examples])
    return _about(labels, said, examples)


def read_about(text: str, labels: Sequence[str]) -> Reading:
    """The same about labels that are known already, as those of a schema are."""
    examples = find_worked(text)
    return _about(tuple(labels), without(text, examples), examples)


def _about(labels: tuple[str, ...], said: str, examples: Sequence[Worked]) -> Reading:
    index = {comparable(label): at for at, label in enumerate(labels)}
    shown = [
        (example.input, index[comparable(example.label)]) for example in examples if comparable(example.label) in index
    ]
    documents = [Document(at, spoken(label), 1.0) for at, label in enumerate(labels)]
    documents += _descriptions(said, index)
    documents += [Document(at, given[:_EXAMPLE_SIGHT], 1.0) for given, at in shown]
    remembered = {comparable(given): at for given, at in shown}
    return Reading(labels, tuple(documents), remembered, bool(_LABEL_ALONE.search(said)))


def _descriptions(text: str, index: dict[str, int]) -> list[Document]:
    """Bullets of the labels, and sentences that mention exactly one label."""
    lines = text.split("\n")
    named = {bullet.line: bullet for bullet in bullets(lines) if comparable(bullet.name) in index}
    found = []
    for bullet in named.values():
        found += _described(index[comparable(bullet.name)], bullet.said, 1.0)
    for number, line in enumerate(lines):
        if number not in named:
            for sentence in _SENTENCE.findall(line):
                about = _mentioned(sentence, index)
                found += _described(about, sentence, _RULE_WEIGHT) if about is not None else []
    return found


def _described(label: int, said: str, weight: float) -> list[Document]:
    """The words of one description; listed keywords count once more, each for itself."""
    keywords = [word.strip() for match in _KEYWORDS.finditer(said) for word in match[1].split(",")]
    found = [Document(label, said, weight)] if said else []
    return found + [Document(label, word, _KEYWORD_WEIGHT) for word in keywords if word]


def _mentioned(sentence: str, index: dict[str, int]) -> int | None:
    """The one label that a sentence speaks of, or None when it is none or several."""
    plain = worded(sentence)
    about = [at for name, at in index.items() if worded(name) in plain]
    return about[0] if len(about) == 1 else None
