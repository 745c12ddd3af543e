"""The endpoints page's two questions: does one call work, and which models are there?"""

import pytest

from app.errors import EndpointFailure
from app.gateway.guard import Policy
from app.gateway.limits import Limits
from app.gateway.probe import ModelInfo, list_models, try_endpoint
from app.settings import Settings
from tests.gateway.counter import KEY, Counter, limits, target
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


def test_one_tiny_call_shows_that_an_endpoint_works() -> None:
    with serving(lambda hit: completion("ok")) as server:
        bought = try_endpoint(target(server), limits())
        assert len(server.hits) == 1
    assert (bought.ok, bought.text, bought.model) == (True, "ok", "served-model")


def test_the_tiny_call_learns_what_the_endpoint_refuses() -> None:
    counter = Counter()
    with serving(
        lambda hit: refusal(400, "no", param="temperature") if "temperature" in hit.body else completion("ok")
    ) as server:
        assert try_endpoint(target(server), limits(), counter.learned).attempts == 2
    assert counter.lessons == [("e1", frozenset({"temperature"}), ())]


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
def test_trying_an_endpoint_that_does_not_work_says_why(answer: Answer, told: str) -> None:
    with serving(lambda hit: answer) as server, pytest.raises(EndpointFailure, match=told) as failure:
        try_endpoint(target(server), limits(call_deadline=0.5))
    assert KEY not in str(failure.value)


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
