"""Prices in the browser's eyes: typed in, taken from the shipped list, to come, forgotten, and not known."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from app.storage.base import now
from tests.web.arena_world import World
from tests.web.test_endpoints_pages import add, stored


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World.at(tmp_path)
    yield world
    world.close()


def test_prices_are_changed_and_forgotten(world: World) -> None:
    visitor = world.visitor()
    stored(world)
    here = f"/endpoints/{world.endpoint('lab/small-1').id}"
    html = visitor.read(here)
    assert 'value="0.15"' in html
    assert "nothing yet" in html
    assert f'href="{here}"' in visitor.read("/endpoints")
    assert visitor.send(here, {"price_in": "2", "price_out": ""}) == here
    assert (world.endpoint("lab/small-1").price_in, world.endpoint("lab/small-1").price_out) == (2_000_000, None)
    html = visitor.send(here, {"price_in": "3", "price_out": "much"}, 422)
    assert "must be a price" in html.split('id="error-price_out"')[1]
    assert world.endpoint("lab/small-1").price_in == 2_000_000
    told = visitor.client.patch(f"/api/v1{here}", json={"price_out": 0.5}).json()
    assert (told["price_in"], told["price_out"]) == (2_000_000, 500_000)
    told = visitor.client.patch(f"/api/v1{here}", json={"price_in": None}).json()
    assert (told["price_in"], told["price_out"]) == (None, 500_000)
    refused = visitor.client.patch(f"/api/v1{here}", json={"price_in": 1, "price_out": -1})
    assert (refused.status_code, refused.json()["problems"][0]["where"]) == (422, "price_out")
    assert visitor.json(here)["price_in"] is None


def test_a_model_without_a_price_costs_nobody_knows_what(world: World) -> None:
    visitor = world.visitor()
    page = stored(world)
    visitor.send(f"{page}/endpoints", {"model": "dear"})
    assert (world.endpoint("lab/dear").price_in, world.endpoint("lab/dear").price_out) == (None, None)
    assert "unknown" in visitor.read("/endpoints")


def test_a_price_can_begin_later_and_the_history_keeps_all(world: World) -> None:
    visitor = world.visitor()
    page = add(visitor, "https://api.openai.com/v1")
    visitor.send(f"{page}/endpoints", {"model": "gpt-4o-mini"})
    here = f"/endpoints/{world.endpoint('lab/gpt-4o-mini').id}"
    assert world.endpoint("lab/gpt-4o-mini").price_in == 150_000
    assert "the shipped price list, litellm" in visitor.read(here)
    later = (now() + timedelta(days=3)).date()
    assert visitor.send(here, {"price_in": "9", "price_out": "8", "starts": later.isoformat()}) == here
    assert world.endpoint("lab/gpt-4o-mini").price_in == 150_000, "it has not begun"
    assert "to come" in visitor.read(here)
    visitor.client.patch(f"/api/v1{here}", json={"price_in": 1})
    told = visitor.json(here)["prices"]
    assert isinstance(told, list)
    assert [(one["price_in"], one["price_out"], one["source"]) for one in told[:2]] == [
        (9_000_000, 8_000_000, "person"),
        (1_000_000, 600_000, "person"),
    ]
    assert told[2]["source"].startswith("snapshot litellm")
    for starts, sentence in (("2020-01-01", "must be today or a later day"), ("soon", "must be a day")):
        html = visitor.send(here, {"price_in": "1", "price_out": "1", "starts": starts}, 422)
        assert sentence in html.split('id="error-starts"')[1]
    assert len(visitor.json(here)["prices"]) == 3  # type: ignore[arg-type]


def test_a_server_of_ones_own_costs_nothing_and_says_so(world: World) -> None:
    visitor = world.visitor()
    page = add(visitor, "http://127.0.0.1:11434/v1")
    visitor.send(f"{page}/endpoints", {"model": "llama"})
    assert (world.endpoint("lab/llama").price_in, world.endpoint("lab/llama").price_out) == (0, 0)
    here = f"/endpoints/{world.endpoint('lab/llama').id}"
    assert "a server of your own, which sends no bill" in visitor.read(here)
    visitor.send(here, {"price_in": "1", "price_out": "2"})
    assert world.endpoint("lab/llama").price_out == 2_000_000


def test_a_provider_that_moves_takes_the_prices_of_its_new_address_but_keeps_a_persons(world: World) -> None:
    visitor = world.visitor()
    page = add(visitor, "http://127.0.0.1:11434/v1")
    for model in ("gpt-4o-mini", "own"):
        visitor.send(f"{page}/endpoints", {"model": model})
    visitor.send(f"{page}/endpoints", {"model": "set", "price_in": "3", "price_out": "4"})
    visitor.send(page, {"base_url": "https://api.openai.com/v1"})
    found = {name: world.endpoint(f"lab/{name}") for name in ("gpt-4o-mini", "own", "set")}
    assert {name: one.price_in for name, one in found.items()} == {
        "gpt-4o-mini": 150_000,
        "own": None,
        "set": 3_000_000,
    }
    assert "not known at this address" in visitor.read(f"/endpoints/{found['own'].id}")
    visitor.send(page, {"base_url": "https://api.openai.com/v1"})
    assert len(world.endpoint("lab/own").prices) == 2, "the same address again changes nothing"
