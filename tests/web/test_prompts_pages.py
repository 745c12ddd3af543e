"""A prompt version's page: its text, where it comes from, what it scores, what it gets right and wrong."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import delete, select, update

from app.domain.answercodes import UNREADABLE
from app.domain.metrics import Estimate
from app.services import editing
from app.storage import champions
from app.storage.campaigns import Campaign, HoldoutOpening
from app.storage.evaluations import Evaluation, Output, find_or_add
from app.storage.prompts import PromptVersion
from app.storage.rounds import Candidate, Round
from app.storage.test_sets import Example, Placement
from tests.web.arena_world import CANARY, DUO, TRIO, Played, World, serving
from tests.web.reading import words


def section(html: str, name: str) -> str:
    """The words of one section of a page."""
    found = re.search(rf'<section[^>]*aria-labelledby="{name}".*?</section>', html, re.DOTALL)
    assert found, name
    return words(found[0])


def proposed(world: World, campaign_id: str) -> list[str]:
    """The versions that generators proposed in a campaign, in order."""
    query = select(PromptVersion.id).where(PromptVersion.campaign_id == campaign_id).order_by(PromptVersion.number)
    with world.database.read() as session:
        return list(session.scalars(query))


def test_the_page_shows_the_whole_text_with_placeholders_marked(arena: Played) -> None:
    first = arena.world.first_prompt()
    html = arena.world.visitor().read(f"/prompts/{first}")
    assert '<mark class="ph">{{input}}</mark>' in html
    assert "Made from description and labels" in words(html)
    told: Any = arena.world.visitor().json(f"/prompts/{first}")
    assert told["text"].endswith("Input: {{input}}\nLabel:")
    assert (told["number"], told["placeholders"], told["parents"]) == (1, ["input"], [])


def test_the_text_can_be_downloaded_as_it_is(own: World) -> None:
    text = "Ещё раз:\n\n<b>{{input}}</b>\n  {{ not one }}"
    with own.database.write() as session:
        version = editing.add_prompt(session, own.project_id, text)
    response = own.visitor().client.get(f"/prompts/{version.id}/text")
    assert response.content.decode() == text
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.headers["content-disposition"] == f'attachment; filename="prompt-v{version.number}.txt"'
    assert "&lt;b&gt;" in own.visitor().read(f"/prompts/{version.id}")


def test_a_proposal_tells_its_generator_its_round_and_what_it_changed(arena: Played) -> None:
    version = proposed(arena.world, arena.finished)[0]
    html = arena.world.visitor().read(f"/prompts/{version}")
    told: Any = arena.world.visitor().json(f"/prompts/{version}")
    name = told["origin"]["generator"]["name"]
    assert name in TRIO
    assert f"Written by {name} simulated in campaign 1, round 1 , from v1" in words(html)
    assert f'href="/campaigns/{arena.finished}/rounds/1"' in html
    assert "Changed since" in html
    assert "<ins>" in html


def test_the_generator_of_an_undecided_round_is_named_nowhere(arena: Played) -> None:
    visitor = arena.world.visitor()
    hidden = [arena.world.endpoint(name) for name in DUO]
    versions = proposed(arena.world, arena.undecided)
    assert len(versions) == 2
    for version in versions:
        told: Any = visitor.json(f"/prompts/{version}")
        assert (told["origin"]["generator"], told["origin"]["hidden"]) == (None, True)
        html = visitor.read(f"/prompts/{version}")
        assert "Written by name hidden in campaign 2, round 1" in words(html)
        for body in (html, str(told), str(visitor.json(f"/prompts/{version}/answers"))):
            assert not [one.full_name for one in hidden if one.name in body or one.id in body]


def test_the_name_comes_out_when_the_round_is_settled(own: World, arena: Played) -> None:
    version = proposed(own, arena.undecided)[0]
    with own.database.write() as session:
        session.get_one(Round, (arena.undecided, 1)).settled = True
        wrote = session.scalars(select(Candidate.endpoint_id).where(Candidate.prompt_version_id == version)).one()
    told: Any = own.visitor().json(f"/prompts/{version}")
    assert told["origin"]["generator"]["id"] == wrote
    assert told["origin"]["generator"]["name"] in DUO


def test_scores_stand_per_task_model_with_interval_and_n(arena: Played) -> None:
    first = arena.world.first_prompt()
    html = arena.world.visitor().read(f"/prompts/{first}")
    told: Any = arena.world.visitor().json(f"/prompts/{first}")
    assert [score["task_model"]["name"] for score in told["dev"]] == ["practice/scholar-v1", "practice/skimmer-v1"]
    shown = section(html, "scores")
    for score in told["dev"]:
        estimate = score["score"]
        text = f"{estimate['value']:.3f} 95% interval {estimate['low']:.3f}–{estimate['high']:.3f} · n {estimate['n']}"
        assert f"{score['task_model']['name']} simulated {text}" in shown
    assert f"always answering the commonest label, {told['majority_baseline']:.3f} on dev" in shown


def test_holdout_scores_are_those_of_start_and_leader_once_a_campaign_has_opened_it(own: World, arena: Played) -> None:
    with own.database.write() as session:
        campaign = session.get_one(Campaign, arena.finished)
        both = [campaign.start_version_id, campaign.best_version_id]
        other = next(one for one in proposed(own, arena.finished) if one not in both)
        row = find_or_add(session, other, campaign.task_endpoint_id, campaign.version_id, "holdout", "by hand")
        row.goal, row.value, row.low, row.high, row.n = "accuracy", 0.5, 0.4, 0.6, 48
    visitor = own.visitor()
    for version in both:
        told: Any = visitor.json(f"/prompts/{version}")
        score = told["holdout"][0]["score"]
        shown = section(visitor.read(f"/prompts/{version}"), "scores").partition("On the holdout")[2]
        assert f"{score['value']:.3f} 95% interval {score['low']:.3f}–{score['high']:.3f} · n {score['n']}" in shown
    told = visitor.json(f"/prompts/{other}")
    assert told["holdout"] == []
    assert "Not scored on the holdout" in visitor.read(f"/prompts/{other}")


def test_holdout_scores_stay_away_while_no_opening_is_recorded(own: World, arena: Played) -> None:
    with own.database.write() as session:
        session.execute(delete(HoldoutOpening))
    told: Any = own.visitor().json(f"/prompts/{own.first_prompt()}")
    assert told["holdout"] == []
    assert "On the holdout" not in own.visitor().read(f"/prompts/{own.first_prompt()}")


def test_answers_on_dev_are_shown_wrong_ones_first_with_reply_and_reading(arena: Played) -> None:
    first = arena.world.first_prompt()
    visitor = arena.world.visitor()
    wrong: Any = visitor.json(f"/prompts/{first}/answers")
    assert all(answer["answered"] != answer["expected"] for answer in wrong["answers"])
    right: Any = visitor.json(f"/prompts/{first}/answers?right=true")
    assert all(answer["answered"] == answer["expected"] for answer in right["answers"])
    score = wrong["score"]
    html = visitor.read(f"/prompts/{first}")
    assert f"{score['right']} of {score['score']['n']} right on {score['task_model']['name']}" in words(html)
    assert wrong["answers"][0]["input"] in words(html)
    assert right["answers"][0]["input"] in words(visitor.read(f"/prompts/{first}?show=right"))
    assert sum(cell["count"] for cell in wrong["table"]) == score["score"]["n"]
    hits = sum(cell["count"] for cell in wrong["table"] if cell["expected"] == cell["answered"])
    assert hits == score["right"]


def test_answers_are_turned_page_by_page_without_losing_any(arena: Played) -> None:
    first = arena.world.first_prompt()
    visitor = arena.world.visitor()
    seen: list[int] = []
    offset: int | None = 0
    while offset is not None:
        part: Any = visitor.json(f"/prompts/{first}/answers?offset={offset}")
        seen += [answer["position"] for answer in part["answers"]]
        offset = part["next_offset"]
    assert len(seen) == len(set(seen)) == part["score"]["score"]["n"] - part["score"]["right"]
    assert seen == sorted(seen)
    assert "Next ▶" in visitor.read(f"/prompts/{first}")


def test_another_task_models_answers_are_a_link_away(arena: Played) -> None:
    first, scholar = arena.world.first_prompt(), arena.world.endpoint("practice/scholar-v1")
    html = arena.world.visitor().read(f"/prompts/{first}?on={scholar.id}")
    assert "right on practice/scholar-v1" in section(html, "answers")
    stranger = arena.world.endpoint("practice/exemplar-v1")
    text = arena.world.visitor().read(f"/prompts/{first}?on={stranger.id}", status=404)
    assert "This prompt has no answers from this task model." in text


def test_an_unreadable_reply_is_its_own_answer(own: World, arena: Played) -> None:
    first = own.first_prompt()
    told: Any = own.visitor().json(f"/prompts/{first}/answers")
    evaluation = told["score"]["evaluation_id"]
    with own.database.write() as session:
        placed = (
            select(Placement.example_id).where(Placement.split == "dev").order_by(Placement.position).limit(1)
        ).scalar_subquery()
        mine = (Output.evaluation_id == evaluation, Output.example_id == placed)
        session.execute(update(Output).where(*mine).values(reading=UNREADABLE))
        session.get_one(Evaluation, evaluation).unreadable = 1
    html = own.visitor().read(f"/prompts/{first}")
    assert '<span class="badge stale">unreadable</span>' in html
    assert "1 unreadable" in section(html, "answers")
    assert "unreadable" in section(html, "errs")
    shown: Any = own.visitor().json(f"/prompts/{first}/answers")
    assert shown["answers"][0]["answered"] is None


def test_a_version_that_leads_on_dev_says_what_that_proves(own: World, arena: Played) -> None:
    with own.database.write() as session:
        campaign = session.get_one(Campaign, arena.finished)
        campaign.verdict = "tie"
        best = campaign.best_version_id
    assert best
    assert best != campaign.start_version_id
    standing = section(own.visitor().read(f"/prompts/{best}"), "standing")
    assert standing == "Where it stands Campaign 1 : led on dev Tie the start prompt, v1, was kept"
    with own.database.write() as session:
        campaign = session.get_one(Campaign, arena.finished)
        campaign.verdict = "better"
        champions.crown(session, campaign, best, "holdout", Estimate(0.9, 0.8, 0.95, 48))
    standing = section(own.visitor().read(f"/prompts/{best}"), "standing")
    assert "champion of practice/skimmer-v1 simulated better than the start on the holdout" in standing
    assert "led on dev Better" in standing


def test_a_prompt_nobody_has_answered_says_so(own: World) -> None:
    with own.database.write() as session:
        version = editing.add_prompt(session, own.project_id, "Only {{input}}")
    html = own.visitor().read(f"/prompts/{version.id}")
    assert "No task model has answered with this prompt yet." in section(html, "scores")
    assert 'aria-labelledby="answers"' not in html
    response = own.visitor().client.get(f"/api/v1/prompts/{version.id}/answers")
    assert (response.status_code, response.json()) == (200, None)


def test_no_holdout_example_stands_on_any_page_of_any_prompt(arena: Played) -> None:
    visitor = arena.world.visitor()
    with arena.world.database.read() as session:
        versions = list(session.scalars(select(PromptVersion.id)))
        sealed = session.scalars(select(Example.input).where(Example.input.contains(CANARY))).first()
    assert sealed
    for version in versions:
        told: Any = visitor.json(f"/prompts/{version}")
        on = [score["task_model"]["id"] for score in told["dev"]]
        pages = [visitor.read(f"/prompts/{version}?on={model}&show={show}") for model in on for show in ("right", "wrong")]  # fmt: skip
        answers = [str(visitor.json(f"/prompts/{version}/answers?task_model={model}&right=true")) for model in on]
        assert not [body for body in (*pages, *answers, str(told)) if CANARY in body]


@pytest.mark.parametrize("path", ["", "/text"])
def test_a_version_that_is_not_there_is_not_found(arena: Played, path: str) -> None:
    assert arena.world.visitor().client.get(f"/prompts/strange{path}").status_code == 404


def test_what_is_asked_for_must_make_sense(arena: Played) -> None:
    first = arena.world.first_prompt()
    arena.world.visitor().read(f"/prompts/{first}?show=everything", status=404)
    assert "No more answers." in arena.world.visitor().read(f"/prompts/{first}?offset=100000")
    arena.world.visitor().read(f"/prompts/{first}?offset=-5", status=404)


@pytest.mark.browser
def test_the_text_is_copied_with_one_press(arena: Played, browser: Browser) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    with serving(arena.world.app()) as address:
        page.goto(f"{address}/prompts/{arena.world.first_prompt()}")
        page.get_by_role("button", name="Copy text").click()
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
        copied = page.evaluate("navigator.clipboard.readText()")
        text = page.request.get(f"{address}/prompts/{arena.world.first_prompt()}/text").text()
    context.close()
    assert copied == text
    assert complaints == []
