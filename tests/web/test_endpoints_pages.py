"""Providers and endpoints: added, changed and tested by a person, with keys that nobody sees again."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import Engine, event, select

from app.gateway.probe import ModelInfo
from app.services import catalogue
from app.storage import endpoints
from app.storage.endpoints import Provider
from app.storage.secrets import decrypt
from tests.gateway.scripted import Answer, Server, completion, refusal
from tests.gateway.scripted import serving as scripted
from tests.web.arena_world import Visitor, World, elsewhere, played, serving

KEY = "sk-very-secret-123456"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World.at(tmp_path)
    yield world
    world.close()


def provider(world: World, name: str = "lab") -> Provider:
    with world.database.read() as session:
        found = endpoints.provider_named(session, name)
    assert found is not None
    return found


def add(visitor: Visitor, base_url: str, key: str = KEY, model: str = "small-1") -> str:
    """A provider with one model, through the forms, which also test it; gives the address of the provider's page."""
    page = visitor.send("/endpoints/providers/new", {"name": "lab", "base_url": base_url, "key": key})
    added = visitor.send(f"{page}/endpoints", {"model": model, "price_in": "0.15", "price_out": "0.6"})
    assert f'href="{page}"' in visitor.read(added)
    return page


def stored(world: World, base_url: str = "https://api.example.com/v1", key: str = KEY) -> str:
    """The same without a test, for addresses that nobody may ask."""
    with world.database.write() as session:
        made = catalogue.add_provider(session, world.settings, "lab", base_url, key)
        catalogue.add_endpoint(session, made.id, "small-1", {"price_in": 0.15, "price_out": 0.6})
        return f"/endpoints/providers/{made.id}"


def test_a_provider_and_a_model_are_added_and_the_key_is_never_shown(world: World) -> None:
    visitor = world.visitor()
    page = stored(world, "https://api.example.com/v1/")
    html = visitor.read("/endpoints") + visitor.read(page) + str(visitor.client.get("/api/v1/endpoints").json())
    assert "https://api.example.com/v1 · key set" in html
    assert "$0.15 in, $0.60 out" in html
    assert KEY not in html
    assert KEY[:10] not in html
    kept = provider(world).encrypted_key
    assert kept
    assert KEY not in kept
    assert decrypt(world.settings, kept) == KEY


WRONG = [
    ({"name": ""}, "error-name", "a short name"),
    ({"name": "a/b"}, "error-name", "a short name"),
    ({"base_url": "ftp://example.com"}, "error-base_url", "must start with http:// or https://"),
    ({"base_url": "https://u:p@example.com/v1"}, "error-base_url", "must not hold a user name or password"),
    ({"base_url": "http://169.254.169.254/v1"}, "error-base_url", "private or reserved address"),
]


@pytest.mark.parametrize(("changes", "place", "sentence"), WRONG)
def test_what_is_wrong_with_a_provider_is_named_at_its_field(
    world: World, changes: dict[str, str], place: str, sentence: str
) -> None:
    fields: dict[str, object] = {"name": "lab", "base_url": "https://api.example.com/v1", "key": KEY, **changes}
    html = world.visitor().send("/endpoints/providers/new", fields, 422)
    assert sentence in html.split(f'id="{place}"')[1].split("</p>")[0]
    assert f'value="{fields["base_url"]}"' in html
    assert KEY not in html


def test_a_key_that_the_refused_form_does_not_show_is_asked_for_again(world: World) -> None:
    visitor = world.visitor()
    fields: dict[str, object] = {"name": "", "base_url": "https://api.example.com/v1", "key": KEY}
    html = visitor.send("/endpoints/providers/new", fields, 422)
    assert "Enter the key again" in html.split('id="error-key"')[1]
    assert 'id="error-key"' not in visitor.send("/endpoints/providers/new", {**fields, "key": ""}, 422)
    page = stored(world)
    html = visitor.send(page, {"base_url": "nowhere", "key": KEY}, 422)
    assert "Enter the key again" in html.split('id="error-key"')[1]


