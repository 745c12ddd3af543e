"""The endpoints page's two questions: what can this endpoint do, and which models are there?"""

import re
from dataclasses import replace
from typing import Any

import pytest

from app.domain.capabilities import Capabilities
from app.errors import EndpointFailure
from app.gateway.guard import Policy
from app.gateway.limits import Limits
from app.gateway.parameters import Traits
from app.gateway.probe import ModelInfo, list_models, probe
from app.settings import Settings
from tests.gateway.counter import KEY, limits, target
from tests.gateway.players import PLAYERS, openai, reasoning
from tests.gateway.scripted import Answer, Hit, completion, refusal, serving

LISTED = {
    "object": "list",
    "data": [
        {"id": "practice-reader-1", "role": "task", "about": "reads it all", "simulated": True},
        {"id": "gpt-x", "owned_by": "somebody", "simulated": "yes", "role": 3},
        {"name": "no id"},
        "nonsense",
    ],
}


FULL = Capabilities(
    temperature=True,
    length_limit="max_tokens",
    usage=True,
    seed=True,
    user=True,
    stop=True,
    logprobs=True,
    top_logprobs=20,
    json_schema=True,
    json_object=True,
)


@pytest.mark.parametrize("name", PLAYERS)
def test_a_probe_finds_out_what_each_make_of_server_can_do(name: str) -> None:
    make, differs = PLAYERS[name]
    with serving(make()) as server:
        probed = probe(target(server), limits())
    assert probed.fault is None
    assert probed.capabilities == replace(FULL, **differs)


def test_a_probe_is_a_few_calls_that_are_all_kept_for_the_log() -> None:
    with serving(openai()) as server:
        probed = probe(target(server), limits())
        chats = [hit for hit in server.hits if hit.method == "POST"]
    assert [one.question.name for one in probed.asked] == [
        "hello", "accepted", "logprobs", "json_schema", "json_object",
    ]  # fmt: skip
    assert sum(one.purchase.attempts for one in probed.asked) == len(chats) == 5
    assert all(one.purchase.ok and one.purchase.prompt_tokens == 7 for one in probed.asked)
    assert all(hit.body["max_tokens"] <= 64 for hit in chats)
    assert all(hit.headers["authorization"] == f"Bearer {KEY}" for hit in server.hits)


def test_a_probe_forgets_what_was_known_and_learns_it_again() -> None:
    with serving(openai()) as server:
        wrong = target(server, dropped=frozenset({"temperature"}), renamed=(("max_tokens", "max_completion_tokens"),))
        assert probe(wrong, limits()).traits == Traits()
    with serving(reasoning()) as server:
        probed = probe(target(server), limits())
        assert probed.asked[0].purchase.attempts == 3
        later = [hit.body["max_completion_tokens"] for hit in server.hits[3:] if hit.method == "POST"]
    assert probed.traits == Traits(frozenset({"temperature"}), (("max_tokens", "max_completion_tokens"),))
    assert set(later) == {2048}, "a model that thought all its room away gets more"


def test_even_the_most_refusing_server_is_asked_few_things() -> None:
    for name, (make, _) in PLAYERS.items():
        with serving(make()) as server:
            probe(target(server), limits())
            assert len([hit for hit in server.hits if hit.method == "POST"]) <= 14, name


@pytest.mark.parametrize(
    "trouble", [refusal(500, "oops"), Answer(drop=True), Answer(delay=30.0), Answer(200, b"<html>")]
)
def test_what_a_question_does_not_answer_is_not_found_out_and_not_denied(trouble: Answer) -> None:
    plays = openai()

    def script(hit: Hit) -> Answer:
        return trouble if "response_format" in hit.body or "logprobs" in hit.body else plays(hit)

    with serving(script) as server:
        probed = probe(target(server), limits(call_deadline=1.0))
    unknown: dict[str, Any] = {"logprobs": None, "top_logprobs": 0, "json_schema": None, "json_object": None}
    assert probed.capabilities == replace(FULL, **unknown)


def test_a_reply_that_was_cut_off_proves_nothing() -> None:
    def script(hit: Hit) -> Answer:
        cut = completion('{"answer": "y')
        cut.body["choices"][0]["finish_reason"] = "length"
        return cut

    with serving(script) as server:
        found = probe(target(server), limits()).capabilities
    assert (found.json_schema, found.json_object, found.stop) == (None, None, None)


@pytest.mark.parametrize(
    ("text", "follows"),
    [
        ('{"answer": "yes", "sure": true}', True),
        ('{"answer": "green", "sure": true}', False),
        ('{"answer": "yes", "sure": "true"}', False),
        ('{"answer": "yes", "sure": true, "why": ""}', False),
        ("Yes.", False),
        ("[" * 100_000, False),
        ("null", False),
    ],
)
def test_a_schema_counts_only_when_the_reply_keeps_to_it(text: str, follows: bool) -> None:
    with serving(lambda hit: completion(text)) as server:
        assert probe(target(server), limits()).capabilities.json_schema is follows


@pytest.mark.parametrize(
    "told",
    [None, {}, {"content": None}, {"content": []}, {"content": [{"token": "ok"}]}, {"content": [{"logprob": "-1"}]},
     {"tokens": ["ok"], "token_logprobs": [-0.1]}, "yes"],
)  # fmt: skip
def test_probabilities_count_only_when_the_reply_holds_them(told: Any) -> None:
    def script(hit: Hit) -> Answer:
        reply = completion("ok")
        reply.body["choices"][0]["logprobs"] = told
        return reply

    with serving(script) as server:
        assert probe(target(server), limits()).capabilities.logprobs is False


