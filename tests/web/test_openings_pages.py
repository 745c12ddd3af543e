"""Holdout reports and openings on pages, as files and as JSON, over campaigns that were truly driven."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.services import blocks, working
from app.storage.campaigns import Campaign
from app.storage.jobs import Job
from tests.web.arena_world import CANARY, Played, Visitor, Watched, World, serving
from tests.web.reading import words

REASON = "to know before Friday"
FOR_ROUNDS_ALONE = 200  # of which the holdout's share would leave too few for a round


def form(world: World, **changes: str) -> dict[str, object]:
    best = world.campaign(finished(world)).best_version_id
    usual = {"prompt_version_id": best, "endpoint_id": world.endpoint("practice/skimmer-v1").id, "do": "open"}
    return {**usual, "against_version_id": world.first_prompt(), "reason": REASON, "confirmed": "yes", **changes}


def finished(world: World) -> str:
    with world.database.read() as session:
        return session.scalars(select(Campaign.id).where(Campaign.status == "finished")).one()


def work(world: World) -> None:
    """What call workers and drivers do for openings."""
    while jobs := waiting(world):
        blocks.work(world.database, world.settings, "here:1")
        for job_id in jobs:
            working.work(world.database, world.settings, job_id)


def waiting(world: World) -> list[str]:
    with world.database.read() as session:
        return list(session.scalars(select(Job.id).where(Job.kind.in_(("run", "opening", "block")))))


@pytest.fixture
def opened(own: World) -> tuple[World, Visitor, str]:
    """A world in which the second look was taken over the form, and answered."""
    visitor = own.visitor()
    with serving(Watched()) as url:
        own.offer(url)
        address = visitor.send(f"/projects/{own.project_id}/openings/new", form(own))
        work(own)
    return own, visitor, address


def test_a_campaigns_report_says_everything_that_a_report_must(arena: Played) -> None:
    visitor, report = arena.world.visitor(), arena.world.campaign(arena.finished).report
    assert report is not None
    assert report["holdout_opened"] == 1, "the practice models find a better prompt here"
    said = words(visitor.read(f"/campaigns/{arena.finished}/report"))
    evidence = report["evidence"]
    for expected in (
        "1 of 2", "Candidates tried", f"{evidence['luck']['tried']}, of which {evidence['luck']['complete']} answered",
        "Expected on new data", "Holm over all that were tried", "Dev minus holdout", "standard error",
        "in right answers cannot be told from chance", "end of campaign 1", "Tokens in", "Above 5.0% is an alarm", "two-sided",
    ):  # fmt: skip
        assert expected in said, expected
    for one in evidence["recalls"]:
        assert one["name"] in said
        assert one["n"] >= 20
    assert CANARY not in said
    assert f"/campaigns/{arena.finished}/report" in visitor.read(f"/campaigns/{arena.finished}")
    campaign = arena.world.campaign(arena.finished)
    twin: dict[str, Any] = visitor.json(f"/campaigns/{arena.finished}/report")
    versions = (twin["start"].pop("version_id"), twin["best"].pop("version_id"))
    assert versions == (campaign.start_version_id, campaign.best_version_id)
    assert (twin.pop("campaign_id"), twin.pop("missed")) == (arena.finished, "")
    assert twin.pop("answered") == report["splits"]["holdout"]
    assert twin == json.loads(json.dumps(report))


def test_a_report_from_before_more_was_kept_still_shows(own: World) -> None:
    campaign_id = finished(own)
    with own.database.write() as session:
        row = session.get_one(Campaign, campaign_id)
        row.report = {k: v for k, v in (row.report or {}).items() if k not in ("evidence", "smallest_gain")}
    visitor = own.visitor()
    assert "from before more was kept" in words(visitor.read(f"/campaigns/{campaign_id}/report"))
    assert "from before more was kept" in visitor.read(f"/campaigns/{campaign_id}/report.md")
    assert "Holdout report" in visitor.read(f"/campaigns/{campaign_id}")


def test_there_is_no_report_before_the_end(arena: Played) -> None:
    visitor = arena.world.visitor()
    for ending in ("", ".md", ".pdf"):
        assert "no report yet" in visitor.read(f"/campaigns/{arena.undecided}/report{ending}", status=409)


def test_the_markdown_has_what_the_page_has_and_the_whole_prompts(arena: Played) -> None:
    client = arena.world.visitor().client
    response = client.get(f"/campaigns/{arena.finished}/report.md")
    assert response.headers["content-type"].startswith("text/markdown")
    assert "holdout-report-campaign-1.md" in response.headers["content-disposition"]
    report = arena.world.campaign(arena.finished).report
    assert report is not None
    for side in ("start", "best"):
        assert report[side]["prompt"] in response.text
    for heading in ("# Holdout report", "## Scores", "## How far to believe them", "## Unreadable replies"):
        assert heading in response.text
    assert f"p {report['gain_on_holdout']['p']:.4f}" in response.text


def test_the_pdf_is_one_and_its_name_says_whose(arena: Played) -> None:
    pytest.importorskip("fpdf", reason="fpdf2 is not installed")
    response = arena.world.visitor().client.get(f"/campaigns/{arena.finished}/report.pdf")
    assert response.status_code == 200
    assert response.content.startswith(b"%PDF-")
    assert "holdout-report-campaign-1.pdf" in response.headers["content-disposition"]


def test_the_form_says_which_look_it_is_and_what_is_wrong_and_opens_nothing_meanwhile(own: World) -> None:
    visitor = own.visitor()
    address = f"/projects/{own.project_id}/openings/new"
    said = words(visitor.read(address))
    assert "end of campaign 1" in said
    assert "2 of 2" in said
    assert "the last one" in said
    refused = words(visitor.send(address, form(own, reason="because", confirmed=""), status=422))
    assert "at least 3 words" in refused
    assert "confirm that this look counts" in refused
    assert "2 of 2" in words(visitor.send(address, form(own, do="quote", reason="", confirmed=""), status=200))
    assert len(visitor.json(f"/projects/{own.project_id}/openings")["looks"]) == 1  # type: ignore[arg-type]


def test_an_opening_shows_how_far_it_is_until_its_report_is_there(own: World) -> None:
    visitor = own.visitor()
    address = visitor.send(f"/projects/{own.project_id}/openings/new", form(own, once="one form"))
    assert visitor.send(f"/projects/{own.project_id}/openings/new", form(own, once="one form")) == address
    assert re.fullmatch(r"/openings/\w+", address)
    page = visitor.read(address)
    assert f'hx-get="{address}/live"' in page
    assert REASON in page
    assert "Holdout report" not in words(visitor.read(f"{address}/live"))
    assert "There is no report yet: v1 waits for a worker with 0 of" in visitor.read(f"{address}/report.md", status=409)
    with serving(Watched()) as url:
        own.offer(url)
        work(own)
    assert "hx-get" not in visitor.read(f"{address}/live")
    assert "Holdout report" in words(visitor.read(address))


def test_an_openings_report_is_a_page_markdown_and_json(opened: tuple[World, Visitor, str]) -> None:
    world, visitor, address = opened
    said = words(visitor.read(address))
    assert "2 of 2" in said
    assert REASON in said
    assert "a person chose the prompt" in said
    assert CANARY not in said
    assert REASON in visitor.read(f"{address}/report.md")
    found = visitor.json(address)
    assert found["report"]["evidence"]["look"] == 2  # type: ignore[index]
    for run in found["runs"]:  # type: ignore[attr-defined]
        assert address in visitor.read(f"/evaluations/{run['id']}")
        assert CANARY not in visitor.read(f"/evaluations/{run['id']}")
    project = words(visitor.read(f"/projects/{world.project_id}"))
    assert "opened 2 of 2 times" in project
    assert REASON in project


def test_a_spent_holdout_is_refused_at_every_door_and_told_before_a_campaign(
    opened: tuple[World, Visitor, str],
) -> None:
    world, visitor, _ = opened
    address = f"/projects/{world.project_id}/openings/new"
    page = words(visitor.read(address))
    assert "Holdout spent" in page
    assert REASON in page
    assert "another split" in page
    assert "Holdout spent" in visitor.send(address, form(world), status=409)
    wanted = {name: value for name, value in form(world).items() if name != "do"} | {"confirmed": True}
    refused = visitor.client.post(f"/api/v1/projects/{world.project_id}/openings", json=wanted)
    assert refused.status_code == 409
    assert "Holdout spent" in refused.text
    before = words(visitor.read(f"/projects/{world.project_id}/campaigns/new"))
    assert "This holdout has been opened 2 of 2 times." in before
    assert "nothing will confirm it" in before
    assert "the campaign ends without a verdict of it, and no calls are kept for it" in before


def test_a_campaign_that_ends_with_a_spent_holdout_keeps_its_dev_result_and_says_so(
    opened: tuple[World, Visitor, str],
) -> None:
    world, visitor, _ = opened
    with serving(Watched()) as url:
        world.offer(url)
        campaign_id, job_id = world.start(rounds=2, seed=1, calls=FOR_ROUNDS_ALONE)
        told = visitor.json(f"/campaigns/{campaign_id}")
        assert (told["holdout_spent"], told["budget"]["kept_for_holdout"]) == (True, 0)  # type: ignore[index]
        assert "This campaign improves the score on dev alone" in words(visitor.read(f"/campaigns/{campaign_id}"))
        world.drive(job_id)
    campaign = world.campaign(campaign_id)
    report = campaign.report
    assert report is not None
    assert (campaign.status, campaign.verdict) == ("finished", "not enough evidence")
    assert report["holdout_opened"] == 0
    assert report["best"]["dev"]["value"] > report["start"]["dev"]["value"]
    assert report["best"]["holdout"] is None
    assert report["evidence"]["luck"]["tried"] > 0
    for address in (f"/campaigns/{campaign_id}", f"/campaigns/{campaign_id}/report"):
        said = words(visitor.read(address))
        assert "The dev score stands unconfirmed." in said
        assert REASON in said
        assert "Not enough evidence" in said


def test_a_look_of_a_campaign_leads_to_its_report(arena: Played) -> None:
    visitor = arena.world.visitor()
    listed = visitor.client.get(f"/api/v1/projects/{arena.world.project_id}/openings").json()
    [look] = [one["id"] for one in listed["looks"]]
    leads = visitor.client.get(f"/openings/{look}")
    assert leads.headers["location"] == f"/campaigns/{arena.finished}/report"
    assert "Holdout report" in visitor.read(f"/openings/{look}/report.md")


def test_pages_of_what_is_not_there_are_not_found(tmp_path: Path, arena: Played) -> None:
    visitor = arena.world.visitor()
    for address in ("/openings/nothing", "/campaigns/nothing/report", "/projects/nothing/openings/new"):
        visitor.read(address, status=404)