@pytest.mark.parametrize("name", ["practice", "Practice", " practice "])
def test_nobody_takes_the_name_of_the_practice_models(world: World, name: str) -> None:
    visitor = world.visitor()
    html = visitor.send("/endpoints/providers/new", {"name": name, "base_url": "https://a.example.com/v1"}, 422)
    assert "choose another one" in html.split('id="error-name"')[1]
    refused = visitor.client.post("/api/v1/providers", json={"name": name, "base_url": "https://a.example.com/v1"})
    assert (refused.status_code, refused.json()["problems"][0]["where"]) == (422, "name")


def test_a_provider_that_took_the_practice_models_name_before_becomes_simulated_and_loses_its_key(world: World) -> None:
    with world.database.write() as session:
        session.add(Provider(name="practice", base_url="https://a.example.com/v1", encrypted_key="old"))
    with world.database.write() as session:
        catalogue.keep_practice(session, "http://127.0.0.1:9/v1", [])
    kept = provider(world, "practice")
    assert (kept.simulated, kept.encrypted_key, kept.base_url) == (True, None, "http://127.0.0.1:9/v1")


def test_the_provider_of_the_environment_is_changed_there_alone(world: World) -> None:
    world.settings = world.settings.model_copy(
        update={"openai_api_key": KEY, "openai_base_url": "https://o.example/v1"}
    )
    with world.database.write() as session:
        catalogue.keep_environment_provider(session, world.settings)
    visitor = world.visitor()
    page = f"/endpoints/providers/{provider(world, 'openai').id}"
    html = visitor.read(page)
    assert "come from OPENAI_BASE_URL and OPENAI_API_KEY" in html
    assert 'name="base_url"' not in html
    assert 'name="model"' in html, "its models are added by a person"
    for path, fields in (
        (page, {"base_url": "https://b.example.com/v1"}),
        (f"{page}/key/delete", {}),
        (f"{page}/delete", {}),
    ):
        assert "come from OPENAI_BASE_URL" in visitor.send(path, dict(fields), 409)
    refused = visitor.client.put(f"/api/v1{page.removeprefix('/endpoints')}", json={"base_url": "https://b.example/v1"})
    assert (refused.status_code, "OPENAI_BASE_URL" in refused.json()["detail"]) == (409, True)
    world.settings = world.settings.model_copy(update={"openai_api_key": ""})
    world.visitor().send(page, {"base_url": "https://b.example.com/v1"})
    assert provider(world, "openai").base_url == "https://b.example.com/v1"


def test_a_key_is_forgotten(world: World) -> None:
    visitor = world.visitor()
    page = stored(world)
    assert "Forget the key" in visitor.read(page)
    assert visitor.send(f"{page}/key/delete") == page
    assert provider(world).encrypted_key is None
    assert "Forget the key" not in visitor.read(page)
    visitor.send(page, {"base_url": "https://api.example.com/v1", "key": KEY})
    gone = visitor.client.delete(f"/api/v1{page.removeprefix('/endpoints')}/key")
    assert (gone.status_code, gone.json()["key_set"]) == (200, False)


def test_what_nothing_refers_to_is_deleted(world: World) -> None:
    visitor = world.visitor()
    page = stored(world)
    api = f"/api/v1{page.removeprefix('/endpoints')}"
    refused = visitor.client.delete(api)
    assert (refused.status_code, "lab still has small-1" in refused.json()["detail"]) == (409, True)
    here = f"/endpoints/{world.endpoint('lab/small-1').id}"
    assert visitor.send(f"{here}/delete") == page
    visitor.read(here, 404)
    assert "Delete the provider" in visitor.read(page)
    assert visitor.client.delete(api).status_code == 204
    visitor.read(page, 404)
    page = stored(world)
    gone = visitor.client.delete(f"/api/v1/endpoints/{world.endpoint('lab/small-1').id}")
    assert gone.status_code == 204
    assert visitor.send(f"{page}/delete") == "/endpoints"


