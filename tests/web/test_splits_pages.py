"""What a person sees of splits: advice before the import, other plans on request, and rows that join a test set."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.cli import app as command
from app.services import growing
from app.services.importing import Choices
from app.settings import settings as command_settings
from app.storage.projects import Project
from app.storage.test_sets import TestSetVersion
from tests.web.arena_world import Visitor, World, played
from tests.web.reading import token_on, words
from tests.web.upload_files import THINGS, count, example, good, lines, send, work


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World.at(tmp_path)
    yield world
    world.close()


FORM: dict[str, object] = {"name": "Mail", "smallest_gain": "0.02"}


def dated(number: int) -> dict[str, object]:
    return example(number, created_at=f"2024-{number // 28 + 1:02}-{number % 28 + 1:02}", user=f"u{number // 2}")


def imported(world: World, data: bytes, **fields: object) -> tuple[Visitor, str]:
    visitor = world.visitor()
    here = send(visitor, data)
    assert visitor.send(here, {**FORM, **fields}) == here
    work(world)
    told: Any = visitor.json(here)
    assert told["status"] == "done", told["problems"]
    return visitor, told["project_id"]


def test_every_way_to_split_is_shown_with_its_reason_before_the_import(world: World) -> None:
    visitor = world.visitor()
    here = send(visitor, lines([dated(number) for number in range(90)]))
    html = visitor.read(here)
    seen = words(html)
    assert "Out of time used here Suggested The newest examples are held out" in seen
    assert "In groups Possible 90 examples lie in 45 groups of two or more" in seen
    assert "Repeated k‑fold Not needed With 90 examples books advise repeated folds" in seen
    assert "folds are therefore not built" in seen
    assert re.search(r"Holdout \d+ (shows gains from|too few to show)", seen)
    assert '<option value="user" selected>' in html
    assert '<option value="created_at" selected>' in html
    told: Any = visitor.json(here)
    assert told["preview"]["split"]["plan"]["kind"] == "out_of_time"


def test_another_plan_is_shown_and_followed(world: World) -> None:
    visitor = world.visitor()
    here = send(visitor, lines([dated(number) for number in range(90)]))
    chosen: dict[str, object] = {
        **FORM,
        "plan": "grouped",
        "holdout_share": "40",
        "split_seed": "3",
        "time_column": "-",
    }
    assert visitor.send(here, {**chosen, "do": "columns"}) == here
    html = visitor.read(here)
    assert "In groups used here" in words(html)
    assert '<option value="grouped" selected>' in html
    assert 'name="holdout_share" aria-describedby="hint-holdout_share" type="text" value="40"' in html
    assert visitor.send(here, chosen) == here
    work(world)
    told: Any = visitor.json(here)
    assert told["test_set"]["splits"]["holdout"] == 36
    assert (told["preview"]["rows"], told["preview"]["split"]["near"]) == ([], []), "some of these rows are sealed now"
    shown: Any = visitor.json(f"/test-sets/{told['test_set']['test_set_id']}")
    assert (shown["plan"]["kind"], shown["plan"]["seed"], shown["plan"]["holdout"]) == ("grouped", 3, 0.4)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"plan": "grouped"}, 'id="error-group_column">a grouped split needs a group column'),
        ({"plan": "out_of_time"}, 'id="error-time_column">an out-of-time split needs a time column'),
        ({"holdout_share": "95"}, 'id="error-holdout_share">must lie between 10% and 60%'),
        ({"dev_share": "many"}, 'id="error-dev_share">must lie between 10% and 60%'),
        ({"kind": "number"}, "column label</a>: is not a number"),
    ],
)
def test_a_choice_that_cannot_be_followed_is_said_at_its_field(
    world: World, fields: dict[str, object], said: str
) -> None:
    visitor = world.visitor()
    here = send(visitor, good())
    assert said in visitor.send(here, {**FORM, **fields}, status=422)
    assert world.poked == []


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"group_column": "label"}, 'id="error-group_column">the column label holds the answer'),
        ({"time_column": "text"}, 'id="error-time_column">the column text holds the input'),
        ({"group_column": "label.user"}, 'id="error-group_column">there is no column label.user for the group'),
    ],
)
def test_a_column_that_cannot_hold_groups_or_times_is_refused_at_its_field_and_to_programs(
    world: World, fields: dict[str, object], said: str
) -> None:
    visitor = world.visitor()
    here = send(visitor, good())
    assert said in visitor.send(here, {**FORM, **fields}, status=422)
    token = token_on(visitor.client.get("/uploads/new").text)
    told = visitor.client.post(f"/api/v1{here}/import", json=fields, headers={"x-csrf-token": token})
    assert told.status_code == 422
    assert [problem["where"] for problem in told.json()["problems"]] == list(fields)
    assert world.poked == []


def test_times_that_cannot_be_read_are_told_before_the_import_and_on_the_page_of_the_set(world: World) -> None:
    why = "Column date: could have the day first or the month first; write dates as 2023-07-16."
    rows = [example(number, date=f"0{number % 9 + 1}/0{number % 7 + 1}/2023") for number in range(90)]
    visitor = world.visitor()
    here = send(visitor, lines(rows))
    assert f"Out of time Not possible {why}" in words(visitor.read(here))
    form = {**FORM, "group_column": "-", "time_column": "-"}
    visitor.send(here, {**form, "do": "columns"})
    assert f"Out of time Not possible {why}" in words(visitor.read(here)), "as the form sends what it shows"
    visitor.send(here, form)
    work(world)
    told: Any = visitor.json(here)
    shown: Any = visitor.json(f"/test-sets/{told['test_set']['test_set_id']}")
    assert why in [one["why"] for one in shown["suggestions"]]
    assert why in words(visitor.read(f"/test-sets/{shown['id']}"))


def test_sets_checklists_and_numbers_become_projects_whose_pages_can_be_read(world: World) -> None:
    files: dict[str, list[dict[str, object]]] = {
        "labels": [{"input": example(i)["text"], "labels": [["a_b"], ["a_b", "c"], []][i % 3]} for i in range(90)],
        "fields": [{"input": example(i)["text"], "rude": i % 2 == 0, "late": i % 3 == 0} for i in range(90)],
        "number": [{"input": example(i)["text"], "reference": i * 3} for i in range(90)],
        "text": [{"input": example(i)["text"], "reference": f"{THINGS[i % 10]} {i}"} for i in range(90)],
    }
    for kind, rows in files.items():
        visitor, project_id = imported(world, lines(rows))
        project: Any = visitor.json(f"/projects/{project_id}")
        assert project["kind"] == kind
        assert "Splits and versions" in visitor.read(f"/projects/{project_id}")
        visitor.read(f"/projects/{project_id}/edit")
        visitor.read(f"/test-sets/{project['test_set']['test_set_id']}")


def test_columns_become_the_fields_of_a_checklist_when_a_person_ticks_them(world: World) -> None:
    visitor = world.visitor()
    here = send(visitor, lines([example(i, tone="ab"[i % 2], late="yes" if i % 3 else "no") for i in range(90)]))
    refused = visitor.send(here, {**FORM, "kind": "fields", "label_column": "label"}, status=422)
    assert "is not a JSON object of fields and their values" in refused
    assert 'name="field_column" value="tone"' in refused
    ticked: dict[str, object] = {**FORM, "kind": "fields", "label_column": "label", "field_column": ["tone", "late"]}
    assert visitor.send(here, {**ticked, "do": "columns"}) == here
    assert 'value="tone" checked' in visitor.read(here)
    assert visitor.send(here, ticked) == here
    work(world)
    told: Any = visitor.json(here)
    counts = told["test_set"]["label_counts"]["dev"]
    assert sorted(counts) == ["late: false", "late: true", "tone: a", "tone: b"]


def test_rows_join_a_test_set_after_a_person_saw_what_changes(world: World) -> None:
    visitor, project_id = imported(world, good(90))
    page = visitor.read(f"/projects/{project_id}")
    assert f'href="/projects/{project_id}/rows"' in page
    assert "Add rows" in visitor.read(f"/projects/{project_id}/rows")
    more = lines([*(example(number) for number in range(60, 150)), {**example(3), "label": "rant"}])
    here = send(visitor, more, add_to=project_id)
    seen = words(visitor.read(here))
    assert "New rows 60 Other answer 1 Removed 0 As before 89" in seen
    assert "New labels: rant. Prompts that list the labels do not know them yet." in seen
    assert visitor.send(here, {}) == here
    work(world)
    told: Any = visitor.json(here)
    assert (told["status"], told["project_id"]) == ("done", project_id)
    project: Any = visitor.json(f"/projects/{project_id}")
    assert [label["name"] for label in project["labels"]] == ["complaint", "praise", "question", "rant"]
    shown: Any = visitor.json(f"/test-sets/{project['test_set']['test_set_id']}")
    assert [version["number"] for version in shown["versions"]] == [2, 1]
    assert sum(shown["versions"][0]["sizes"].values()) == 150
    assert (count(world, Project), count(world, TestSetVersion)) == (1, 2)
    assert "in use" in words(visitor.read(f"/test-sets/{shown['id']}"))
    assert "91 rows: 60 new, 1 with another answer" in words(visitor.read(f"/projects/{project_id}"))


def test_a_file_that_cannot_join_is_explained_on_its_page(world: World) -> None:
    visitor, project_id = imported(world, good(90))
    html = send(visitor, lines([{"text": "x"}]), status=422, add_to=project_id)
    assert "<h1>Add rows</h1>" in html
    assert "no column looks like the label" in html
    here = send(visitor, good(80), add_to=project_id)
    said = 'id="error-replace">Nothing would change: the test set has these rows already'
    assert said in visitor.read(here)
    assert said in visitor.send(here, {}, status=422)
    assert visitor.send(here, {"replace": "yes"}) == f"{here}?look=anew", "nobody saw yet which rows leave"
    seen = words(visitor.read(f"{here}?look=anew"))
    assert "Not imported yet. The file was read with these choices just now: see what changes" in seen
    assert "Removed 10" in seen
    assert visitor.send(here, {"replace": "yes"}) == here
    assert count(world, TestSetVersion) == 1
    work(world)
    assert count(world, TestSetVersion) == 2


def test_programs_add_rows_with_an_upload(world: World) -> None:
    visitor, project_id = imported(world, good(90))
    token = token_on(visitor.client.get("/uploads/new").text)
    body = {"filename": "more.jsonl", "text": good(100).decode(), "add_to": project_id, "replace": True}
    sent = visitor.client.post("/api/v1/uploads", json=body, headers={"x-csrf-token": token})
    assert sent.status_code == 201, sent.text
    assert sent.json()["preview"]["split"]["changes"] == {"added": 10, "relabelled": 0, "removed": 0, "unchanged": 90}
    begun = visitor.client.post(f"/api/v1/uploads/{sent.json()['id']}/import", json={}, headers={"x-csrf-token": token})
    assert begun.status_code == 202, begun.text
    work(world)
    assert count(world, TestSetVersion) == 2


def test_the_command_adds_rows_and_says_what_changed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _, project_id = imported(world, good(90))
    file = world.folder / "more.jsonl"
    file.write_bytes(lines([example(number) for number in range(80, 95)]))
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{world.folder / 'agon.sqlite3'}")
    command_settings.cache_clear()
    try:
        done = CliRunner().invoke(command, ["add-rows", project_id, str(file)])
        refused = CliRunner().invoke(command, ["add-rows", project_id, str(file), "--label-column", "kind"])
    finally:
        command_settings.cache_clear()
    assert str(refused.exception).startswith("--label-column: there is no column kind for the label")
    assert done.exit_code == 0, done.output
    assert "5 added, 0 relabelled, 0 removed, 90 unchanged" in done.output
    assert count(world, TestSetVersion) == 2


def test_scores_of_an_older_version_are_marked_on_both_pages(tmp_path: Path) -> None:
    world = played().world.copied(tmp_path)
    visitor, address = world.visitor(), f"/projects/{world.project_id}"
    prompt = f"/prompts/{world.first_prompt()}"
    before = [words(visitor.read(page)) for page in (address, prompt)]
    with world.database.read() as session:
        found = growing.standing(session, world.project_id)
        label = found.answers.names[0]
    rows: list[dict[str, object] | str] = [
        {"input": f"{THINGS[i % 10]} {i * 7919} {THINGS[i // 7 % 10]}", "label": label} for i in range(40)
    ]
    more = growing.prepare(world.settings, found, lines(rows), "more.jsonl", Choices())
    with world.database.write() as session:
        growing.save(session, found, more)
    after = [words(visitor.read(page)) for page in (address, prompt)]
    assert all("older test set" not in page for page in before)
    assert all("older test set" in page for page in after)
    assert "measured on an older version of the test set" in after[1]
    told: Any = visitor.json(address)
    assert all(score["stale"] for line in told["prompts"]["prompts"] for score in line["scores"])
    assert all(reign["stale"] for reign in told["champions"])
    world.close()
