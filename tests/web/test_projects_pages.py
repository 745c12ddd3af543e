"""A project's page: what it is about, who leads and what that proves, its prompts, its texts, its test set."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.domain.metrics import Estimate
from app.services import editing
from app.storage import champions, prompt_boards, prompts
from app.storage.campaign_boards import CAMPAIGNS_SHOWN
from app.storage.campaigns import Campaign
from app.storage.projects import Project
from app.storage.rounds import Round
from tests.web.arena_world import CANARY, DUO, TRIO, Played, World
from tests.web.reading import words


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[World]:
    """A world with one project that nothing has happened to."""
    world = World.at(tmp_path)
    world.import_demo(rows=80)
    yield world
    world.close()


def section(html: str, name: str) -> str:
    """The words of one section of a page."""
    found = re.search(rf'<section[^>]*aria-labelledby="{name}".*?</section>', html, re.DOTALL)
    assert found, name
    return words(found[0])


def finish(world: World, campaign_id: str) -> None:
    with world.database.write() as session:
        session.get_one(Campaign, campaign_id).status = "finished"


def test_a_new_project_shows_its_job_its_splits_and_what_to_do_next(fresh: World) -> None:
    html = fresh.visitor().read(f"/projects/{fresh.project_id}")
    assert "Give each text the one label that fits it best, out of 3 labels." in html
    assert "No champion yet: no campaign has ended." in html
    assert f'<a class="btn" href="/projects/{fresh.project_id}/campaigns/new">Start a campaign</a>' in html
    assert "v1 made from description and labels" in section(html, "prompts")
    assert "not scored" in section(html, "prompts")


def test_the_test_set_tells_what_became_of_the_file_and_how_labels_lie_in_the_splits(fresh: World) -> None:
    html = fresh.visitor().read(f"/projects/{fresh.project_id}")
    told: Any = fresh.visitor().json(f"/projects/{fresh.project_id}")
    facts = told["test_set"]
    splits = ("train", "dev", "holdout")
    assert " ".join(f"{split.capitalize()}, {facts['splits'][split]}" for split in splits) in section(html, "labels")
    for label in told["labels"]:
        counts = " ".join(str(facts["label_counts"][split][label["name"]]) for split in splits)
        assert f"{label['name'].replace('_', '_ ')} {counts}" in section(html, "labels")
    assert "support.jsonl" in section(html, "set")
    assert "80, of which 80 are examples" in section(html, "set")
    most = max(facts["label_counts"]["dev"].values()) / facts["splits"]["dev"]
    assert told["majority_baseline"] == pytest.approx(most, abs=1e-6)
    assert f"{most:.3f} always answering it" in words(html)


def test_campaigns_name_their_leader_with_its_score_and_their_verdict(arena: Played) -> None:
    html = arena.world.visitor().read(f"/projects/{arena.world.project_id}")
    told: Any = arena.world.visitor().json(f"/projects/{arena.world.project_id}")
    listed = section(html, "campaigns")
    assert "Leading on dev proves nothing by itself" in listed
    undecided, finished = told["campaigns"]["campaigns"]
    score = finished["leader_score"]
    assert f"v{finished['leader_version']}" in listed
    assert f"{score['value']:.3f} 95% interval {score['low']:.3f}–{score['high']:.3f} · n {score['n']}" in listed
    assert finished["verdict"].capitalize() in listed
    assert ("start prompt kept" in listed) == (finished["verdict"] not in ("better", "start kept"))
    assert (undecided["status"], undecided["verdict"], undecided["leader_is_start"]) == ("paused", None, True)
    assert "v1 start" in listed
    assert f"{finished['calls_spent']:,} of 4,000" in listed
    assert f'href="/campaigns/{arena.undecided}">Watch campaign 2</a>' in html


def test_prompts_show_who_wrote_them_and_their_dev_scores_per_task_model(arena: Played) -> None:
    html = arena.world.visitor().read(f"/projects/{arena.world.project_id}")
    listed = section(html, "prompts")
    assert "practice/skimmer-v1 simulated" in listed
    assert "practice/scholar-v1 simulated" in listed
    assert [name for name in TRIO if name in listed] != []
    told: Any = arena.world.visitor().json(f"/projects/{arena.world.project_id}")
    start = told["prompts"]["prompts"][-1]
    assert (start["number"], start["origin"]["author"]) == (1, "app")
    assert [score["task_model"]["name"] for score in start["scores"]] == ["practice/scholar-v1", "practice/skimmer-v1"]
    assert {score["split"] for score in start["scores"]} == {"dev"}


def test_the_champion_of_a_task_model_is_marked_in_its_column(own: World, arena: Played) -> None:
    with own.database.write() as session:
        campaign = session.get_one(Campaign, arena.finished)
        campaign.verdict = "better"
        assert campaign.best_version_id
        champions.crown(session, campaign, campaign.best_version_id, "holdout", Estimate(0.9, 0.8, 0.95, 50))
        number = prompts.get(session, campaign.best_version_id).number
    html = own.visitor().read(f"/projects/{own.project_id}")
    assert f"v{number} proved better than the start on the holdout" in section(html, "champions")
    assert html.count('class="is-champ"') == 1
    assert section(html, "prompts").count("★ champion") == 1


def test_generators_of_an_undecided_round_are_named_nowhere(arena: Played) -> None:
    visitor = arena.world.visitor()
    hidden = [arena.world.endpoint(name) for name in DUO]
    for body in (
        visitor.read(f"/projects/{arena.world.project_id}"),
        str(visitor.json(f"/projects/{arena.world.project_id}")),
        visitor.read(f"/projects/{arena.world.project_id}/edit"),
    ):
        assert not [one.full_name for one in hidden if one.name in body or one.id in body]
        assert CANARY not in body
    told: Any = visitor.json(f"/projects/{arena.world.project_id}")
    veiled = [one for one in told["prompts"]["prompts"] if one["origin"]["hidden"]]
    assert {one["origin"]["campaign"] for one in veiled} == {2}
    assert {one["origin"]["generator"] for one in veiled} == {None}
    shown = section(visitor.read(f"/projects/{arena.world.project_id}"), "prompts")
    assert shown.count("name hidden") == len(veiled) > 0


def test_names_come_out_when_the_round_is_settled(own: World, arena: Played) -> None:
    with own.database.write() as session:
        session.get_one(Round, (arena.undecided, 1)).settled = True
    shown = section(own.visitor().read(f"/projects/{own.project_id}"), "prompts")
    assert "name hidden" not in shown
    assert [name for name in DUO if name in shown] != []


def test_a_prompt_of_ones_own_is_saved_and_can_be_read(fresh: World) -> None:
    visitor = fresh.visitor()
    html = visitor.read(f"/projects/{fresh.project_id}/prompts/new")
    assert f'action="/projects/{fresh.project_id}/prompts"' in html
    place = visitor.send(f"/projects/{fresh.project_id}/prompts", {"text": "Which label?\r\n{{input}}\r\n"})
    shown = visitor.read(place)
    assert "Written by a person" in shown
    assert visitor.client.get(f"{place}/text").text == "Which label?\n{{input}}"
    assert "v2 by a person" in section(visitor.read(f"/projects/{fresh.project_id}"), "prompts")


def test_a_text_that_the_project_has_already_is_that_version(fresh: World) -> None:
    visitor = fresh.visitor()
    text = visitor.client.get(f"/prompts/{fresh.first_prompt()}/text").text
    assert visitor.send(f"/projects/{fresh.project_id}/prompts", {"text": text}) == f"/prompts/{fresh.first_prompt()}"


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "Must hold {{input}}"),
        ("Say the label.", "Must hold {{input}}"),
        ("{{input}} in {{language}}", "Has {{language}}, which the test set cannot fill; it fills {{input}}"),
        ("{{input}}" + "x" * 100_000, "Must be at most 100,000 characters long"),
    ],
)
def test_a_prompt_that_cannot_be_used_is_refused_at_its_field_and_kept(fresh: World, text: str, wrong: str) -> None:
    html = fresh.visitor().send(f"/projects/{fresh.project_id}/prompts", {"text": text}, status=422)
    assert f'id="error-text">{wrong}' in html
    assert f"{text}</textarea>" in html
    told: Any = fresh.visitor().json(f"/projects/{fresh.project_id}")
    assert len(told["prompts"]["prompts"]) == 1


def test_a_version_made_from_another_knows_it_as_its_parent(fresh: World) -> None:
    visitor, parent = fresh.visitor(), fresh.first_prompt()
    html = visitor.read(f"/projects/{fresh.project_id}/prompts/new?parent={parent}")
    assert "A new version made from v1" in html
    assert "Answer with one of these labels, exactly as it is written above." in html
    place = visitor.send(f"/projects/{fresh.project_id}/prompts", {"text": "Be brief.\n{{input}}", "parent": parent})
    told: Any = visitor.json(place)
    assert told["parents"] == [{"id": parent, "number": 1}]
    visitor.send(f"/projects/{fresh.project_id}/prompts", {"text": "{{input}}", "parent": "strange"}, status=404)


def test_texts_are_edited_for_later_campaigns(fresh: World) -> None:
    visitor, here = fresh.visitor(), f"/projects/{fresh.project_id}"
    form: dict[str, object] = {
        "name": "Bot guard",
        "description": "Keep the bot\r\nout of trouble.",
        "label": ["normal", "politics_bait", "system_prompt_robbery"],
        "about": ["", " wants an opinion ", "wants the prompt"],
    }
    assert visitor.send(f"{here}/edit", form) == here
    told: Any = visitor.json(here)
    assert (told["name"], told["description"]) == ("Bot guard", "Keep the bot\nout of trouble.")
    assert [label["description"] for label in told["labels"]] == ["", "wants an opinion", "wants the prompt"]
    assert 'value="wants an opinion"' in visitor.read(f"{here}/edit")


def test_texts_that_cannot_be_used_are_named_at_their_fields_and_kept(fresh: World) -> None:
    form: dict[str, object] = {
        "name": " ",
        "description": "",
        "label": ["normal"],
        "about": ["x" * (editing.LABEL_LIMIT + 1)],
    }
    html = fresh.visitor().send(f"/projects/{fresh.project_id}/edit", form, status=422)
    assert 'id="error-name">give the project a name' in html
    assert 'id="error-description">say in at most' in html
    assert f'value="{"x" * (editing.LABEL_LIMIT + 1)}" aria-invalid="true"' in html


def test_texts_wait_while_a_campaign_goes_on(own: World, arena: Played) -> None:
    visitor, here = own.visitor(), f"/projects/{own.project_id}"
    assert "Campaign 2 goes on" in visitor.read(f"{here}/edit")
    form: dict[str, object] = {"name": "Bot guard", "description": "Something else"}
    html = visitor.send(f"{here}/edit", form, status=409)
    assert "Campaign 2 goes on" in html
    assert "Something else</textarea>" in html
    finish(own, arena.undecided)
    assert visitor.send(f"{here}/edit", form) == here


def test_programs_change_texts_and_add_prompts_too(fresh: World) -> None:
    client, here = fresh.visitor().client, f"/api/v1/projects/{fresh.project_id}"
    changed = client.patch(here, json={"label_descriptions": {"normal": "anything else"}})
    assert changed.status_code == 200
    assert changed.json()["labels"][0] == {"name": "normal", "description": "anything else"}
    assert changed.json()["name"] == "Support messages"
    refused = client.patch(here, json={"label_descriptions": {"strange": "?"}})
    assert refused.status_code == 422
    assert refused.json()["problems"] == [{"message": "the test set has no such label", "where": "label strange"}]
    added = client.post(f"{here}/prompts", json={"text": "Label of {{input}}?"})
    assert (added.status_code, added.json()["number"]) == (201, 2)
    assert client.post(f"{here}/prompts", json={"text": "no gap"}).status_code == 422


def test_prompts_are_turned_page_by_page_without_losing_any(fresh: World) -> None:
    count = prompt_boards.PROMPTS_SHOWN + 5
    with fresh.database.write() as session:
        for number in range(2, count + 1):
            editing.add_prompt(session, fresh.project_id, f"Prompt {number}: {{{{input}}}}")
    first: Any = fresh.visitor().json(f"/projects/{fresh.project_id}")
    older = first["prompts"]["older"]
    rest: Any = fresh.visitor().json(f"/projects/{fresh.project_id}?prompts_before={older}")
    numbers = [line["number"] for page in (first, rest) for line in page["prompts"]["prompts"]]
    assert numbers == list(range(count, 0, -1))
    html = fresh.visitor().read(f"/projects/{fresh.project_id}?prompts={older}")
    assert "v1 to v5" in section(html, "prompts")
    assert f'href="/projects/{fresh.project_id}#prompts"' in html


def test_campaigns_are_turned_page_by_page_without_losing_any(own: World, arena: Played) -> None:
    with own.database.write() as session:
        last = session.get_one(Campaign, arena.finished)
        kept = ("project_id", "version_id", "start_version_id", "task_endpoint_id", "generators", "rules", "seed", "account_id", "max_calls", "max_rounds")  # fmt: skip
        for number in range(3, CAMPAIGNS_SHOWN + 4):
            session.add(Campaign(number=number, **{name: getattr(last, name) for name in kept}))
    first: Any = own.visitor().json(f"/projects/{own.project_id}")
    rest: Any = own.visitor().json(f"/projects/{own.project_id}?campaigns_before={first['campaigns']['older']}")
    numbers = [line["number"] for page in (first, rest) for line in page["campaigns"]["campaigns"]]
    assert numbers == list(range(CAMPAIGNS_SHOWN + 3, 0, -1))
    older = own.visitor().read(f"/projects/{own.project_id}?campaigns={first['campaigns']['older']}")
    assert "Campaign 1" in section(older, "campaigns")
    assert f"Campaign {CAMPAIGNS_SHOWN + 3}" not in section(older, "campaigns")


def test_a_goal_of_its_own_is_named_beside_a_score(own: World, arena: Played) -> None:
    with own.database.write() as session:
        session.get_one(Project, own.project_id).goal = "macro_f1"
    html = own.visitor().read(f"/projects/{own.project_id}")
    assert "macro F1 a gain of 0.02 matters" in words(html)
    assert "accuracy" in section(html, "campaigns")
    assert "accuracy" in section(html, "prompts")


@pytest.mark.parametrize("path", ["", "/edit", "/prompts/new"])
def test_a_project_that_is_not_there_is_not_found(fresh: World, path: str) -> None:
    assert "There is no such project." in fresh.visitor().read(f"/projects/strange{path}", status=404)
    fresh.visitor().json("/projects/strange", status=404)


def test_new_projects_begin_with_a_file(fresh: World) -> None:
    response = fresh.visitor().client.get("/projects/new")
    assert (response.status_code, response.headers["location"]) == (303, "/uploads/new")


def test_the_texts_of_calls_are_kept_for_the_days_a_person_sets(own: World) -> None:
    visitor, here = own.visitor(), f"/projects/{own.project_id}"
    assert 'value="30"' in visitor.read(f"{here}/edit")
    assert visitor.send(f"{here}/days", {"days": "7"}).startswith(here)
    assert 'value="7"' in visitor.read(f"{here}/edit")
    for wrong in ("", "-1", "4000", "a week"):
        visitor.send(f"{here}/days", {"days": wrong}, 422)
    assert 'value="7"' in visitor.read(f"{here}/edit")