def test_a_model_that_was_only_tested_goes_with_its_test_calls(world: World) -> None:
    visitor = world.visitor()
    with scripted(lambda hit: refusal(404, "The model does not exist")) as server:
        add(visitor, server.base_url)
        here = f"/endpoints/{world.endpoint('lab/small-1').id}"
        visitor.send(f"{here}/test", status=200)
    assert "lab/small-1" in visitor.read("/calls")
    visitor.send(f"{here}/delete")
    assert "lab/small-1" not in visitor.read("/calls")


def test_what_is_in_use_is_not_deleted_and_says_what_uses_it(tmp_path: Path) -> None:
    arena = played()
    world = arena.world.copied(tmp_path)
    with world.database.write() as session:
        provider = session.scalars(select(Provider)).one()
        provider.simulated, provider.name = False, "lab"
    visitor = world.visitor()
    for name in ("lab/skimmer-v1", "lab/exemplar-v1", "lab/combiner-v1"):
        here = f"/endpoints/{world.endpoint(name).id}"
        refused = visitor.client.delete(f"/api/v1{here}")
        assert refused.status_code == 409
        assert re.search(rf"{name} is used by 1 campaign.* and .*, so it cannot be deleted", refused.json()["detail"])
        html = visitor.read(here)
        assert "1 campaign" in html
        assert "Delete the model" not in html
        visitor.send(f"{here}/delete", status=409)
    world.close()


