"""What a provider's key may use, and who answers instead of a model: on pages and in the API, with every refusal."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from app.gateway.listing import ModelInfo
from app.services import catalogue
from app.storage import endpoints
from tests.web.arena_world import World, elsewhere, serving
from tests.web.test_endpoint_findings import plain

BASE = "https://api.example.com/v1"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A provider with five models, and the practice models."""
    world = World.at(tmp_path)
    with world.database.write() as session:
        made = catalogue.add_provider(session, world.settings, "lab", BASE, "")
        for name in ("main", "second", "third", "fourth", "fifth"):
            catalogue.add_endpoint(session, made.id, name)
        catalogue.keep_practice(session, "http://127.0.0.1:9/v1", [ModelInfo("scholar-v1", "task", "", True)])
    yield world
    world.close()


def ids(world: World, *names: str) -> list[str]:
    return [world.endpoint(f"lab/{name}").id for name in names]


def provider_page(world: World) -> str:
    return f"/endpoints/providers/{world.endpoint('lab/main').provider_id}"


def limits(world: World) -> tuple[int | None, int | None, int | None]:
    with world.database.read() as session:
        found = endpoints.get_provider(session, world.endpoint("lab/main").provider_id)
    return found.in_flight, found.requests_per_minute, found.tokens_per_minute


def test_limits_are_set_shown_and_taken_away(world: World) -> None:
    visitor, page = world.visitor(), provider_page(world)
    assert limits(world) == (None, None, None)
    assert "at most" not in plain(visitor.read(page))
    typed: dict[str, object] = {"in_flight": "8", "requests_per_minute": "1,200", "tokens_per_minute": " "}
    assert visitor.send(f"{page}/limits", typed) == page
    assert limits(world) == (8, 1200, None)
    html = visitor.read(page)
    assert "at most 8 calls at once, 1,200 requests a minute" in html
    assert 'value="1200"' in html
    told: Any = visitor.json(page.removeprefix("/endpoints"))
    assert (told["in_flight"], told["requests_per_minute"], told["tokens_per_minute"]) == (8, 1200, None)
    api = f"/api/v1{page.removeprefix('/endpoints')}"
    assert visitor.client.patch(api, json={"tokens_per_minute": 90_000}).json()["in_flight"] == 8
    assert visitor.client.patch(api, json={"in_flight": None}).json()["tokens_per_minute"] == 90_000
    assert limits(world) == (None, 1200, 90_000)


@pytest.mark.parametrize("typed", ["0", "-1", "1.5", "many", "10001", "9" * 40, "²"])
def test_a_limit_that_is_none_is_named_at_its_field_and_nothing_is_saved(world: World, typed: str) -> None:
    visitor, page = world.visitor(), provider_page(world)
    html = visitor.send(f"{page}/limits", {"in_flight": typed, "requests_per_minute": "60"}, 422)
    assert "must be a whole number" in html.split('id="error-in_flight"')[1].split("</p>")[0]
    assert 'value="60"' in html
    assert limits(world) == (None, None, None)


@pytest.mark.parametrize("given", [0, -5, 1.5, True, "8", 2_000_000_000])
def test_the_api_refuses_the_same(world: World, given: object) -> None:
    api = f"/api/v1{provider_page(world).removeprefix('/endpoints')}"
    refused = world.visitor().client.patch(api, json={"tokens_per_minute": given, "in_flight": 3})
    assert refused.status_code == 422
    assert refused.json()["problems"][0]["where"] == "tokens_per_minute"
    assert limits(world) == (None, None, None)


def test_limits_of_the_environments_provider_are_set_here_and_those_of_the_practice_models_nowhere(
    world: World,
) -> None:
    world.settings = world.settings.model_copy(update={"openai_api_key": "sk-x", "openai_base_url": BASE})
    with world.database.write() as session:
        catalogue.keep_environment_provider(session, world.settings)
        openai = endpoints.provider_named(session, "openai")
        practice = endpoints.provider_named(session, "practice")
    assert openai
    assert practice
    visitor = world.visitor()
    visitor.send(f"/endpoints/providers/{openai.id}/limits", {"in_flight": "4"})
    with world.database.write() as session:
        catalogue.keep_environment_provider(session, world.settings)
        assert endpoints.get_provider(session, openai.id).in_flight == 4, "also after another start"
    assert "kept by Agon itself" in visitor.send(f"/endpoints/providers/{practice.id}/limits", {"in_flight": "4"}, 409)


