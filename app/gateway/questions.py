"""The questions of a probe: each shows in its reply whether one thing can be had."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.domain.improving.asks import Message

ALTERNATIVES = (20, 5, 0)  # 20 is the most that OpenAI's API knows
FIRST, STOPPED = "apple", "pear"


@dataclass(frozen=True)
class Question:
    """A short message with the parameters that are on trial, or two texts to be compared by their embeddings."""

    name: str
    message: str
    extras: Mapping[str, object] = field(default_factory=dict)
    compared: tuple[str, str] | None = None

    @property
    def messages(self) -> tuple[Message, ...]:
        return () if self.compared else (Message("user", self.message),)

    def only(self, name: str) -> "Question":
        return Question(self.name, self.message, {name: self.extras[name]})


EMBEDDINGS = Question(
    "embeddings", "", compared=("A red apple lies on the table.", "There is a red apple on the table.")
)
HELLO = Question("hello", "Reply with the word ok.")
ACCEPTED = Question(
    "accepted",
    f"Write these three words in this order and nothing else: {FIRST} {STOPPED} plum",
    {"seed": 7, "user": "agon-probe", "stop": [STOPPED]},
)
_ANSWERS = ("yes", "no")
_SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string", "enum": list(_ANSWERS)}, "sure": {"type": "boolean"}},
    "required": ["answer", "sure"],
    "additionalProperties": False,
}
# Its words do not ask for JSON: a server that ignores the schema replies in plain words.
BY_SCHEMA = Question(
    "json_schema",
    "Is grass usually green?",
    {"response_format": {"type": "json_schema", "json_schema": {"name": "reply", "strict": True, "schema": _SCHEMA}}},
)
# Its words must hold the name: OpenAI refuses JSON mode without it.
AS_JSON = Question("json_object", "Greet me in JSON.", {"response_format": {"type": "json_object"}})


def probabilities(alternatives: int) -> Question:
    more = {"top_logprobs": alternatives} if alternatives else {}
    return Question("logprobs", HELLO.message, {"logprobs": True, **more})


def keeps_to_schema(text: str) -> bool:
    reply = _object(text)
    return (
        reply is not None
        and reply.keys() == {"answer", "sure"}
        and reply["answer"] in _ANSWERS
        and isinstance(reply["sure"], bool)
    )


def is_json(text: str) -> bool:
    return _object(text) is not None


def stopped(text: str) -> bool | None:
    """Whether the stop word ended the reply; None when the model did not get that far."""
    if STOPPED in text.lower():
        return False
    return True if FIRST in text.lower() else None


def alternatives_in(body: Mapping[str, Any]) -> int | None:
    """The most alternatives that one token of a reply comes with; None when there are no probabilities."""
    tokens = _tokens(body)
    if not tokens or not all(_number(token.get("logprob")) for token in tokens):
        return None
    return max(len(top) if isinstance(top := token.get("top_logprobs"), list) else 0 for token in tokens)


def _tokens(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    choice = body["choices"][0]
    told = choice.get("logprobs")
    content = told.get("content") if isinstance(told, dict) else None
    return [token for token in content if isinstance(token, dict)] if isinstance(content, list) else []


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _object(text: str) -> dict[str, Any] | None:
    try:
        reply = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return reply if isinstance(reply, dict) else None
