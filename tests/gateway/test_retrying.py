"""Journeys through faults: what is tried again, for how long, and what a person is told in the end."""

import time
from contextlib import suppress
from email.utils import formatdate
from pathlib import Path
from random import Random
from typing import Any

import pytest

from app.errors import EndpointFailure
from tests.gateway.certificates import self_signed
from tests.gateway.counter import KEY, Counter, ask, asks, limits, target
from tests.gateway.scripted import Answer, Hit, Script, completion, refusal, serving

FAULTS: dict[str, Answer] = {
    "429": refusal(429, "slow down", {"Retry-After": "0.05"}),
    "429 with a date": refusal(
        429, "slow", {"Retry-After": formatdate(1.7e9 + 1, usegmt=True), "Date": formatdate(1.7e9)}
    ),
    "429 in milliseconds": refusal(429, "slow down", {"Retry-After-Ms": "40", "Retry-After": "900"}),
    "500": refusal(500, "oops"),
    "503 page": Answer(503, b"<html>busy</html>", {"Content-Type": "text/html"}),
    "408": refusal(408, "too slow"),
    "a dropped connection": Answer(drop=True),
    "broken JSON": Answer(200, b'{"choices": [{"mess'),
    "JSON that is no object": Answer(200, b"[1, 2]"),
    "no choices": Answer(200, {"error": {"message": "upstream failed"}}),
    "empty choices": Answer(200, {"choices": []}),
    "JSON nested too deep": Answer(500, b'{"error":' * 900 + b"1" + b"}" * 900),
    "lists nested too deep": Answer(500, b'{"error": {"code": ' + b"[" * 900 + b"]" * 900 + b"}}"),
    "a choice of a wrong type": Answer(200, {"choices": ["x"]}),
}


def after(fault: Answer, times: int = 1) -> Script:
    return lambda hit: fault if hit.number <= times else completion("spam")


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_passing_fault_is_tried_again(fault: Answer) -> None:
    counter = Counter()
    with serving(after(fault)) as server:
        assert counter.buy(asks(server, 1))
        assert len(server.hits) == counter.permitted == 2
    (only,) = counter.bought
    assert (only.ok, only.text, only.attempts) == (True, "spam", 2)


@pytest.mark.parametrize(
    ("headers", "least"),
    [
        ({"Retry-After": "0.7"}, 0.7),
        ({"Retry-After-Ms": "600"}, 0.6),
        ({"Retry-After": formatdate(1.7e9 + 1, usegmt=True), "Date": formatdate(1.7e9, usegmt=True)}, 1.0),
    ],
)
def test_the_wait_that_is_asked_for_is_kept(headers: dict[str, str], least: float) -> None:
    with serving(after(refusal(429, "slow down", headers))) as server:
        began = time.monotonic()
        Counter().buy(asks(server, 1))
        assert least <= time.monotonic() - began < least * 1.1 + 0.5


def test_a_wait_that_does_not_fit_into_the_deadline_ends_the_call_at_once() -> None:
    counter = Counter()
    with serving(lambda hit: refusal(429, "come back tomorrow", {"Retry-After": "3600"})) as server:
        began = time.monotonic()
        with pytest.raises(EndpointFailure, match=r"asks to slow down \(429\).*come back tomorrow") as failure:
            counter.buy(asks(server, 1))
        assert time.monotonic() - began < 2
        assert len(server.hits) == 1
    assert failure.value.lasting is False
    assert [one.ok for one in counter.bought] == [False]


def test_a_call_makes_no_more_attempts_than_it_may() -> None:
    counter = Counter()
    with serving(lambda hit: refusal(500, "oops", {"Retry-After": "0.02"})) as server, pytest.raises(EndpointFailure):
        counter.buy(asks(server, 1), limits(call_attempts=3))
    assert len(server.hits) == 3
    assert (counter.bought[0].ok, counter.bought[0].attempts) == (False, 3)


