"""The spend page: what was bought, whose names stay hidden, the caps, and the file."""

import csv
import io
import re
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import update

from app.storage import ledger, spend
from app.storage.base import now
from app.storage.campaigns import Campaign
from app.storage.projects import Project
from app.storage.rounds import Round
from app.storage.spend import Spend
from tests.web.arena_world import DUO, TRIO, Played, World, serving
from tests.web.reading import words


def row(world: World, name: str, **changes: Any) -> dict[str, Any]:
    """A line of the log as far as spend reads it."""
    usual = {
        "created_at": now().astimezone(UTC), "project_id": world.project_id, "endpoint_id": world.endpoint(name).id,
        "served_by": None, "purpose": "task", "ok": True, "attempts": 1, "tokens_in": 1000, "tokens_out": 100,
        "cost": 1_500_000,
    }  # fmt: skip
    return {**usual, **changes}


def count(world: World, *rows: dict[str, Any]) -> None:
    with world.database.write() as session:
        spend.add(session, rows)


def test_what_campaigns_bought_is_told_by_day_endpoint_purpose_and_project(own: World, arena: Played) -> None:
    visitor = own.visitor()
    told: Any = visitor.json("/spend")
    with own.database.read() as session:
        bought = sum(session.get_one(Campaign, one).calls_spent for one in (arena.finished, arena.undecided))
    assert told["total"]["calls"] == bought
    assert sum(day["sums"]["calls"] for day in told["days"]) == bought
    assert len(told["days"]) == 30
    for part in ("endpoints", "purposes", "projects"):
        assert sum(line["sums"]["calls"] for line in told[part]) == bought, part
    assert [line["name"] for line in told["projects"]] == ["Support messages"]
    text = words(visitor.read("/spend"))
    assert f"Calls {bought:,}" in text
    assert "practice/ skimmer-v1 simulated" in text


def test_generators_have_no_name_while_a_round_is_undecided(own: World, arena: Played) -> None:
    visitor = own.visitor()
    count(own, row(own, DUO[0], purpose="generator", created_at=now() - timedelta(days=3)))
    told: Any = visitor.json("/spend")
    named = {line["name"] for line in told["endpoints"]}
    assert DUO[0] in named, "of a day that was over before the round began"
    assert not {DUO[1], *TRIO} & named
    assert [line["sums"]["calls"] for line in told["endpoints"] if line["hidden"]] == [8]
    page, file = visitor.read("/spend"), visitor.read("/spend.csv")
    for name in (DUO[1], *TRIO):
        assert name not in page
        assert name not in file
    assert "names hidden" in page
    assert "(name hidden)" in file
    with own.database.write() as session:
        session.execute(update(Round).where(Round.campaign_id == arena.undecided).values(settled=True))
    told = visitor.json("/spend")
    assert {DUO[1], *TRIO} <= {line["name"] for line in told["endpoints"]}
    assert not any(line["hidden"] for line in told["endpoints"])


def test_a_span_of_days_and_a_project_are_chosen(own: World) -> None:
    visitor = own.visitor()
    with own.database.write() as session:
        session.execute(update(Spend).values(day=now().date() - timedelta(days=50)))
        other = Project(name="Other", description="", labels=[], goal="accuracy", smallest_gain=0.02)
        session.add(other)
        session.flush()
        other_id = other.id
    count(own, row(own, "practice/scholar-v1"), row(own, "practice/scholar-v1", project_id=other_id, cost=250_000))
    assert visitor.json("/spend")["total"]["cost"] == 1_750_000  # type: ignore[index]
    assert visitor.json(f"/spend?project={other_id}")["total"]["cost"] == 250_000  # type: ignore[index]
    day = now().date() - timedelta(days=50)
    old: Any = visitor.json(f"/spend?from={day}&to={day}")
    assert (old["total"]["cost"], old["total"]["calls"] > 100, len(old["days"])) == (0, True, 1)
    assert "for Other" in words(visitor.read(f"/spend?project={other_id}"))
    empty = visitor.read("/spend?from=2020-01-01&to=2020-02-01")
    assert "Nothing was bought" in empty


@pytest.mark.parametrize(
    ("query", "place", "sentence"),
    [
        ("from=soon", "from", "must be a day, written YYYY-MM-DD"),
        ("to=2026-02-30", "to", "must be a day"),
        ("from=2026-02-02&to=2026-02-01", "from", "must not be later than the last day"),
        ("from=2020-01-01&to=2026-02-01", "from", "at most 366 days"),
    ],
)
def test_a_span_that_is_none_is_told_at_its_field(own: World, query: str, place: str, sentence: str) -> None:
    visitor = own.visitor()
    assert sentence in visitor.read(f"/spend?{query}", 422).split(f'id="error-{place}"')[1].split("</p>")[0]
    assert visitor.client.get(f"/api/v1/spend?{query}").status_code == 422
    assert visitor.client.get(f"/spend.csv?{query}").status_code == 422


