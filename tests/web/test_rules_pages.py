"""How answers are compared, as people choose it: at an import, on the project, and while answers are read again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import select

from app.services import working
from app.storage.jobs import Job
from app.storage.projects import Project
from app.storage.uploads import Upload
from tests.gateway.scripted import serving as scripted
from tests.services.questions import Asked, talkative
from tests.web.arena_world import World, elsewhere, serving
from tests.web.reading import words
from tests.web.upload_files import count, lines, send, work

FORM: dict[str, object] = {"name": "Places", "smallest_gain": "0.02", "goal": "mean_score"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World.at(tmp_path)
    yield world
    world.close()


def rows(reference: str = "place {}") -> bytes:
    return lines([{"question": f"question {n} on places", "reference": reference.format(n)} for n in range(60)])


def asked(world: World, url: str) -> Asked:
    found = Asked.at(world.database, world.settings, url)
    world.project_id = found.project_id
    return found


def read_again(world: World) -> None:
    with world.database.read() as session:
        found = session.scalars(select(Job.id).where(Job.kind == "rereading")).all()
    for job_id in found:
        working.work(world.database, world.settings, job_id)


def test_a_rule_is_chosen_at_the_import_and_the_preview_says_what_it_means(world: World) -> None:
    visitor = world.visitor()
    here = send(visitor, rows())
    html = visitor.read(here)
    assert "A reply is right when it is the same text" in words(html)
    assert 'name="match"' in html
    assert 'name="tolerance"' not in html
    choice: dict[str, object] = {**FORM, "kind": "text", "match": "contains", "separated": "yes"}
    visitor.send(here, {**choice, "do": "columns"})
    html = visitor.read(here)
    assert "the reference&#39;s words stand in it" in html
    assert '<option value="contains" selected>' in html
    visitor.send(here, choice)
    work(world)
    told: Any = visitor.json(here)
    project: Any = visitor.json(f"/projects/{told['project_id']}")
    assert (project["rule"]["options"]["match"], project["rule"]["options"]["separated"]) == ("contains", True)
    assert "with | between them." in words(visitor.read(f"/projects/{told['project_id']}"))


def test_numbers_have_other_options_than_texts(world: World) -> None:
    visitor = world.visitor()
    here = send(visitor, rows("{}"))
    html = visitor.read(here)
    assert 'name="tolerance"' in html
    assert 'name="match"' not in html
    number: dict[str, object] = {**FORM, "kind": "number", "tolerance": "0,5", "comma": "yes", "match": "contains"}
    visitor.send(here, number)
    work(world)
    told: Any = visitor.json(here)
    project: Any = visitor.json(f"/projects/{told['project_id']}")
    assert project["rule"]["options"] == {
        "tolerance": "0.5",
        "relative": False,
        "comma": True,
        "percent_as_share": False,
    }
    assert (
        project["rule"]["words"] == "A reply is right when its number differs by 0.5 at most; 1,234 is read as 1.234."
    )


def test_a_pattern_that_is_none_is_named_with_its_line_and_a_grader_must_be_there(world: World) -> None:
    visitor = world.visitor()
    here = send(visitor, rows("(place {}"))
    seen = words(visitor.send(here, {**FORM, "kind": "text", "match": "regex"}, status=422))
    assert "line 1, column reference" in seen
    assert "cannot be compared by regex" in seen
    seen = words(visitor.send(here, {**FORM, "kind": "text", "match": "facts", "grader": "x/none"}, status=422))
    assert "there is no endpoint x/none" in seen
    assert count(world, Project) == 0


def test_a_program_chooses_a_rule_and_hears_which_option_does_not_fit(world: World) -> None:
    client = world.visitor().client
    file = {"filename": "q.jsonl", "text": rows().decode()}
    refused = client.post("/api/v1/uploads", json={**file, "tolerance": 1})
    assert (refused.status_code, refused.json()["problems"][0]["where"]) == (422, "tolerance")
    assert count(world, Upload) == 0
    made = client.post("/api/v1/uploads", json={**file, "match": "contains"}).json()
    assert made["preview"]["compared"].startswith("A reply is right when the reference's words stand in it")
    here = f"/api/v1/uploads/{made['id']}"
    assert client.post(f"{here}/import", json={"separated": True}).status_code == 202
    work(world)
    project_id = client.get(here).json()["project_id"]
    rule = client.get(f"/api/v1/projects/{project_id}/rule").json()
    assert (rule["rule"]["options"]["match"], rule["rule"]["options"]["separated"]) == ("contains", True)
    assert rule["changes"] == []


def test_another_rule_is_saved_watched_and_kept_in_the_history(world: World) -> None:
    with scripted(talkative) as server:
        found = asked(world, server.base_url)
        run_id = found.evaluate()
        visitor, project = world.visitor(), f"/projects/{found.project_id}"
        assert "How answers are compared" in words(visitor.read(f"{project}/edit"))
        assert visitor.send(f"{project}/rule", {"match": "contains", "criterion": "left over"}) == project
        assert len(world.poked) == 1
        html = visitor.read(project)
        assert "Stored answers are read again." in html
        assert '<noscript><meta http-equiv="refresh"' in html
        assert "0 of 1 evaluations" in words(html)
        assert "being read again" in words(visitor.read(f"/evaluations/{run_id}"))
        read_again(world)
        live = visitor.client.get(f"{project}/rereading")
        assert (live.headers["hx-refresh"], live.text.strip()) == ("true", "")
        assert "Stored answers are read again." not in visitor.read(project)
        history = words(visitor.read(f"{project}/edit"))
        assert "Before: A reply is right when it is the same text" in history
        told: Any = visitor.json(f"{project}/rule")
        assert [one["before"][:30] for one in told["changes"]] == ["A reply is right when it is th"]
        run: Any = visitor.json(f"/evaluations/{run_id}")
        assert (run["score"]["value"], run["rule"]["words"]) == (1.0, told["rule"]["words"])
        assert told["rule"]["words"] in words(visitor.read(f"/evaluations/{run_id}"))


def test_an_answer_without_a_grade_is_said_to_be_asked_for_by_another_run(world: World) -> None:
    with scripted(talkative) as server:
        found = asked(world, server.base_url)
        run_id = found.evaluate()
        judged: dict[str, object] = {"match": "criterion", "criterion": "Is it a place?", "grader": "x/small"}
        world.visitor().send(f"/projects/{found.project_id}/rule", judged)
        read_again(world)
        html = world.visitor().read(f"/evaluations/{run_id}")
    assert "Run it again to have its answers graded; the answers are stored and are not bought again." in words(html)


def test_a_rule_that_cannot_be_leaves_what_was_typed_and_changes_nothing(world: World) -> None:
    found = asked(world, "http://127.0.0.1:9/v1")
    visitor, rule = world.visitor(), f"/projects/{found.project_id}/rule"
    html = visitor.send(rule, {"match": "criterion", "criterion": "", "grader": "x/small"}, status=422)
    assert "what the judge looks at" in html
    assert '<option value="criterion" selected>' in html
    found.start()
    html = visitor.send(rule, {"match": "contains"}, status=409)
    assert "is not over, and it is scored by the present rule" in words(html)
    assert '<option value="contains" selected>' in html
    refused = visitor.client.patch(f"/api/v1{rule}", json={"match": "contains"})
    assert (refused.status_code, refused.headers["content-type"]) == (409, "application/problem+json")
    told: Any = visitor.json(rule)
    assert told["rule"]["options"]["match"] == "exact"


def test_projects_of_labels_have_nothing_to_choose(world: World) -> None:
    world.import_demo(rows=80)
    visitor = world.visitor()
    assert "How answers are compared" not in visitor.read(f"/projects/{world.project_id}/edit")
    refused = visitor.client.patch(f"/api/v1/projects/{world.project_id}/rule", json={"match": "contains"})
    assert "the answers here are taken for labels" in refused.json()["detail"]
    told: Any = visitor.json(f"/projects/{world.project_id}/rule")
    assert told["rule"] == {"words": "", "options": {}, "graded": False, "rereading": None}


def test_a_page_that_watches_loads_anew_when_all_is_read_again(world: World, browser: Browser) -> None:
    with scripted(talkative) as server:
        found = asked(world, server.base_url)
        elsewhere(found.evaluate).join()
    with serving(world.app()) as url:
        page = browser.new_page()
        page.goto(f"{url}/projects/{found.project_id}/edit")
        form = page.locator(f'form[action="/projects/{found.project_id}/rule"]')
        expect(form.get_by_label("Grader")).to_be_hidden()
        form.get_by_label("A reply is right when").select_option("criterion")
        expect(form.get_by_label("Grader")).to_be_visible()
        expect(form.get_by_label("Criterion")).to_be_visible()
        form.get_by_label("A reply is right when").select_option("contains")
        expect(form.get_by_label("Criterion")).to_be_hidden()
        form.get_by_role("button", name="Compare so").click()
        expect(page.get_by_text("Stored answers are read again.")).to_be_visible()
        elsewhere(lambda: read_again(world)).join()
        expect(page.get_by_text("Stored answers are read again.")).to_have_count(0)
        expect(page.get_by_text("the reference's words stand in it")).to_be_visible()
        page.close()