def test_a_server_that_hangs_is_asked_again_and_the_deadline_holds() -> None:
    with serving(after(Answer(delay=30.0))) as server:
        counter = Counter()
        assert counter.buy(asks(server, 1), limits(call_deadline=3.0))
        assert counter.bought[0].attempts == 2
    with serving(lambda hit: Answer(delay=30.0)) as server:
        began = time.monotonic()
        with pytest.raises(EndpointFailure, match="did not answer within"):
            Counter().buy(asks(server, 1), limits(call_deadline=1.0))
        assert 0.6 < time.monotonic() - began < 1.5


def test_a_slow_trickle_does_not_outlast_the_deadline() -> None:
    """The body is promised and never finished: only a deadline over the whole exchange ends it."""
    promise = Answer(200, b'{"choices"', {"Content-Length": "1000"})
    with serving(lambda hit: promise) as server:
        began = time.monotonic()
        with pytest.raises(EndpointFailure):
            Counter().buy(asks(server, 1), limits(call_deadline=0.8, call_attempts=2))
        assert time.monotonic() - began < 1.5


def test_one_failed_call_does_not_stop_the_others_and_is_told_at_the_end() -> None:
    def script(hit: Hit) -> Answer:
        return refusal(500, "never this one", {"Retry-After": "0.01"}) if hit.text == "q2" else completion("x")

    counter = Counter()
    with serving(script) as server, pytest.raises(EndpointFailure, match="never this one") as failure:
        counter.buy(asks(server, 50))
    assert failure.value.lasting is False
    assert sum(one.ok for one in counter.bought) == 49
    assert counter.by_key["q2"].error.startswith("small at http://127.0.0.1:")


def test_failures_in_a_row_stop_the_run_early() -> None:
    counter = Counter()
    with serving(lambda hit: refusal(500, "down", {"Retry-After": "0.01"})) as server:
        with pytest.raises(EndpointFailure, match=r"5 of them in a row, so no more were started.*down"):
            counter.buy(asks(server, 500), limits(in_flight=2, call_attempts=2, call_deadline=2.0))
        assert len(server.hits) < 30
    assert len(counter.bought) >= 5
    assert sum(one.attempts for one in counter.bought) == len(server.hits)


def test_a_server_that_restarts_costs_little_and_loses_no_call() -> None:
    """Down for two seconds: what was under way, and a few looks whether it is back."""
    began = time.monotonic()

    def script(hit: Hit) -> Answer:
        if 0.3 < time.monotonic() - began < 2.3:
            return Answer(drop=True)
        return Answer(body=completion("x").body, delay=0.02)

    counter = Counter()
    with serving(script) as server:
        assert counter.buy(asks(server, 300), limits(in_flight=16, call_deadline=30.0))
        assert len(server.hits) <= 300 + 16 + 50
    assert all(one.ok for one in counter.bought)


def test_a_success_between_failures_keeps_the_run_going() -> None:
    def script(hit: Hit) -> Answer:
        return refusal(500, "every second one") if int(hit.text[1:]) % 2 else completion("x")

    counter = Counter()
    with serving(script) as server, pytest.raises(EndpointFailure, match="20 calls failed"):
        counter.buy(asks(server, 40), limits(in_flight=1, call_attempts=1, failures_tolerated=2))
    assert sum(one.ok for one in counter.bought) == 20


def test_a_server_with_a_rate_limit_is_neither_flooded_nor_given_up() -> None:
    """Ten requests in each fifth of a second and no more: most requests must bring an answer, and no call may fail."""
    taken: list[float] = []

    def script(hit: Hit) -> Answer:
        now = time.monotonic()
        taken[:] = [one for one in taken if now - one < 0.2]
        if len(taken) >= 10:
            return refusal(429, "rate limit", {"Retry-After": "0.2"})
        taken.append(now)
        return Answer(body=completion("x").body, delay=0.01)

    counter = Counter()
    with serving(script) as server:
        assert counter.buy(asks(server, 120), limits(in_flight=16, call_deadline=30.0))
        assert len(server.hits) <= 220


