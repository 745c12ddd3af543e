"""What a model can do: found out when it is added and when it is tested, shown with its date, on pages and in the API."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.services import catalogue
from app.storage import endpoints
from app.storage.answers import Call
from tests.gateway.players import PLAYERS, openai, reasoning
from tests.gateway.scripted import Answer, Hit, refusal
from tests.gateway.scripted import serving as scripted
from tests.web.arena_world import Visitor, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World.at(tmp_path)
    yield world
    world.close()


def add(visitor: Visitor, base_url: str) -> str:
    """A provider with the model `small`, through the forms; gives the address of the model's page."""
    page = visitor.send("/endpoints/providers/new", {"name": "lab", "base_url": base_url})
    return visitor.send(f"{page}/endpoints", {"model": "small"})


def plain(html: str) -> str:
    """The words of a page, as a reader sees them."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.replace("<wbr>", ""))).replace("&#39;", "'")


def test_adding_a_model_finds_out_what_it_can_do_and_shows_it(world: World) -> None:
    visitor = world.visitor()
    with scripted(openai()) as server:
        here = add(visitor, server.base_url)
    html = plain(visitor.read(here))
    assert "found out" in html
    assert "Token probabilities yes With up to 20 alternatives a token" in html
    assert "Length limit yes Set by max_tokens" in html
    assert "Context size open The server does not tell" in html
    assert "Test again" in html
    assert "all that was asked about" in plain(visitor.read("/endpoints"))
    told: Any = visitor.json(here)
    assert (told["capabilities"]["logprobs"], told["capabilities"]["top_logprobs"], told["missing"]) == (True, 20, [])
    assert (told["probed_at"] is not None, told["failed_at"], told["failure"]) == (True, None, "")


@pytest.mark.parametrize("name", PLAYERS)
def test_no_make_of_server_is_refused_for_what_it_lacks(world: World, name: str) -> None:
    make, _ = PLAYERS[name]
    visitor = world.visitor()
    with scripted(make()) as server:
        here = add(visitor, server.base_url)
        assert "lab/small answers." in visitor.send(f"{here}/test", status=200)
    assert visitor.json(here)["failure"] == ""


def test_what_is_missing_is_said_with_what_is_done_instead(world: World) -> None:
    visitor = world.visitor()
    with scripted(reasoning()) as server:
        here = add(visitor, server.base_url)
        tested: Any = visitor.client.post(f"/api/v1{here}/test", json={}).json()
    html = plain(visitor.read(here))
    assert "Token probabilities no Scores that need them will use votes of repeated replies" in html
    assert "Temperature 0 no Temperature is left out, so the model chooses and repeats may differ" in html
    assert "Length limit yes Set by max_completion_tokens" in html
    assert "temperature is left out; max_tokens is sent as max_completion_tokens" in html
    assert "all but token probabilities, temperature 0, stop words" in plain(visitor.read("/endpoints"))
    missing = visitor.json(here)["missing"]
    assert isinstance(missing, list)
    assert missing[0] == "no token probabilities: scores that need them will use votes of repeated replies"
    assert tested["capabilities"]["temperature"] is False
    assert tested["dropped"] == ["temperature"]


def test_a_model_that_does_not_answer_is_there_and_says_so(world: World) -> None:
    visitor = world.visitor()
    with scripted(lambda hit: refusal(401, "Incorrect API key")) as server:
        here = add(visitor, server.base_url)
        added = visitor.client.post(f"/api/v1{provider_page(world)}/endpoints", json={"model": "other"})
    html = plain(visitor.read(here))
    assert "It does not answer." in html
    assert "asks for a key (401); enter a valid API key for this provider." in html
    assert "Test again" in html
    assert "does not answer" in plain(visitor.read("/endpoints"))
    assert added.status_code == 201
    assert "asks for a key" in added.json()["failure"]
    assert (added.json()["capabilities"], added.json()["probed_at"]) == (None, None)


def provider_page(world: World) -> str:
    return f"/providers/{world.endpoint('lab/small').provider_id}"


def test_what_was_found_stays_while_a_later_test_has_no_answer(world: World) -> None:
    visitor, plays, away = world.visitor(), openai(), [False]

    def script(hit: Hit) -> Answer:
        return refusal(500, "oops") if away[0] else plays(hit)

    with scripted(script) as server:
        here = add(visitor, server.base_url)
        away[0] = True
        assert "It cannot be used yet." in visitor.send(f"{here}/test", status=200)
        html = plain(visitor.read(here))
        assert "It does not answer." in html
        assert "With up to 20 alternatives" in html
        away[0] = False
        visitor.send(f"{here}/test", status=200)
    assert "It does not answer." not in visitor.read(here)


def test_a_probe_corrects_what_calls_had_learned(world: World) -> None:
    visitor = world.visitor()
    with scripted(openai()) as server:
        here = add(visitor, server.base_url)
        with world.database.write() as session:
            endpoint = endpoints.get(session, here.rsplit("/", 1)[1])
            endpoint.dropped, endpoint.renamed = ["max_tokens", "seed", "temperature"], {"max_tokens": "other"}
        visitor.send(f"{here}/test", status=200)
    endpoint = world.endpoint("lab/small")
    assert (endpoint.dropped, endpoint.renamed) == (["max_tokens"], {}), "that a length was too large is not asked anew"


def test_what_a_probe_finds_refused_is_left_out_of_calls(world: World) -> None:
    make, _ = PLAYERS["strict"]
    with scripted(make()) as server:
        add(world.visitor(), server.base_url)
    assert world.endpoint("lab/small").dropped == ["seed"]


def test_what_is_refused_without_a_name_is_found_by_leaving_things_out(world: World) -> None:
    make, _ = PLAYERS["mute about both"]
    with scripted(make()) as server:
        here = add(world.visitor(), server.base_url)
    endpoint = world.endpoint("lab/small")
    assert endpoint.dropped == ["seed", "temperature"]
    assert endpoint.renamed == {"max_tokens": "max_completion_tokens"}
    assert "It does not answer." not in world.visitor().read(here)


def test_another_base_url_forgets_what_was_found_out(world: World) -> None:
    visitor = world.visitor()
    with scripted(reasoning()) as server:
        here = add(visitor, server.base_url)
    visitor.send(f"/endpoints{provider_page(world)}", {"base_url": "https://api.example.com/v1"})
    told = visitor.json(here)
    assert (told["probed_at"], told["capabilities"], told["dropped"], told["renamed"]) == (None, None, [], {})
    assert "It was not tested yet." in visitor.read(here)


def test_every_question_is_logged_also_those_that_were_refused(world: World) -> None:
    make, _ = PLAYERS["litellm"]
    with scripted(make()) as server:
        add(world.visitor(), server.base_url)
        bought = len([hit for hit in server.hits if hit.method == "POST"])
    with world.database.read() as session:
        calls = session.scalars(select(Call)).all()
    assert sum(call.attempts for call in calls) == bought
    assert {call.purpose for call in calls} == {"test"}
    failed = [call for call in calls if not call.ok]
    assert failed
    assert all("logprobs" in call.error for call in failed)


def test_a_model_that_is_only_known_is_marked_as_not_tested(world: World) -> None:
    with world.database.write() as session:
        made = catalogue.add_provider(session, world.settings, "lab", "https://api.example.com/v1", "")
        here = f"/endpoints/{catalogue.add_endpoint(session, made.id, 'small').id}"
    visitor = world.visitor()
    assert "not tested" in visitor.read("/endpoints")
    assert "It was not tested yet." in visitor.read(here)
    assert "Test it" in visitor.read(here)
