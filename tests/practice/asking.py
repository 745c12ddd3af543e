"""A small campaign for generators: the app's own meta-prompt about messages of three kinds, and how to read replies."""

import re
from collections.abc import Sequence

import httpx2

from app.domain.answers import Label
from app.domain.answerspace import Answers
from app.domain.improving.asks import Refusal, Reply, Shown
from app.domain.improving.briefs import Standing, Task, meta_prompt, read_proposal
from tests.practice.serving import ask, finish, said

SUFFIX = "0a1b2c3d4e"
LIMIT = 12_000
LABELS = (Label("billing", "about money"), Label("delivery"), Label("other"))
START = """Messages to a shop.

Labels:
- billing: about money
- delivery
- other

Answer with one of these labels, exactly as it is written above.

Input: {{input}}
Label:"""
TRAIN = {
    "my refund for the blue coat is missing": "billing",
    "you charged my card twice for one lamp": "billing",
    "the invoice shows a wrong tax number": "billing",
    "the parcel with my lamp never arrived": "delivery",
    "courier left the parcel in the rain": "delivery",
    "where is the courier with my order": "delivery",
    "do you sell gift cards for birthdays": "other",
    "спасибо, всё отлично работает": "other",
    "which sizes does the blue coat come in": "other",
}


def shown(answered: dict[str, str] | None = None) -> tuple[list[Shown], list[Shown]]:
    """Wrong and right ones; by default the first six get another label's name."""
    names = [label.name for label in LABELS]
    every = []
    for number, (text, label) in enumerate(TRAIN.items()):
        other = names[(names.index(label) + 1) % len(names)]
        answer = (answered or {}).get(text, other if number < 6 else label)
        every.append(Shown({"input": text}, label, answer, answer == label))
    return [example for example in every if not example.right], [example for example in every if example.right]


def brief(
    known: Sequence[str] = (START,), answered: dict[str, str] | None = None, limit: int = LIMIT
) -> tuple[str, ...]:
    """The texts of a meta-prompt's messages; `known` come best last."""
    wrong, right = shown(answered)
    standings = [Standing(text, 0.4 + at / 100, 0.3, 0.5, 100) for at, text in enumerate(known)]
    names = tuple(dict.fromkeys(re.findall(r"\{\{(\w+)\}\}", known[-1])))
    task = Task("Messages to a shop.", Answers("label", LABELS), "accuracy", names, limit)
    return tuple(message.content for message in meta_prompt(task, standings, wrong, right, SUFFIX))


def proposal(client: httpx2.Client, name: str, messages: Sequence[str], seed: int = 1) -> str | Refusal:
    """What the app reads in a generator's reply, before its rules for prompts."""
    response = ask(client, name, *messages, seed=seed, temperature=1, max_tokens=8192)
    return read_proposal(Reply(said(response), finish(response) == "stop"), SUFFIX)


def prompt_of(client: httpx2.Client, name: str, messages: Sequence[str], seed: int = 1) -> str:
    written = proposal(client, name, messages, seed)
    assert isinstance(written, str), written
    return written


def examples_in(prompt: str) -> list[tuple[str, str]]:
    return re.findall(r"^Input: (?!\{\{)(.+)\nLabel: (.+)$", prompt, re.MULTILINE)
