"""The home page: projects with champions and last campaigns, files that wait, and what an empty one says."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.domain.metrics import Estimate
from app.gateway.probe import ModelInfo
from app.services import catalogue
from app.services.uploading import file_name
from app.settings import Settings
from app.storage import boards, campaign_boards, champions, evaluations
from app.storage.base import now
from app.storage.campaigns import Campaign
from app.storage.projects import Project
from app.storage.session import Database
from tests.web.arena_world import CANARY, DUO, Played, World
from tests.web.reading import words
from tests.web.upload_files import good, send


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[World]:
    world = World.at(tmp_path)
    yield world
    world.close()


def row_of(html: str, name: str) -> str:
    """The first table row that names a project, as words."""
    rows = re.findall(r"<tr role=\"row\">.*?</tr>", html, re.DOTALL)
    return words(next(row for row in rows if f">{name}</a>" in row))


def prove(world: World, campaign_id: str) -> None:
    """Make the leader of a finished campaign the proved champion."""
    with world.database.write() as session:
        campaign = session.get_one(Campaign, campaign_id)
        assert campaign.best_version_id
        campaign.verdict = "better"
        champions.crown(session, campaign, campaign.best_version_id, "holdout", Estimate(0.9, 0.8, 0.95, 50))


def test_an_empty_home_has_one_action_and_it_leads_to_a_new_project(empty: World) -> None:
    html = empty.visitor().read("/")
    assert "No project yet" in html
    assert html.count('href="/uploads/new"') == 1
    assert "simulated" not in words(html)


def test_a_project_shows_its_champion_with_interval_and_n_and_its_last_campaign(arena: Played) -> None:
    html = arena.world.visitor().read("/")
    with arena.world.database.read() as session:
        reign = boards.champions(session, campaign_boards.models(session), [arena.world.project_id])[0]
    row = row_of(html, "Support messages")
    assert "240 examples, 3 labels" in row
    assert f"v{reign.version}" in row
    assert f"on {reign.task_model.name} simulated" in row
    score = reign.score
    assert f"{score.value:.3f} 95% interval {score.low:.3f}–{score.high:.3f} · n {score.n}" in row
    assert "accuracy on the holdout" in row
    assert "Campaign 2 Paused" in row
    assert "Practice models answered here" in html


def test_a_start_prompt_that_reigns_says_that_nothing_was_proved(own: World, arena: Played) -> None:
    with own.database.write() as session:
        campaign = session.get_one(Campaign, arena.finished)
        campaign.verdict = "not enough evidence"
        champions.crown(session, campaign, campaign.start_version_id, "holdout", Estimate(0.4, 0.3, 0.5, 50))
    row = row_of(own.visitor().read("/"), "Support messages")
    assert "v1 start" in row
    assert "proved" not in row
    listed: Any = own.visitor().json("/projects")["projects"]
    assert listed[0]["champions"][0]["proved"] is False


def test_a_proved_champion_says_so_with_the_split_that_proved_it(own: World, arena: Played) -> None:
    prove(own, arena.finished)
    row = row_of(own.visitor().read("/"), "Support messages")
    assert "proved on practice/skimmer-v1" in row
    assert "0.900 95% interval 0.800–0.950 · n 50" in row
    assert "accuracy on the holdout" in row


def test_a_verdict_that_is_not_better_says_that_the_start_prompt_is_kept(own: World, arena: Played) -> None:
    with own.database.write() as session:
        last = session.get_one(Campaign, arena.undecided)
        last.status, last.verdict = "finished", "worse"
    row = row_of(own.visitor().read("/"), "Support messages")
    assert "Campaign 2 Worse start prompt kept" in row


def test_the_json_twin_tells_what_the_page_tells(arena: Played) -> None:
    told: Any = arena.world.visitor().json("/projects")
    project = told["projects"][0]
    assert (project["name"], project["labels"], sum(project["splits"].values())) == ("Support messages", 3, 240)
    assert project["last_campaign"]["number"] == 2
    assert set(project["champions"][0]["score"]) == {"value", "low", "high", "n"}
    assert (told["older"], told["uploads"]) == (None, [])


def test_neither_hidden_names_nor_the_holdout_stand_on_the_home_page(arena: Played) -> None:
    visitor = arena.world.visitor()
    for body in (visitor.read("/"), str(visitor.json("/projects"))):
        assert CANARY not in body
        assert not [name for name in DUO if name in body]


def test_many_projects_are_turned_page_by_page_without_losing_any(empty: World) -> None:
    with empty.database.write() as session:
        for number in range(boards.PROJECTS_SHOWN + 3):
            when = now() - timedelta(minutes=number // 2)
            labels = [{"name": "a", "description": ""}, {"name": "b", "description": ""}]
            name = f"Job {number}"
            session.add(Project(name=name, description="", labels=labels, goal="accuracy", smallest_gain=0.02, created_at=when))  # fmt: skip
    visitor = empty.visitor()
    first: Any = visitor.json("/projects")
    rest: Any = visitor.json(f"/projects?before={first['older']}")
    names = [project["name"] for project in [*first["projects"], *rest["projects"]]]
    assert sorted(names) == sorted(f"Job {number}" for number in range(boards.PROJECTS_SHOWN + 3))
    assert rest["older"] is None
    assert f'href="/?before={first["older"]}"' in visitor.read("/")
    assert 'href="/"' in visitor.read(f"/?before={first['older']}").partition("Pages of projects")[2]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("messages.csv", "messages.csv"),
        ("C:\\my files\\messages.csv", "messages.csv"),
        ("../../etc/passwd", "passwd"),
        ("", "file"),
        (None, "file"),
        ("a\x00b" + "c" * 300, "ab" + "c" * 198),
    ],
)
def test_a_file_is_called_by_its_name_alone(given: str | None, kept: str) -> None:
    assert file_name(given) == kept


def test_every_board_reads_on_both_databases(database: Database, tmp_path: Path) -> None:
    world = World(tmp_path, Settings(data_dir=tmp_path), database)
    world.import_demo(rows=80)
    with database.write() as session:
        catalogue.keep_practice(session, "http://127.0.0.1:1/v1", [ModelInfo("skimmer-v1"), ModelInfo("exemplar-v1")])
    campaign_id, _ = world.start(("practice/exemplar-v1",))
    with database.write() as session:
        campaign = session.get_one(Campaign, campaign_id)
        key = (campaign.start_version_id, campaign.task_endpoint_id, campaign.version_id)
        row = evaluations.find_or_add(session, *key, "dev", "any")
        row.goal, row.value, row.low, row.high, row.n = "accuracy", 0.5, 0.4, 0.6, 20
        champions.crown(session, campaign, campaign.start_version_id, "dev", Estimate(0.5, 0.4, 0.6, 20))
    visitor = world.visitor()
    here = send(visitor, good())
    assert "0.500 95% interval 0.400–0.600 · n 20" in words(visitor.read("/"))
    assert "90 rows, 2 columns" in visitor.read(here)
    assert visitor.send(f"{here}/delete") == "/"
    for path in (f"/projects/{world.project_id}", f"/prompts/{world.first_prompt()}"):
        assert "0.500 95% interval 0.400–0.600 · n 20" in words(visitor.read(path))
        assert visitor.json(path)["id"] == path.rpartition("/")[2]
