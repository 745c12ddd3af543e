"""The start of a campaign in the browser's eyes: what the form offers, reckons and refuses."""

import re

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import update

from app.storage.prices import Price
from tests.web.arena_world import DUO, TRIO, Played, World, serving
from tests.web.reading import words

FORM = {"calls": "4000", "rounds": "2", "seed": "5"}


def choice(world: World, **changes: object) -> dict[str, object]:
    task, writers = world.endpoint("practice/skimmer-v1"), [world.endpoint(name).id for name in TRIO]
    return {"start": world.first_prompt(), "task_model": task.id, "generators": writers, **FORM, **changes}


def test_the_form_offers_what_the_last_campaign_had(arena: Played) -> None:
    html = arena.world.visitor().read(f"/projects/{arena.world.project_id}/campaigns/new")
    checked = re.findall(r'name="generators" value="(\w+)" checked', html)
    assert set(checked) == {arena.world.endpoint(name).id for name in DUO}
    assert f'<option value="{arena.world.endpoint("practice/scholar-v1").id}" selected>' in html
    assert re.search(r'name="seed"[^>]* value="3"', html)
    assert html.count("simulated</span>") >= 5
    assert "practice models are free" in html


def test_a_campaign_starts_and_its_job_is_nudged_after_the_commit(own: World) -> None:
    visitor = own.visitor()
    address = visitor.send(f"/projects/{own.project_id}/campaigns/new", choice(own))
    campaign = own.campaign(address.rsplit("/", 1)[1])
    assert (campaign.status, campaign.number, campaign.max_calls, campaign.max_rounds, campaign.seed) == ("queued", 3, 4000, 2, 5)  # fmt: skip
    assert len(own.poked) == 1
    assert "Waiting for a worker." in visitor.read(address)


WRONG = [
    ({"calls": "many"}, "error-calls", "must be a whole number from 1"),
    ({"calls": "0"}, "error-calls", "must be a whole number from 1"),
    ({"calls": "9" * 40}, "error-calls", "must be a whole number from 1"),
    ({"rounds": "-2"}, "error-rounds", "must be 0 (for ever)"),
    ({"seed": str(2**40)}, "error-seed", "must be a whole number from 0"),
    ({"generators": []}, "error-generators", "choose at least one generator"),
    ({"start": "somebody-elses"}, "error-start", "choose a prompt of this project"),
    ({"task_model": "none"}, "error-task_model", "choose an endpoint that answers prompts"),
]


@pytest.mark.parametrize(("changes", "place", "sentence"), WRONG)
def test_a_wrong_choice_is_named_at_its_field_and_keeps_the_rest(
    own: World, changes: dict[str, object], place: str, sentence: str
) -> None:
    html = own.visitor().send(f"/projects/{own.project_id}/campaigns/new", choice(own, **changes), 422)
    assert re.search(rf'id="{place}">{re.escape(sentence)}', html)
    assert f'value="{changes.get("rounds", "2")}"' in html
    assert own.poked == []


def test_the_form_reckons_without_starting_anything(own: World) -> None:
    visitor, form = own.visitor(), f"/projects/{own.project_id}/campaigns/new"
    asked = {"do": "quote", "rounds": "20"}
    text = words(visitor.send(form, choice(own, calls="4000", **asked), 200))
    assert "about 18 at 206 calls each" in text
    assert "Price at most $0.00 practice models are free" in text
    small = words(visitor.send(form, choice(own, calls="150", **asked), 200))
    assert "This cap does not pay for a whole round; it needs 312 calls for one." in small
    with own.database.write() as session:
        session.execute(
            update(Price).where(Price.endpoint_id == own.endpoint("practice/trickster-v1").id).values(price_out=None)
        )
    text = words(visitor.send(form, choice(own, **asked), 200))
    assert "Price at most unknown a price per token is missing" in text
    assert own.poked == []


def test_the_api_starts_what_the_form_would_offer(own: World) -> None:
    client = own.visitor().client
    started = client.post("/api/v1/campaigns", json={"project_id": own.project_id, "max_rounds": 1})
    assert started.status_code == 201
    campaign = own.campaign(started.json()["id"])
    assert set(campaign.generators) == {own.endpoint(name).id for name in DUO}
    assert started.json()["quote"]["rounds"] == 1
    assert len(own.poked) == 1
    refused = client.post("/api/v1/campaigns", json={"project_id": own.project_id, "generator_ids": []})
    assert (refused.status_code, refused.json()["problems"][0]["where"]) == (422, "generators")


@pytest.mark.browser
@pytest.mark.parametrize("scripts", [True, False])
def test_a_campaign_is_started_in_a_browser_with_and_without_scripts(
    own: World, browser: Browser, scripts: bool
) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 800}, java_script_enabled=scripts)
    page = context.new_page()
    with serving(own.app()) as home:
        page.goto(f"{home}/projects/{own.project_id}/campaigns/new")
        page.get_by_label("Rounds at most").fill("3")
        if scripts:
            page.get_by_label("Seed").focus()
        else:
            page.get_by_role("button", name="Reckon again").click()
        expect(page.get_by_text("about 3", exact=False).first).to_be_visible()
        page.get_by_role("button", name="Start campaign").click()
        expect(page.get_by_role("heading", name="Campaign 3")).to_be_visible()
        assert len(own.poked) == 1
        if scripts:
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()