@pytest.mark.parametrize("seed", range(6))
def test_whatever_a_server_does_every_request_is_settled_once(seed: int) -> None:
    """Without a cap all are; with one, those it cuts off before their first attempt are not mentioned."""
    dice = Random(seed)
    faults = [*FAULTS.values(), refusal(429, "full", {"Retry-After": "0.1"}), *[completion("x")] * 14]
    within = limits(in_flight=dice.choice([2, 12]), failures_tolerated=99, call_attempts=3, call_deadline=3.0)
    counter = Counter(cap=dice.choice([35, 10_000]))
    with serving(lambda hit: dice.choice(faults)) as server:
        with suppress(EndpointFailure):
            counter.buy(asks(server, 40), within)
        assert len(server.hits) == counter.permitted == sum(one.attempts for one in counter.bought)
    assert len(counter.by_key) == len(counter.bought)
    assert len(counter.bought) == 40 or counter.permitted == counter.cap == 35


LASTING: list[tuple[Answer, str]] = [
    (refusal(401, f"Incorrect API key provided: {KEY}"), r"refuses the key \(401\); enter a valid API key"),
    (refusal(402, "Insufficient Balance"), "no credit left"),
    (refusal(403, "not in your region"), r"does not allow this key.*not in your region"),
    (refusal(404, "The model `small` does not exist", code="model_not_found"), "there is no such model"),
    (refusal(400, "Invalid model name passed in model=small"), "there is no such model"),
    (
        Answer(404, b"<html>nothing</html>", {"Content-Type": "text/html"}),
        r"/v1/chat/completions does not exist.*base URL",
    ),
    (Answer(404, {"detail": "Not Found"}), "does not exist on that server"),
    (Answer(307, b"", {"Location": "http://169.254.169.254/"}), "redirects to another address"),
    (refusal(400, "messages: bad role"), r"refuses the request \(400\).*bad role"),
    (refusal(429, "You exceeded your current quota", code="insufficient_quota"), "no credit left"),
]


@pytest.mark.parametrize(("answer", "told"), LASTING, ids=[told[:30] for _, told in LASTING])
def test_a_lasting_fault_stops_the_run_with_a_sentence_that_says_what_to_do(answer: Answer, told: str) -> None:
    counter = Counter()
    with serving(lambda hit: completion("x") if hit.number <= 3 else answer) as server:
        with pytest.raises(EndpointFailure, match=told) as failure:
            counter.buy(asks(server, 100), limits(in_flight=2))
        assert len(server.hits) <= 5
        assert server.base_url in str(failure.value)
    assert failure.value.lasting is True
    assert sum(one.ok for one in counter.bought) == 3
    assert KEY not in str(failure.value) + repr(counter.bought)


def test_what_is_under_way_when_the_run_stops_is_still_recorded() -> None:
    def script(hit: Hit) -> Answer:
        return refusal(401, "no") if hit.text == "q1" else Answer(body=completion("x").body, delay=0.4)

    counter = Counter()
    with serving(script) as server, pytest.raises(EndpointFailure, match="401"):
        counter.buy(asks(server, 30), limits(in_flight=4))
    assert {key for key, one in counter.by_key.items() if one.ok} == {"q0", "q2", "q3"}


@pytest.mark.parametrize(
    "words",
    [
        f"your key {KEY} is bad",
        f"header was Bearer {KEY[3:]}",
        "got sk-proj-AAAABBBBCCCCDDDD1234 instead",
        f"{KEY}{KEY}",
        "x" * 290 + KEY,
        "\0".join(KEY),
    ],
)
@pytest.mark.parametrize("status", [401, 400, 500])
def test_no_key_is_ever_told(words: str, status: int) -> None:
    counter = Counter()
    with serving(lambda hit: refusal(status, words)) as server, pytest.raises(EndpointFailure) as failure:
        counter.buy(asks(server, 2), limits(call_attempts=1))
    told = str(failure.value) + repr(counter.bought) + repr(asks(server, 1)) + repr(failure.value.__context__)
    assert KEY not in told
    assert KEY[3:] not in told
    assert "CCCCDDDD1234" not in told


