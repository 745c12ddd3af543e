"""Rows that join a test set: old ones keep their id and split, new ones follow the plan, and nothing is paid twice."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.errors import Conflict, Invalid
from app.services import growing, importing, overviews
from app.services.importing import Choices
from app.services.projects import ProjectDraft
from app.settings import Settings
from app.storage import projects, prompts, test_sets
from app.storage.prompt_boards import Score
from app.storage.session import Database
from app.storage.test_sets import Example, Placement, TestSetVersion
from tests.gateway.scripted import serving
from tests.services.tickets import LABELS, Tickets, right

Rows = list[dict[str, Any]]
WORDS = ("refund", "parcel", "kettle", "lamp", "invoice", "courier", "box")


def row(number: int, **more: Any) -> dict[str, Any]:
    text = f"{WORDS[number % 7]} {number * 7919} {WORDS[number // 7 % 7]} {number}"
    return {"input": text, "label": ("ask", "praise", "rant")[number % 3], **more}


def data(rows: Sequence[Mapping[str, Any]]) -> bytes:
    return "\n".join(map(json.dumps, rows)).encode()


def project(database: Database, rows: Rows, **choices: Any) -> str:
    prepared = importing.prepare(Settings(), data(rows), "first.jsonl", Choices(**choices))
    with database.write() as session:
        return importing.save(session, Settings(), ProjectDraft("Shop", ""), prepared)


def add(database: Database, project_id: str, rows: Rows, **choices: Any) -> importing.Prepared:
    with database.read() as session:
        found = growing.standing(session, project_id)
    more = growing.prepare(Settings(), found, data(rows), "more.jsonl", Choices(on_conflict="refuse", **choices))
    with database.write() as session:
        growing.save(session, found, more)
    return more


def state(database: Database, project_id: str) -> tuple[TestSetVersion, dict[str, tuple[int, str, int]]]:
    """(the newest version, (example id, split, label) by input)."""
    with database.read() as session:
        version = test_sets.newest_version(session, project_id)
        assert version is not None
        query = select(Example, Placement).join(Placement).where(Placement.version_id == version.id)
        return version, {one.input: (one.id, place.split, place.label) for one, place in session.execute(query)}


def test_added_rows_leave_the_old_ones_where_they_were(database: Database) -> None:
    project_id = project(database, [row(i) for i in range(300)])
    first, before = state(database, project_id)
    made = add(database, project_id, [row(i) for i in range(250, 420)])
    second, after = state(database, project_id)
    assert dict(made.changes) == {"added": 120, "relabelled": 0, "removed": 0, "unchanged": 300}
    assert (first.test_set_id, first.id != second.id, sum(second.splits.values())) == (second.test_set_id, True, 420)
    assert {text: after[text] for text in before} == before
    assert second.plan["kind"] == "stratified"
    assert second.splits == {"train": 210, "dev": 126, "holdout": 84}
    assert first.holdout_hash != second.holdout_hash


def test_replacing_removes_what_the_file_lacks_and_relabelling_changes_one_answer(database: Database) -> None:
    project_id = project(database, [row(i) for i in range(300)])
    first, before = state(database, project_id)
    rows = [row(i) for i in range(20, 300)]
    rows[0]["label"] = "praise" if rows[0]["label"] != "praise" else "rant"
    made = add(database, project_id, rows, replace=True)
    second, after = state(database, project_id)
    assert dict(made.changes) == {"added": 0, "relabelled": 1, "removed": 20, "unchanged": 279}
    assert {text: found[:2] for text, found in after.items()} == {
        one["input"]: before[one["input"]][:2] for one in rows
    }
    assert after[rows[0]["input"]][2] != before[rows[0]["input"]][2]
    add(database, project_id, [row(i) for i in range(300)])
    third, again = state(database, project_id)
    assert set(again) == set(before)
    assert {text: found[:2] for text, found in again.items()} == {text: found[:2] for text, found in before.items()}
    assert len({first.content_hash, second.content_hash, third.content_hash}) == 3


def test_new_labels_stand_behind_the_old_so_that_codes_keep_their_meaning(database: Database) -> None:
    project_id = project(database, [row(i) for i in range(300)])
    before = state(database, project_id)[1]
    add(database, project_id, [row(i, label="complaint") for i in range(300, 340)])
    after = state(database, project_id)[1]
    assert {text: after[text] for text in before} == before
    with database.read() as session:
        assert projects.get(session, project_id).label_names == ("ask", "praise", "rant", "complaint")
    assert {found[2] for text, found in after.items() if text not in before} == {3}


def test_a_file_that_changes_nothing_and_a_set_that_changed_meanwhile_are_refused(database: Database) -> None:
    rows = [row(i) for i in range(100)]
    project_id = project(database, rows)
    with pytest.raises(Invalid, match="Nothing would change"):
        add(database, project_id, rows[:50])
    with database.read() as session:
        found = growing.standing(session, project_id)
    late = growing.prepare(Settings(), found, data([row(200)]), "late.jsonl", Choices())
    add(database, project_id, [row(201)])
    with pytest.raises(Conflict, match="changed meanwhile"), database.write() as session:
        growing.save(session, found, late)


def test_sets_numbers_and_checklists_grow_too_but_a_checklist_has_no_new_values(database: Database) -> None:
    sets = project(database, [{**row(i), "label": [["a"], ["a", "b"], []][i % 3]} for i in range(100)])
    add(database, sets, [{**row(i), "label": ["c", "a"]} for i in range(100, 110)])
    assert {found[2] for found in state(database, sets)[1].values()} == {0, 1, 3, 5}
    numbers = project(database, [{"input": row(i)["input"], "reference": i} for i in range(100)])
    assert add(database, numbers, [{"input": row(5)["input"], "reference": "6"}]).changes["relabelled"] == 1
    lists = project(
        database,
        [{"input": row(i)["input"], "label": {"rude": i % 2 == 0, "team": "xy"[i % 3 > 1]}} for i in range(100)],
    )
    made = add(database, lists, [{"input": "quite new", "label": {"team": "x", "rude": "no"}}])
    assert made.changes["added"] == 1
    with pytest.raises(Invalid, match="team: z: is a value that the checklist does not have"):
        add(database, lists, [{"input": "newer", "label": {"team": "z", "rude": True}}])


def test_newer_rows_of_an_out_of_time_set_are_the_holdout_and_no_group_is_torn(database: Database) -> None:
    def dated(i: int, **more: Any) -> dict[str, Any]:
        return row(i, created_at=f"2024-{i // 28 + 1:02}-{i % 28 + 1:02}", **more)

    project_id = project(database, [dated(i, group=f"g{i}") for i in range(280)])
    first, before = state(database, project_id)
    assert first.plan["kind"] == "out_of_time"
    made = add(database, project_id, [dated(i, group="g3" if i == 290 else f"h{i}") for i in range(281, 300)])
    second, after = state(database, project_id)
    assert {after[text][1] for text in after if text not in before} == {"holdout"}
    assert (made.changes["added"], second.imported["left_out"]) == (18, 1)
    assert {name: second.plan[name] for name in ("dev_from", "holdout_from")} == {name: first.plan[name] for name in ("dev_from", "holdout_from")}  # fmt: skip


def test_rows_that_were_answered_are_not_paid_again_and_older_scores_are_marked(
    database: Database, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path / "data", block_size=20, in_flight=8, save_seconds=0.05)
    rows = [{"input": f"{row(i)['input']} [{LABELS[i % 3]}]", "label": LABELS[i % 3]} for i in range(240)]
    with serving(right) as server:
        tickets = Tickets.at(database, settings, server.base_url, 3)
        project_id = project(database, rows[:120])
        with database.write() as session:
            prompt_id = prompts.add(session, prompts.line_of(session, project_id).id, "{{input}}", "person").id
        asked = {"project_id": project_id, "prompt_version_id": prompt_id}
        tickets.start(**asked)
        tickets.work()
        first = state(database, project_id)[0].splits["dev"]
        assert len(server.hits) == first
        add(database, project_id, rows)
        assert [score.stale for score in _scores(database, settings, prompt_id)] == [True]
        tickets.start(**asked)
        tickets.work()
        second = state(database, project_id)[0].splits["dev"]
        assert len(server.hits) == second > first
        scores = _scores(database, settings, prompt_id)
    assert [(score.stale, score.score.n, score.score.value) for score in scores] == [(False, second, 1.0)]


def _scores(database: Database, settings: Settings, prompt_id: str) -> list[Score]:
    with database.read() as session:
        view = overviews.prompt_view(session, settings, prompt_id)
        listed = overviews.project_view(session, settings, view.project_id).prompts.prompts
    assert next(line.scores for line in listed if line.id == prompt_id) == view.dev
    return view.dev
