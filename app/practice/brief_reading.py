"""How a practice generator reads the improver meta-prompt: its text is all that it is ever given."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.practice.labels import bullets
from app.practice.text_shapes import comparable, unquoted

_MARKER = re.compile(r"<prompt-([0-9A-Za-z_-]+)>\s*$", re.MULTILINE)
_LIMIT = re.compile(r"at most ([\d,. ]*\d) characters", re.IGNORECASE)
_DEFAULT_LIMIT = 12_000


@dataclass(frozen=True)
class Shown:
    """One training example with the answer that the best prompt got."""

    input: str
    expected: str
    answered: str

    @property
    def wrong(self) -> bool:
        return comparable(unquoted(self.answered)) != comparable(self.expected)


@dataclass(frozen=True)
class Brief:
    """The meta-prompt as understood. `known` are the prompts so far, best last; `limit` is in characters."""

    suffix: str
    labels: tuple[tuple[str, str], ...]
    known: tuple[str, ...]
    shown: tuple[Shown, ...]
    limit: int

    @property
    def best(self) -> str:
        return self.known[-1]

    @property
    def wrong(self) -> list[Shown]:
        return [example for example in self.shown if example.wrong]

    @property
    def right(self) -> list[Shown]:
        return [example for example in self.shown if not example.wrong]


def read_brief(messages: Sequence[str]) -> Brief | None:
    """The brief in the last message that asks for a block and shows a prompt, or None."""
    for text in reversed(messages):
        markers = _MARKER.findall(text)
        known = _known(text, markers[-1]) if markers else ()
        if known:
            head, tail = text[: text.index(f"<known-{markers[-1]}>")], text[text.rindex(f"</known-{markers[-1]}>") :]
            limit = _LIMIT.search(head)
            characters = int(re.sub(r"\D", "", limit[1])) if limit else _DEFAULT_LIMIT
            shown = _shown(tail)
            return Brief(markers[-1], _labels(head) or _answers(shown), known, shown, characters)
    return None


def _known(text: str, suffix: str) -> tuple[str, ...]:
    blocks = re.findall(rf"^<known-{suffix}>\n(.*?)\n</known-{suffix}>$", text, re.DOTALL | re.MULTILINE)
    return tuple(block.strip() for block in blocks)


def _labels(head: str) -> tuple[tuple[str, str], ...]:
    """The bullets of the section called Labels, with what they say."""
    section = re.search(r"^## Labels\n(.*?)(?=^## |\Z)", head, re.DOTALL | re.MULTILINE)
    found = bullets(section[1].split("\n")) if section else []
    return tuple((bullet.name, bullet.said) for bullet in found)


def _answers(shown: Sequence[Shown]) -> tuple[tuple[str, str], ...]:
    return tuple((name, "") for name in dict.fromkeys(example.expected for example in shown))


def _shown(tail: str) -> tuple[Shown, ...]:
    found = []
    for line in tail.split("\n"):
        if line.startswith("{"):
            try:
                row = json.loads(line)
                found.append(Shown(str(row["input"]), str(row["expected"]), str(row.get("answered", ""))))
            except (ValueError, KeyError, TypeError):
                continue
    return tuple(found)