def test_a_crowded_server_is_given_the_time_it_asks_for() -> None:
    plays, asked_before = openai(), list[dict[str, Any]]()

    def script(hit: Hit) -> Answer:
        if hit.body in asked_before:
            return plays(hit)
        asked_before.append(hit.body)
        return refusal(429, "slow down", {"retry-after": "0.05"})

    with serving(script) as server:
        probed = probe(target(server), limits())
    assert probed.capabilities == FULL
    assert {one.purchase.attempts for one in probed.asked} == {2}


def test_a_server_that_goes_on_being_crowded_is_a_fault_with_its_wait() -> None:
    with serving(lambda hit: refusal(429, "slow down", {"retry-after": "7"})) as server:
        probed = probe(target(server), limits(call_deadline=1.0))
        assert len(server.hits) == 1
    assert probed.fault is not None
    assert (probed.fault.lasting, probed.fault.wait) == (False, 7.0)


def test_a_base_url_in_azures_form_is_used_as_it_is() -> None:
    with serving(openai()) as server:
        azure = target(server, base_url=server.base_url.replace("/v1", "/openai/v1/"))
        assert probe(azure, limits()).capabilities == FULL
        paths = {(hit.method, hit.path) for hit in server.hits}
    chats, lists = "/openai/v1/chat/completions", {"/openai/v1/models", "/openai/v1/model/info"}
    assert paths == {("POST", chats), *(("GET", path) for path in lists)}


def test_no_more_than_the_limit_is_under_way_at_once() -> None:
    with serving(openai()) as server:
        probe(target(server), limits(in_flight=1))
        assert server.most == 1


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (refusal(401, f"bad key {KEY}"), "refuses the key"),
        (refusal(404, "model 'small' not found"), "no such model"),
        (Answer(404, b"<h1>Not Found</h1>"), "check the base URL"),
        (Answer(200, b"<html>Welcome</html>"), "answers with a web page, not with JSON"),
        (Answer(delay=30.0), "did not answer within"),
    ],
)
def test_probing_an_endpoint_that_does_not_work_says_why(answer: Answer, told: str) -> None:
    with serving(lambda hit: answer) as server:
        probed = probe(target(server), limits(call_deadline=0.5))
    assert probed.fault is not None
    assert re.search(told, probed.fault.sentence)
    assert KEY not in probed.fault.sentence
    assert [(one.purchase.ok, one.purchase.error) for one in probed.asked] == [(False, probed.fault.sentence)]
    assert probed.capabilities == Capabilities()


def test_what_cannot_even_be_asked_is_refused_before_a_connection() -> None:
    with serving(openai()) as server:
        with pytest.raises(EndpointFailure, match="private or reserved"):
            probe(target(server), limits(policy=Policy()))
        assert server.connections == 0


def test_models_are_listed_with_what_the_practice_server_adds() -> None:
    with serving(lambda hit: Answer(body=LISTED)) as server:
        listed = list_models(server.base_url, KEY, limits())
        assert [(hit.method, hit.path) for hit in server.hits] == [("GET", "/v1/models")]
        assert server.hits[0].headers["authorization"] == f"Bearer {KEY}"
    assert listed == (ModelInfo("practice-reader-1", "task", "reads it all", True), ModelInfo("gpt-x"))


@pytest.mark.parametrize(
    ("answer", "told", "lasting"),
    [
        (refusal(401, f"bad key {KEY}"), "refuses the key", True),
        (Answer(404, b"<h1>Not Found</h1>"), "/v1/models does not exist", True),
        (Answer(200, b"<html>Welcome</html>"), "web page", True),
        (Answer(200, {"models": []}), "lists no models", True),
        (refusal(500, "oops"), "fault of its own", False),
        (Answer(delay=30.0), "did not answer within", False),
        (Answer(drop=True), "broke the connection", False),
    ],
)
def test_a_list_that_cannot_be_had_says_why(answer: Answer, told: str, lasting: bool) -> None:
    with serving(lambda hit: answer) as server, pytest.raises(EndpointFailure, match=told) as failure:
        list_models(server.base_url, KEY, limits(call_deadline=0.5))
    assert failure.value.lasting is lasting
    assert KEY not in str(failure.value)


def test_listing_keeps_to_the_guard() -> None:
    with serving(lambda hit: Answer(body=LISTED)) as server:
        with pytest.raises(EndpointFailure, match="private or reserved"):
            list_models(server.base_url, KEY, limits(policy=Policy()))
        assert server.connections == 0


def test_a_redirect_to_a_forbidden_place_is_not_followed() -> None:
    def script(hit: Hit) -> Answer:
        return Answer(302, b"", {"Location": f"{server.base_url}/elsewhere"})

    with serving(script) as server:
        with pytest.raises(EndpointFailure, match="redirects"):
            list_models(server.base_url, KEY, limits())
        assert len(server.hits) == 1


def test_limits_come_from_the_settings() -> None:
    made = Limits.of(Settings(host="0.0.0.0", in_flight=3, call_deadline=9.0, call_attempts=2, save_every=7))
    assert (made.in_flight, made.call_deadline, made.call_attempts, made.save_every) == (3, 9.0, 2, 7)
    assert made.policy == Policy(allow_private=False)