def test_no_name_in_the_file_is_a_formula(own: World) -> None:
    with own.database.write() as session:
        session.execute(update(Project).values(name='=HYPERLINK("http://x")'))
    count(own, row(own, "practice/scholar-v1", cost=12))
    lines = list(csv.DictReader(io.StringIO(own.visitor().read("/spend.csv"))))
    assert {line["project"] for line in lines} == {'\'=HYPERLINK("http://x")'}
    assert "0.000012" in {line["cost"] for line in lines}


def test_caps_of_the_instance_every_day_and_a_project_are_set_and_seen(own: World) -> None:
    visitor, mine = own.visitor(), f"project:{own.project_id}"
    assert visitor.send("/spend/caps/instance", {"calls": "10,000", "cost": "2.50"}) == "/spend#caps"
    assert visitor.send("/spend/caps/day", {"tokens": "5000"}) == "/spend#caps"
    fields: dict[str, object] = {"calls": "100", "project": own.project_id}
    assert visitor.send(f"/spend/caps/{mine}", fields) == f"/spend?project={own.project_id}#caps"
    with own.database.read() as session:
        found = ledger.found(session, ["instance", "day", ledger.day_account(now().date()), mine])
        caps = {name: (one.cap_calls, one.cap_tokens, one.cap_cost) for name, one in found.items()}
    assert caps == {
        "instance": (10_000, None, 2_500_000),
        "day": (None, 5000, None),
        ledger.day_account(now().date()): (None, 5000, None),
        mine: (100, None, None),
    }
    page = words(visitor.read(f"/spend?project={own.project_id}"))
    assert "the cap is reached" in page, "the campaigns have used more than a hundred calls"
    told: Any = visitor.client.put("/api/v1/caps/instance", json={"cost": 9}).json()
    assert told["caps"] == {"calls": None, "tokens": None, "cost": 9_000_000}
    assert [one["id"] for one in visitor.client.get("/api/v1/caps").json()] == ["instance", "day"]
    assert visitor.send("/spend/caps/instance", {}) == "/spend#caps"
    assert visitor.client.get("/api/v1/caps").json()[0]["uses"] == []


@pytest.mark.parametrize(
    ("fields", "place", "sentence"),
    [
        ({"calls": "many"}, "calls-instance", "whole number"),
        ({"tokens": "-1"}, "tokens-instance", "whole number"),
        ({"calls": "9" * 30}, "calls-instance", "whole number"),
        ({"cost": "free"}, "cost-instance", "amount of money, such as 2.50"),
        ({"cost": "nan"}, "cost-instance", "amount of money"),
        ({"cost": "-1"}, "cost-instance", "amount of money"),
    ],
)
def test_a_cap_that_is_none_is_told_at_its_field(
    own: World, fields: dict[str, object], place: str, sentence: str
) -> None:
    visitor = own.visitor()
    html = visitor.send("/spend/caps/instance", fields, 422)
    told = html.split(f'id="error-{place}"')[1].split("</p>")[0]
    assert sentence.casefold() in told.casefold()
    assert str(next(iter(fields.values()))) in html, "what was typed is still there"
    assert visitor.client.get("/api/v1/caps").json()[0]["uses"] == []


def test_nobody_sets_a_cap_of_what_is_not_there(own: World) -> None:
    visitor = own.visitor()
    for account in ("project:nobody", "campaign:x", "day:2026-01-01", "project:"):
        assert visitor.client.put(f"/api/v1/caps/{account}", json={"calls": 1}).status_code == 404
    refused = visitor.client.put("/api/v1/caps/instance", json={"cost": -1})
    assert (refused.status_code, refused.json()["problems"][0]["where"]) == (422, "cost")
    assert visitor.client.get("/spend?project=nobody").status_code == 404


def test_an_instance_that_bought_nothing_says_so(tmp_path: Path) -> None:
    world = World.at(tmp_path)
    text = words(world.visitor().read("/spend"))
    assert "Nothing was bought" in text
    assert re.search(r"The instance\s+No cap\.", text)
    world.close()


@pytest.mark.browser
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_a_cap_is_set_in_a_browser_and_nothing_runs_off_the_page(own: World, browser: Browser, width: int) -> None:
    count(own, row(own, "practice/scholar-v1", cost=123_456_789), row(own, "practice/skimmer-v1", cost=None))
    page = browser.new_page(viewport={"width": width, "height": 900})
    with serving(own.app()) as url:
        page.goto(f"{url}/spend?project={own.project_id}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        mine = page.get_by_role("region", name="Project Support messages")
        mine.get_by_text("Set its caps").click()
        mine.get_by_label("Money at most").fill("200")
        mine.get_by_role("button", name="Save caps").click()
        expect(page.get_by_role("img", name="$0.00 used of $200.00")).to_be_visible()
        page.get_by_label("From", exact=True).fill("2020-01-01")
        page.get_by_role("button", name="Show").click()
        expect(page.get_by_text("must be at most 366 days before the last one")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()
