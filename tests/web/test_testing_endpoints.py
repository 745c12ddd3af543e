"""The test of a model on its page: what it shows, what it logs, and what is said when the model does not answer."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, text

from app.storage.answers import Call
from tests.gateway.scripted import Answer, Hit, completion, refusal
from tests.gateway.scripted import serving as scripted
from tests.web.arena_world import World
from tests.web.test_endpoints_pages import KEY, add


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World.at(tmp_path)
    yield world
    world.close()


def test_a_test_shows_the_reply_is_logged_and_holds_no_transaction(world: World) -> None:
    def script(hit: Hit) -> Answer:
        with world.database.write() as session:
            session.execute(text("create table if not exists written_meanwhile (n integer)"))
        return completion("ok")

    visitor = world.visitor()
    with scripted(script) as server:
        add(visitor, server.base_url)
        with world.database.write() as session:
            session.execute(delete(Call))
        html = visitor.send(f"/endpoints/{world.endpoint('lab/small-1').id}/test", status=200)
        assert {hit.headers["authorization"] for hit in server.hits} == {f"Bearer {KEY}"}
    assert "lab/small-1 answers." in html
    assert "“ok”" in html
    assert "served by served-model" in html
    assert "5 calls: 35 tokens in, 10 out, cost $0.00001" in html
    with world.database.read() as session:
        calls = session.scalars(select(Call)).all()
    assert {(call.purpose, call.ok, call.campaign_id, call.cost) for call in calls} == {("test", True, None, 2)}
    asked = "".join(visitor.read(f"/calls/{call.id}") for call in calls)
    assert "Reply with the word ok." in asked
    assert "Is grass usually green?" in asked


def test_what_an_endpoint_refuses_is_learned_and_shown(world: World) -> None:
    def script(hit: Hit) -> Answer:
        if "max_tokens" in hit.body:
            return refusal(400, "Unsupported parameter: 'max_tokens'", param="max_tokens")
        if "temperature" in hit.body:
            return refusal(400, "'temperature' does not support 0", param="temperature")
        return completion("ok")

    visitor = world.visitor()
    with scripted(script) as server:
        add(visitor, server.base_url)
        endpoint = world.endpoint("lab/small-1")
        html = visitor.send(f"/endpoints/{endpoint.id}/test", status=200)
    assert "after 3 requests" in html
    html = visitor.read("/endpoints")
    assert "temperature is left out; max_tokens is sent as max_completion_tokens" in html
    told: Any = visitor.client.get("/api/v1/endpoints").json()
    assert told[0]["endpoints"][0]["dropped"] == ["temperature"]


FAULTS = [
    (refusal(401, "Incorrect API key"), "refuses the key (401); enter a valid API key for this provider."),
    (refusal(404, "The model `small-1` does not exist"), "there is no such model (404); correct the model"),
    (refusal(404, "Not found"), "check the base URL; it usually ends in /v1."),
    (Answer(200, b"<html>hello</html>"), "check that the base URL speaks OpenAI"),
]


@pytest.mark.parametrize(("answer", "sentence"), FAULTS)
def test_a_fault_comes_with_a_sentence_that_says_what_to_do(world: World, answer: Answer, sentence: str) -> None:
    visitor = world.visitor()
    with scripted(lambda hit: answer) as server:
        add(visitor, server.base_url)
        address = f"/endpoints/{world.endpoint('lab/small-1').id}/test"
        world.settings = world.settings.model_copy(update={"call_attempts": 1})
        html = world.visitor().send(address, status=200)
        refused = visitor.client.post(f"/api/v1{address}", json={})
    assert "It cannot be used yet." in html
    assert sentence in html.replace("&#39;", "'")
    assert KEY not in html
    assert refused.status_code == 503
    assert sentence in refused.json()["detail"]


def test_a_failed_test_is_in_the_log_of_calls(world: World) -> None:
    def script(hit: Hit) -> Answer:
        if "temperature" in hit.body:
            return refusal(400, "'temperature' does not support 0", param="temperature")
        return refusal(401, "Incorrect API key")

    visitor = world.visitor()
    with scripted(script) as server:
        add(visitor, server.base_url)
        asked = len(server.hits)
    with world.database.read() as session:
        call = session.scalars(select(Call)).one()
    assert (call.purpose, call.ok, call.attempts) == ("test", False, asked)
    assert "refuses the key (401)" in call.error
    assert KEY not in call.error
    assert world.endpoint("lab/small-1").dropped == [], "what was never seen to work is not remembered"
    assert "refuses the key (401)" in visitor.read(f"/calls/{call.id}")


def test_a_call_that_could_not_be_made_is_not_logged(world: World) -> None:
    visitor = world.visitor()
    add(visitor, "https://api.example.com/v1", key="no key hás this")
    html = visitor.send(f"/endpoints/{world.endpoint('lab/small-1').id}/test", status=200)
    assert "holds characters that no key has" in html
    with world.database.read() as session:
        assert session.scalars(select(Call)).all() == []


def test_an_address_where_nobody_listens_is_told(world: World) -> None:
    visitor = world.visitor()
    with scripted(lambda hit: completion("ok")) as server:
        page = add(visitor, server.base_url)
    world.settings = world.settings.model_copy(update={"call_attempts": 1})
    visitor = world.visitor()
    html = visitor.send(f"/endpoints/{world.endpoint('lab/small-1').id}/test", status=200)
    assert "does not accept connections; check the base URL and that the server runs." in html
    assert "cannot be listed." in visitor.send(f"{page}/models", status=200)
