"""A probe reads the same replies as the hot path does, and says the same of what goes wrong."""

import dataclasses
from typing import Any

import pytest
from msgspec.structs import replace

from app.errors import EndpointFailure
from app.gateway.calls import Purchase
from app.gateway.probe import probe
from tests.gateway.counter import KEY, Counter, ask, limits, target
from tests.gateway.scripted import Answer, completion, refusal, serving

REPLIES: dict[str, Answer] = {
    "usual": completion("ok"),
    "without content": completion(None),
    "without usage": completion("ok", usage=None),
    "wrong types": completion("ok", usage={"prompt_tokens": "7", "completion_tokens": True}, model=3),
    "in parts": completion([{"type": "text", "text": "o"}, {"type": "text", "text": "k"}]),  # type: ignore[arg-type]
    "request id in a header": dataclasses.replace(completion("ok"), headers={"x-request-id": "r-1"}),
    "thought all its room away": refusal(400, "Could not finish: max_tokens or model output limit was reached."),
    "content": refusal(400, "flagged", code="content_filter"),
    "not to be stored": completion("a\0b\ud800"),
}
FAULTS: dict[str, Answer] = {
    "key": refusal(401, f"bad key {KEY}"),
    "credit": refusal(402, "pay first"),
    "permission": refusal(403, "not for you"),
    "model": refusal(404, "The model `small` does not exist"),
    "address": Answer(404, b"<h1>Not Found</h1>"),
    "redirect": Answer(302, b"", {"Location": "http://elsewhere.example/"}),
    "crowded": refusal(429, "slow down", {"retry-after": "90"}),
    "quota": refusal(429, "no quota", code="insufficient_quota"),
    "broken server": refusal(500, "oops"),
    "plain words": Answer(400, b"no such thing"),
    "web page": Answer(200, b"<html>Welcome</html>"),
    "broken JSON": Answer(200, b'{"choices": ['),
    "no choices": Answer(200, {"choices": []}),
    "error inside": Answer(200, {"error": {"message": "upstream is away"}}),
    "silence": Answer(delay=30.0),
    "no word": Answer(drop=True),
}


def bought(answer: Answer, **changes: Any) -> tuple[Purchase, Purchase]:
    """One call of the hot path, and the first of a probe."""
    counter, within = Counter(), limits(call_attempts=1, call_deadline=0.5)
    with serving(lambda hit: answer) as server:
        try:
            counter.buy([ask("hello", target(server, **changes), seed=None, max_tokens=64)], within)
        except EndpointFailure:
            assert not counter.bought[0].ok
        return counter.bought[0], probe(target(server, **changes), within).asked[0].purchase


@pytest.mark.parametrize("name", REPLIES)
def test_a_reply_is_read_alike(name: str) -> None:
    hot, cold = bought(REPLIES[name])
    assert replace(hot, latency_ms=0) == replace(cold, latency_ms=0)
    assert hot.ok


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_has_one_sentence(name: str) -> None:
    hot, cold = bought(FAULTS[name])
    assert hot.error == cold.error != ""
    assert KEY not in hot.error


def test_an_address_where_nobody_listens_has_one_sentence() -> None:
    with serving(lambda hit: completion("ok")) as server:
        address = server.base_url
    hot, cold = bought(completion("ok"), base_url=address)
    assert hot.error == cold.error
    assert "does not accept connections" in hot.error