def test_a_providers_own_words_are_cut_and_cleaned() -> None:
    with serving(lambda hit: refusal(400, "a\x00b\n" + "long " * 500)) as server:
        with pytest.raises(EndpointFailure) as failure:
            Counter().buy(asks(server, 1))
        told = str(failure.value).partition("It said: ")[2]
    assert told.startswith("ab long long")
    assert len(told) <= 300


CONTENT: list[tuple[Answer, str]] = [
    (refusal(400, "filtered by policy", code="content_filter"), "content_filter"),
    (refusal(403, "flagged", metadata={"flagged_input": "...", "reasons": ["x"]}), "content_filter"),
    (refusal(400, "too many tokens", code="context_length_exceeded", param="messages"), "context_length"),
    (refusal(400, "the request exceeds the available context size, try increasing it"), "context_length"),
    (refusal(400, "This model's maximum context length is 4096 tokens. Reduce the messages."), "context_length"),
    (Answer(413, b"<html>too large</html>"), "context_length"),
    (refusal(400, "Could not finish the message because max_tokens or model output limit was reached."), "length"),
]


@pytest.mark.parametrize(("answer", "reason"), CONTENT, ids=[f"{reason} {n}" for n, (_, reason) in enumerate(CONTENT)])
def test_a_refusal_for_content_is_an_answer_that_cannot_be_read(answer: Answer, reason: str) -> None:
    counter = Counter()
    with serving(lambda hit: answer if hit.text == "q1" else completion("x")) as server:
        assert counter.buy(asks(server, 4))
        assert len(server.hits) == 4
    one = counter.by_key["q1"]
    assert (one.ok, one.text, one.finish_reason, one.error) == (True, "", reason, "")
    assert counter.lessons == []


REPLIES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"usage": None}, {"prompt_tokens": None, "completion_tokens": None, "text": "x"}),
    ({"usage": {"prompt_tokens": "7", "completion_tokens": -1}}, {"prompt_tokens": None, "completion_tokens": None}),
    ({"usage": {"prompt_tokens": 7, "prompt_tokens_details": {"cached_tokens": 4}}}, {"cached_tokens": 4}),
    ({"usage": {"prompt_tokens": 7, "prompt_tokens_details": {"cached_tokens": "4"}}}, {"cached_tokens": None}),
    ({"usage": {"prompt_tokens_details": "none"}}, {"cached_tokens": None, "prompt_tokens": None}),
    ({"choices": [{"message": {"content": None}, "finish_reason": None}]}, {"text": "", "finish_reason": ""}),
    (
        {"choices": [{"message": {"content": "a\x00\ud800b", "reasoning_content": "hm"}, "finish_reason": "length"}]},
        {"text": "ab", "finish_reason": "length"},
    ),
    ({"choices": [{"message": {"content": [{"type": "text", "text": "a"}, {"text": "b"}]}}]}, {"text": "ab"}),
    ({"model": 3, "system_fingerprint": None, "id": None}, {"model": "", "fingerprint": "", "request_id": ""}),
]


@pytest.mark.parametrize(("changes", "expected"), REPLIES)
def test_a_reply_is_read_leniently(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    counter = Counter()
    with serving(lambda hit: completion("x", **changes)) as server:
        assert counter.buy(asks(server, 1))
    assert {name: getattr(counter.bought[0], name) for name in expected} == expected


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    with serving(lambda hit: completion("x"), self_signed(tmp_path)) as server:
        with pytest.raises(EndpointFailure, match="TLS certificate that cannot be verified") as failure:
            Counter().buy(asks(server, 1))
        assert server.hits == []
    assert failure.value.lasting


def test_an_unreachable_address_is_named_with_what_to_check() -> None:
    with serving(lambda hit: completion("x")) as server:
        gone = target(server)
    with pytest.raises(EndpointFailure, match=r"does not accept connections; check the base URL") as failure:
        Counter().buy([ask("a", gone)])
    assert failure.value.lasting is False
    nowhere = target(server, base_url="http://no-such-host.invalid/v1")
    with pytest.raises(EndpointFailure, match="host name is not known"):
        Counter().buy([ask("a", nowhere)], limits(call_attempts=1))
