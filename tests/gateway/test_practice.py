"""The gateway against the practice server: forms and probabilities over the real wire, and what a probe makes of it."""

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from app.domain.improving.asks import Message
from app.gateway.calls import Purchase, ReplyFormat, Target
from app.gateway.probe import probe
from tests.gateway.counter import Counter, ask, limits
from tests.practice.serving import PROMPT, serving

FORM = ReplyFormat.of(
    "reply", {"type": "object", "properties": {"label": {"type": "string", "enum": ["greeting", "farewell"]}}}
)


@pytest.fixture(scope="module")
def practice() -> Iterator[httpx2.Client]:
    with serving() as client:
        yield client


def at(practice: httpx2.Client, name: str = "scholar-v1") -> Target:
    return Target("e1", f"{practice.base_url}/v1", "", name)


def bought(practice: httpx2.Client, text: str, **changes: Any) -> Purchase:
    counter = Counter()
    said = (Message("user", PROMPT.format(text=text)),)
    assert counter.buy([ask("q", at(practice), messages=said, max_tokens=64, **changes)])
    assert counter.lessons == []
    return counter.bought[0]


@pytest.mark.parametrize("text", ["hello", "see you, привет 日本"])
def test_a_reply_by_schema_comes_with_the_probabilities_of_its_tokens(practice: httpx2.Client, text: str) -> None:
    plain, formed = (bought(practice, text, response_format=form, top_logprobs=5) for form in (None, FORM))
    assert (plain.used_format, formed.used_format) == ("", "json_schema")
    assert json.loads(formed.text) == {"label": plain.text}
    for one in (plain, formed):
        assert one.logprobs is not None
        assert b"".join(token.utf8 for token in one.logprobs) == one.text.encode()
        assert all(5 <= len(token.top) <= 6 and token.logprob <= 0 for token in one.logprobs)


def test_a_probe_finds_all_that_the_practice_models_can(practice: httpx2.Client) -> None:
    found = probe(at(practice), limits()).capabilities
    assert (found.json_schema, found.json_object, found.logprobs, found.top_logprobs) == (True, True, True, 20)
    writes = probe(at(practice, "exemplar-v1"), limits()).capabilities
    assert (writes.json_schema, writes.json_object, writes.logprobs) == (False, False, False)
