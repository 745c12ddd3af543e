"""Refused request parameters: how a refusal is read, what is sent instead, and what is remembered."""

from typing import Any

import pytest

from app.errors import EndpointFailure
from app.gateway.calls import ReplyFormat
from app.gateway.parameters import refused_parameter
from tests.gateway.counter import Counter, ask, asks, limits, target
from tests.gateway.scripted import Answer, Hit, Script, completion, refusal, serving

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


ASKED = dict.fromkeys(("temperature", "max_tokens", "response_format", "logprobs", "top_logprobs"))
UNSUPPORTED = "not supported with this model"
# What servers say, as people quote it in their reports, in words of this shape.
FORMS: list[tuple[Any, str, str]] = [
    ({"param": ""}, f"Invalid parameter: 'response_format' of type 'json_schema' is {UNSUPPORTED}.", "response_format"),
    ({"param": "response_format.type"}, "invalid value: `json_schema`", "response_format"),
    ({"param": "response_format"}, "This model does not support response format `json_schema`.", "response_format"),
    ({}, 'response_format type must be one of "text" or "json_object", but got: json_schema', "response_format"),
    ({}, "This response_format type is unavailable now", "response_format"),
    ("'response_format.type' must be 'json_schema'", "'response_format.type' must be 'json_schema'", "response_format"),
    ({}, 'invalid format: expected "json" or a JSON schema', "response_format"),
    ({}, "The provided JSON schema contains features not supported by xgrammar.", "response_format"),
    ({"param": "messages"}, "'messages' must contain the word 'json' to use 'response_format' of type 'json_object'.",
     "response_format"),
    ({}, "openai does not support parameters: ['response_format'], for model=m", "response_format"),
    ({"detail": [{"loc": ["body", "response_format", "ResponseFormat", "type"], "msg": "Input should be 'text'"}]},
     "Input should be 'text'", "response_format"),
    ({"metadata": {"raw": f'{{"error":{{"message":"\'logprobs\' is {UNSUPPORTED}"}}}}', "provider_name": "P"}},
     "Provider returned error", "logprobs"),
    ({"param": "logprobs"}, f"Unsupported parameter: 'logprobs' is {UNSUPPORTED}.", "logprobs"),
    ({}, "Logprobs is not enabled for models/m-lite", "logprobs"),
    ({}, "You are not allowed to request logprobs from this model", "logprobs"),
    ({}, "m-reasoner does not support the parameter `logprobs`", "logprobs"),
    ({}, "Requested sample logprobs of 20, which is greater than max allowed: 5", "top_logprobs"),
    ({"param": "top_logprobs"}, "Invalid 'top_logprobs': integer above maximum value.", "top_logprobs"),
    ({"detail": [{"loc": ["body", "top_logprobs"], "msg": "Input should be less than or equal to 5"}]}, "", "top_logprobs"),
    ({}, "the text 'give me JSON by a schema' is too rude", ""),
    ({"metadata": {"raw": 3}}, "Provider returned error", ""),
]  # fmt: skip


@pytest.mark.parametrize(("error", "message", "named"), FORMS)
def test_a_refusal_of_a_form_or_of_probabilities_is_read_in_many_wordings(error: Any, message: str, named: str) -> None:
    assert refused_parameter(error, message, ASKED) == named


FORM = ReplyFormat.of("verdict", {"type": "object", "properties": {"spam": {"type": "boolean"}}})


def form(hit: Hit) -> str:
    return str(hit.body.get("response_format", {}).get("type", ""))


def no_schemas(hit: Hit) -> Answer:
    words = f"Invalid parameter: 'response_format' of type 'json_schema' is {UNSUPPORTED}."
    return refusal(400, words, param="response_format") if form(hit) == "json_schema" else completion("{}")


def no_forms(hit: Hit) -> Answer:
    return (
        refusal(400, f"This model does not support response format `{form(hit)}`.") if form(hit) else completion("{}")
    )


def never_heard_of_forms(hit: Hit) -> Answer:
    found = {"type": "extra_forbidden", "loc": ["body", "response_format"], "msg": "Extra inputs are not permitted"}
    return Answer(422, {"detail": [found]}) if form(hit) else completion("{}")


def breaks_over_forms(hit: Hit) -> Answer:
    words = 'response_format type must be one of "text" or "json_object", but got: json_schema'
    return refusal(500, words, code=500, type="server_error") if form(hit) == "json_schema" else completion("{}")


FORM_SERVERS = [
    (no_schemas, 1, {"json_schema"}, "json_object"),
    (no_forms, 2, {"json_schema", "json_object"}, ""),
    (never_heard_of_forms, 1, {"response_format"}, ""),
    (breaks_over_forms, 1, {"json_schema"}, "json_object"),
]


@pytest.mark.parametrize(("script", "more", "dropped", "used"), FORM_SERVERS)
def test_a_refused_form_is_asked_for_less_strictly_and_the_purchase_says_so(
    script: Script, more: int, dropped: set[str], used: str
) -> None:
    counter = Counter()
    with serving(script) as server:
        assert counter.buy(asks(server, 5, response_format=FORM), limits(in_flight=1))
        assert len(server.hits) == 5 + more
    assert {one.used_format for one in counter.bought} == {used}
    assert counter.lessons == [("e1", frozenset(dropped), ())]


def few(most: int) -> Script:
    def script(hit: Hit) -> Answer:
        if hit.body.get("top_logprobs", 0) > most:
            return refusal(400, f"Requested sample logprobs of 20, which is greater than max allowed: {most}")
        return completion("x")

    return script


def forbidden(hit: Hit) -> Answer:
    words = "You are not allowed to request logprobs from this model"
    return refusal(403, words) if "logprobs" in hit.body else completion("x")


@pytest.mark.parametrize(
    ("script", "dropped", "sent"),
    [
        (few(5), {"top_logprobs>5"}, (True, 5)),
        (few(0), {"top_logprobs>5", "top_logprobs"}, (True, None)),
        (forbidden, {"logprobs"}, (None, None)),
    ],
)
def test_probabilities_are_asked_for_with_fewer_alternatives_then_not_at_all(
    script: Script, dropped: set[str], sent: tuple[bool | None, int | None]
) -> None:
    counter = Counter()
    with serving(script) as server:
        assert counter.buy(asks(server, 3, top_logprobs=20), limits(in_flight=1))
        last = server.hits[-1].body
    assert (last.get("logprobs"), last.get("top_logprobs")) == sent
    assert counter.lessons == [("e1", frozenset(dropped), ())]


def test_a_server_that_refuses_everything_is_asked_until_nothing_is_left_and_no_attempt_is_used_up() -> None:
    def script(hit: Hit) -> Answer:
        extra = [name for name in hit.body if name not in {"model", "messages"}]
        return refusal(400, f"Unsupported parameter: '{extra[0]}'", param=extra[0]) if extra else completion("x")

    counter = Counter()
    with serving(script) as server:
        request = ask("q", target(server), response_format=FORM, top_logprobs=20)
        assert counter.buy([request], limits(call_attempts=1))
        assert len(server.hits) <= 9
    assert counter.bought[0].text == "x"


def test_a_server_that_is_down_teaches_nothing_about_forms() -> None:
    counter = Counter()
    with serving(lambda hit: refusal(500, "no format left for logprobs today")) as server:
        with pytest.raises(EndpointFailure):
            counter.buy(asks(server, 1, response_format=FORM), limits(call_attempts=2))
        assert [form(hit) for hit in server.hits] == ["json_schema"] * 2
    assert counter.lessons == []


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