def test_one_provider_is_told_and_all_are_told_with_few_queries(world: World) -> None:
    visitor = world.visitor()
    with world.database.write() as session:
        for number in range(12):
            session.add(Provider(name=f"p{number:02}", base_url="https://a.example.com/v1"))
    page = stored(world)
    told = visitor.json(page.removeprefix("/endpoints"))
    assert (told["name"], told["key_set"]) == ("lab", True)
    asked: list[str] = []
    event.listen(Engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    found: Any = visitor.client.get("/api/v1/endpoints").json()
    assert [len(one["endpoints"]) for one in found] == [1, *([0] * 12)]
    assert len([one for one in asked if one.startswith("SELECT")]) <= 4
    visitor.json("/providers/nobody", 404)


def test_a_name_that_is_taken_is_named_at_its_field(world: World) -> None:
    visitor = world.visitor()
    stored(world)
    html = visitor.send("/endpoints/providers/new", {"name": "lab", "base_url": "https://b.example.com/v1"}, 422)
    assert "There is a provider named lab already" in html.split('id="error-name"')[1]


def test_another_base_url_clears_the_key_and_the_form_says_so(world: World) -> None:
    visitor = world.visitor()
    page = stored(world)
    assert "Another base URL clears the stored key" in visitor.read(page)
    visitor.send(page, {"base_url": "https://api.example.com/v1", "key": ""})
    assert provider(world).encrypted_key, "an unchanged URL keeps the key"
    visitor.send(page, {"base_url": "https://other.example.com/v1", "key": ""})
    assert provider(world).encrypted_key is None
    assert "no key" in visitor.read(page)
    visitor.send(page, {"base_url": "https://third.example.com/v1", "key": "new-key"})
    assert decrypt(world.settings, provider(world).encrypted_key or "") == "new-key"
    html = visitor.send(page, {"base_url": "nowhere", "key": "x"}, 422)
    assert 'id="error-base_url"' in html


@pytest.mark.parametrize(
    ("fields", "place", "sentence"),
    [
        ({"model": " "}, "error-model", "as the provider writes it"),
        ({"model": "small-1"}, "error-model", "lab/small-1 is there already"),
        ({"model": "m", "price_in": "cheap"}, "error-price_in", "must be a price"),
        ({"model": "m", "price_out": "-1"}, "error-price_out", "must be a price"),
        ({"model": "m", "price_out": "nan"}, "error-price_out", "must be a price"),
    ],
)
def test_what_is_wrong_with_a_model_is_named_at_its_field(
    world: World, fields: dict[str, str], place: str, sentence: str
) -> None:
    visitor = world.visitor()
    page = stored(world)
    html = visitor.send(f"{page}/endpoints", dict(fields), 422)
    assert sentence in html.split(f'id="{place}"')[1].split("</p>")[0]


def models(server: Server) -> None:
    listing = {"data": [{"id": "small-1"}, {"id": "large-2"}]}
    server.script = lambda hit: Answer(body=listing) if hit.path.endswith("/models") else completion("ok")


def test_what_a_provider_offers_is_suggested(world: World) -> None:
    visitor = world.visitor()
    with scripted(lambda hit: completion("ok")) as server:
        models(server)
        page = add(visitor, server.base_url)
        html = visitor.send(f"{page}/models", status=200)
        told = visitor.client.get(f"/api/v1/providers/{page.rsplit('/', 1)[1]}/models").json()
    assert "It offers 2 models." in html
    assert '<option value="large-2">' in html
    assert '<option value="small-1">' not in html, "one that is there already is not suggested again"
    assert [one["id"] for one in told] == ["small-1", "large-2"]


def test_the_api_adds_and_changes_what_the_forms_do(world: World) -> None:
    client = world.visitor().client
    with scripted(lambda hit: completion("ok")) as server:
        made = client.post("/api/v1/providers", json={"name": "lab", "base_url": server.base_url, "key": KEY})
        assert (made.status_code, made.json()["key_set"]) == (201, True)
        assert KEY not in made.text
        here = f"/api/v1/providers/{made.json()['id']}"
        added = client.post(f"{here}/endpoints", json={"model": "m", "price_in": 1.5})
    assert (added.json()["price_in"], added.json()["price_out"]) == (1_500_000, None)
    changed = client.put(here, json={"base_url": "https://b.example.com/v1"})
    assert (changed.json()["base_url"], changed.json()["key_set"]) == ("https://b.example.com/v1", False)
    refused = client.put(here, json={"base_url": "http://169.254.169.254/v1"})
    assert refused.status_code == 422


def test_the_practice_provider_is_shown_but_not_changed(world: World) -> None:
    with world.database.write() as session:
        catalogue.keep_practice(session, "http://127.0.0.1:9/v1", [ModelInfo("scholar-v1", "task", "Reads all.", True)])
    visitor, practice = world.visitor(), provider(world, "practice")
    html = visitor.read(f"/endpoints/providers/{practice.id}")
    assert "Kept by Agon" in html
    assert 'name="base_url"' not in html
    visitor.send(f"/endpoints/providers/{practice.id}", {"base_url": "https://example.com/v1"}, 409)
    assert "simulated" in visitor.read("/endpoints")


def test_without_a_provider_the_page_has_one_thing_to_do(world: World) -> None:
    html = world.visitor().read("/endpoints")
    assert "No provider yet" in html
    assert html.count('href="/endpoints/providers/new"') == 1


@pytest.mark.browser
@pytest.mark.parametrize("scripts", [True, False])
def test_an_endpoint_is_tested_in_a_browser_with_and_without_scripts(
    world: World, browser: Browser, scripts: bool
) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 800}, java_script_enabled=scripts)
    page, wrong = context.new_page(), list[str]()
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    with scripted(lambda hit: completion("ok")) as server, serving(world.app()) as home:
        models(server)
        elsewhere(lambda: add(world.visitor(), server.base_url)).join()
        page.goto(f"{home}/endpoints")
        page.get_by_role("button", name="Test again small-1").click()
        expect(page.get_by_text("lab/small-1 answers.")).to_be_visible()
        page.goto(f"{home}/endpoints")
        page.get_by_role("link", name="Change it or add models").click()
        page.get_by_role("button", name="List what it offers").click()
        page.get_by_label("Model", exact=True).fill("large-2")
        page.get_by_role("button", name="Add model").click()
        expect(page.get_by_role("heading", name="large-2")).to_be_visible()
        expect(page.get_by_text("Scores that need them will use votes")).to_be_visible()
    context.close()
    assert wrong == []
