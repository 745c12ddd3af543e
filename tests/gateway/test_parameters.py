"""Refused request parameters: how a refusal is read, what is sent instead, and what is remembered."""

from typing import Any

import pytest

from app.errors import EndpointFailure
from app.gateway.parameters import refused_parameter
from tests.gateway.counter import Counter, ask, asks, limits, target
from tests.gateway.scripted import Answer, Hit, completion, refusal, serving

SENT = dict.fromkeys(("temperature", "max_tokens", "seed"))
READINGS: list[tuple[Any, str, str]] = [
    ({"param": "temperature"}, "anything", "temperature"),
    ({"param": "messages"}, "bad role", ""),
    ({"param": None}, "Unsupported parameter: 'max_tokens' is not supported with this model.", "max_tokens"),
    ({}, "Unsupported value: temperature does not support 0 with this model", "temperature"),
    ({}, "Unrecognized request argument supplied: seed", "seed"),
    ({}, "max_tokens is not allowed here", "max_tokens"),
    ({"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs"}]}, "", "seed"),
    ({"message": {"detail": [{"loc": ["body", "temperature"]}]}}, "", "temperature"),
    ({}, "the text 'what temperature is it' is too rude", ""),
    ({}, "Unsupported value. Your prompt said: temperature", ""),
    ("just words", "just words", ""),
    ({"param": {"a": 1}}, "nothing", ""),
]


@pytest.mark.parametrize(("error", "message", "named"), READINGS)
def test_a_refusal_names_a_parameter_or_none(error: Any, message: str, named: str) -> None:
    assert refused_parameter(error, message, SENT) == named


def reasoning(hit: Hit) -> Answer:
    """Refuses what reasoning models refuse, one thing at a time."""
    if "max_tokens" in hit.body:
        message = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens'."
        return refusal(400, message, code="unsupported_parameter", param="max_tokens")
    if "temperature" in hit.body:
        return refusal(400, "'temperature' does not support 0", code="unsupported_value", param="temperature")
    return completion("x")


def test_parameters_are_dropped_and_renamed_once_and_the_lesson_is_told() -> None:
    counter = Counter()
    with serving(reasoning) as server:
        assert counter.buy(asks(server, 20), limits(in_flight=1))
        assert len(server.hits) == 22
        assert server.hits[-1].body == {
            "model": "small",
            "messages": [{"role": "user", "content": "q19"}],
            "max_completion_tokens": 16,
            "seed": 5,
        }
    assert counter.lessons == [("e1", frozenset({"temperature"}), (("max_tokens", "max_completion_tokens"),))]
    assert counter.by_key["q0"].attempts == 3


def test_calls_side_by_side_learn_the_same_lesson() -> None:
    counter = Counter()
    with serving(reasoning) as server:
        assert counter.buy(asks(server, 60), limits(in_flight=10))
        assert len(server.hits) <= 60 + 2 * 10
    assert len(counter.lessons) == 1
    assert all(one.ok for one in counter.bought)


def test_what_was_learned_before_is_used_from_the_start() -> None:
    counter = Counter()
    with serving(reasoning) as server:
        wise = target(server, dropped=frozenset({"temperature"}), renamed=(("max_tokens", "max_completion_tokens"),))
        assert counter.buy([ask("a", wise), ask("b", wise)])
        assert len(server.hits) == 2
    assert counter.lessons == []


def test_a_limit_that_is_too_large_is_left_out_instead_of_renamed() -> None:
    def script(hit: Hit) -> Answer:
        too_large = "max_tokens is too large: 99999. This model supports at most 4096 completion tokens."
        return refusal(400, too_large, param="max_tokens") if "max_tokens" in hit.body else completion("x")

    counter = Counter()
    with serving(script) as server:
        assert counter.buy([ask("a", target(server), max_tokens=99999)])
        assert "max_completion_tokens" not in server.hits[-1].body
    assert counter.lessons == [("e1", frozenset({"max_tokens"}), ())]


def test_a_name_refused_under_both_names_is_dropped() -> None:
    def script(hit: Hit) -> Answer:
        for name in ("max_tokens", "max_completion_tokens"):
            if name in hit.body:
                return refusal(422, f"Unknown field '{name}'")
        return completion("x")

    counter = Counter()
    with serving(script) as server:
        assert counter.buy(asks(server, 1))
        assert len(server.hits) == 3
    assert counter.lessons[0][1] == frozenset({"max_tokens"})


def test_a_refusal_that_was_misread_is_not_remembered() -> None:
    counter = Counter()
    with serving(lambda hit: refusal(400, "unsupported: temperature, or anything else")) as server:
        with pytest.raises(EndpointFailure, match="refuses the request"):
            counter.buy(asks(server, 1))
        assert len(server.hits) == 2
    assert counter.lessons == []


def test_a_refused_model_or_message_is_a_lasting_fault() -> None:
    with serving(lambda hit: refusal(400, "bad 'messages'", param="messages")) as server:
        with pytest.raises(EndpointFailure, match="bad 'messages'") as failure:
            Counter().buy(asks(server, 1))
        assert len(server.hits) == 1
    assert failure.value.lasting