def test_fallbacks_are_chosen_in_order_and_taken_away(world: World) -> None:
    visitor = world.visitor()
    (main, second, third) = ids(world, "main", "second", "third")
    here = f"/endpoints/{main}"
    assert visitor.send(f"{here}/fallbacks", {"fallback": [third, "", second], "counts": "yes"}) == here
    kept = world.endpoint("lab/main")
    assert (kept.fallbacks, kept.fallback_counts) == ([third, second], True)
    html = visitor.read(here).split('id="instead"')[1]
    chosen = [part.split('"')[0] for part in html.split('<option value="') if "selected" in part.split(">")[0]]
    assert chosen == [third, second]
    told = visitor.json(here)
    assert (told["fallbacks"], told["fallback_counts"]) == ([third, second], True)
    visitor.send(f"{here}/fallbacks", {"fallback": ["", "", ""]})
    kept = world.endpoint("lab/main")
    assert (kept.fallbacks, kept.fallback_counts) == ([], False)
    given = {"fallbacks": [second], "fallback_counts": True}
    assert visitor.client.put(f"/api/v1{here}/fallbacks", json=given).json()["fallbacks"] == [second]


def test_a_simulated_model_is_not_offered_and_neither_is_the_model_itself(world: World) -> None:
    html = world.visitor().read(f"/endpoints/{ids(world, 'main')[0]}")
    assert "lab/second</option>" in html
    assert "lab/main</option>" not in html
    assert "practice/scholar-v1</option>" not in html


WRONG = [
    (("main",), "cannot stand in for itself"),
    (("second", "second"), "one is chosen twice"),
    (("second", "third", "fourth", "fifth"), "3 models at most"),
    (("nobody",), "one of these is not there"),
    (("practice",), "one of these is not there"),
]


@pytest.mark.parametrize(("names", "sentence"), WRONG)
def test_what_cannot_be_a_fallback_is_told_and_nothing_is_saved(
    world: World, names: tuple[str, ...], sentence: str
) -> None:
    known = {"nobody": "abc", "practice": world.endpoint("practice/scholar-v1").id}
    wanted = [known.get(name) or ids(world, name)[0] for name in names]
    here, visitor = f"/endpoints/{ids(world, 'main')[0]}", world.visitor()
    html = visitor.send(f"{here}/fallbacks", {"fallback": wanted, "counts": "yes"}, 422)
    assert sentence in html.split('id="error-fallbacks"')[1].split("</p>")[0]
    refused = visitor.client.put(f"/api/v1{here}/fallbacks", json={"fallbacks": wanted})
    assert (refused.status_code, refused.json()["problems"][0]["where"]) == (422, "fallbacks")
    assert sentence in refused.json()["detail"]
    kept = world.endpoint("lab/main")
    assert (kept.fallbacks, kept.fallback_counts) == ([], False)


def test_two_models_may_fall_back_to_each_other_and_practice_models_to_none(world: World) -> None:
    visitor = world.visitor()
    main, second = ids(world, "main", "second")
    visitor.send(f"/endpoints/{main}/fallbacks", {"fallback": [second]})
    visitor.send(f"/endpoints/{second}/fallbacks", {"fallback": [main]})
    practice = f"/endpoints/{world.endpoint('practice/scholar-v1').id}"
    assert "When it does not answer" not in visitor.read(practice)
    visitor.send(f"{practice}/fallbacks", {"fallback": [main]}, 409)


def test_a_model_that_others_fall_back_to_is_not_deleted_before_they_let_go_of_it(world: World) -> None:
    visitor = world.visitor()
    main, second = ids(world, "main", "second")
    visitor.send(f"/endpoints/{main}/fallbacks", {"fallback": [second]})
    assert "1 model that falls back to it" in visitor.read(f"/endpoints/{second}")
    refused = visitor.client.delete(f"/api/v1/endpoints/{second}")
    assert refused.status_code == 409
    assert "lab/second is used by 1 model that falls back to it" in refused.json()["detail"]
    visitor.send(f"/endpoints/{main}/fallbacks", {})
    assert visitor.client.delete(f"/api/v1/endpoints/{second}").status_code == 204
    assert visitor.client.delete(f"/api/v1/endpoints/{main}").status_code == 204, "its own fallbacks hold nothing"


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_limits_and_fallbacks_are_set_in_a_browser(world: World, browser: Browser, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    with serving(world.app()) as home:
        addresses = list[str]()
        elsewhere(lambda: addresses.extend([provider_page(world), *ids(world, "main")])).join()
        page.goto(f"{home}{addresses[0]}")
        page.get_by_label("Calls at once").fill("8")
        page.get_by_role("button", name="Save limits").click()
        expect(page.get_by_text("at most 8 calls at once")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.goto(f"{home}/endpoints/{addresses[1]}")
        page.get_by_label("First fallback").select_option("lab/third")
        page.get_by_label("Score rows that a fallback answered").check()
        page.get_by_role("button", name="Save fallbacks").click()
        expect(page.get_by_label("First fallback").locator("option:checked")).to_have_text("lab/third")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()
