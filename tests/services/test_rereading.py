"""Another rule of comparing: stored answers are read again, whatever happens meanwhile, and none is bought twice."""

import json
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.domain.answercodes import RIGHT, UNGRADED
from app.errors import Conflict, Invalid
from app.services import evaluating, rereading, retiring, rules, run_views
from app.settings import Settings
from app.storage import jobs
from app.storage.base import now
from app.storage.campaigns import Campaign
from app.storage.endpoints import Endpoint
from app.storage.evaluations import Output
from app.storage.grades import Grade
from app.storage.projects import Project
from app.storage.rules import Rereading, RuleChange
from app.storage.session import Database
from app.storage.test_sets import Placement
from tests.conftest import data_folder
from tests.gateway.scripted import Answer, Hit, completion, serving
from tests.services.questions import Asked, talkative
from tests.storage.test_jobs import campaign

JUDGED = {"match": "criterion", "criterion": "Is it a place?", "grader": "x/small"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", block_size=20, in_flight=8, save_seconds=0.05)


def odd(asked: Asked) -> int:
    """How many of the dev examples are answered without a sentence around."""
    return sum(output.reading == RIGHT for output in asked.outputs())


def test_another_match_changes_every_score_without_a_single_call(database: Database, settings: Settings) -> None:
    with serving(talkative) as server:
        asked = Asked.at(database, settings, server.base_url)
        run_id = asked.evaluate()
        asked.evaluate("train")
        bought, before = len(server.hits), asked.evaluations()
        assert bought == asked.size() + asked.size("train")
        assert all(0 < one.right < one.n for one in before)
        asked.change(match="contains")
        asked.work()
        assert len(server.hits) == bought
    for was, one in zip(before, asked.evaluations(), strict=True):
        assert (one.n, one.right, one.value, one.goal) == (was.n, was.n, 1.0, "mean_score")
        assert one.summary is not None
        assert one.summary["goals"][0]["value"] == 1.0
    assert {(output.reading, output.score, output.counts) for output in asked.outputs()} == {(RIGHT, 1.0, True)}
    with database.read() as session:
        change = session.scalars(select(RuleChange)).one()
        assert (change.evaluations, change.done, change.outputs) == (2, 2, bought)
        assert change.finished_at is not None
        assert session.scalars(select(Rereading)).all() == []
        view = run_views.run_view(session, run_id)
    assert view.rule.words.startswith("A reply is right when the reference's words stand in it")
    assert (view.score and view.score.value, view.rule.rereading) == (1.0, None)


def test_the_same_rule_again_changes_nothing(database: Database, settings: Settings) -> None:
    asked = Asked.at(database, settings, "http://127.0.0.1:9/v1", match="contains")
    assert asked.change(match="contains", separated=False) == ""
    with database.read() as session:
        assert session.scalars(select(jobs.Job)).all() == []


def test_a_worker_that_is_ended_or_killed_in_between_costs_nothing(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(talkative) as server:
        asked = Asked.at(database, settings, server.base_url)
        asked.evaluate()
        asked.evaluate("train")
        bought = len(server.hits)
        job_id = asked.change(match="contains")
        monkeypatch.setattr(rereading, "ROWS", 4)
        steps, real = Counter[str](), rereading._step

        def ended(*given: Any) -> bool:
            steps["all"] += 1
            if steps["all"] == 3:
                raise SystemExit
            return real(*given)

        monkeypatch.setattr(rereading, "_step", ended)
        with pytest.raises(SystemExit):
            rereading.work(database, settings, job_id)
        with database.write() as session:
            assert rules.progress(session, asked.project_id) is not None
            lease = jobs.claim(session, job_id, 0.0, "a worker that is killed")
            assert lease is not None, "what was let go is free at once"
            begun = session.scalars(select(RuleChange.outputs)).one()
        assert begun == 8
        asked.work()
        rereading.work(database, settings, job_id)
        assert len(server.hits) == bought
    with database.read() as session:
        assert session.scalars(select(RuleChange.outputs)).one() == bought, "every output was read once"
        assert rules.progress(session, asked.project_id) is None
    assert [(one.value, one.right) for one in asked.evaluations()] == [(1.0, one.n) for one in asked.evaluations()]


def test_a_change_made_meanwhile_begins_anew(database: Database, settings: Settings, monkeypatch: Any) -> None:
    with serving(talkative) as server:
        asked = Asked.at(database, settings, server.base_url)
        asked.evaluate()
        right = odd(asked)
        asked.change(match="contains")
        monkeypatch.setattr(rereading, "ROWS", 4)
        monkeypatch.setattr(settings, "slice_seconds", 0.0)
        with database.read() as session:
            job_id = session.scalars(select(jobs.Job.id).where(jobs.Job.kind == "rereading")).one()
        rereading.work(database, settings, job_id)
        assert odd(asked) >= right
        asked.change(match="exact")
        asked.work()
    assert odd(asked) == right == asked.evaluations()[0].right
    with database.read() as session:
        first, second = session.scalars(select(RuleChange).order_by(RuleChange.created_at)).all()
    assert (first.finished_at is not None, second.finished_at is not None, second.before) == (True, True, {})


def test_while_work_goes_on_the_rule_stays_and_while_it_is_read_again_no_work_begins(
    database: Database, settings: Settings
) -> None:
    with serving(talkative) as server:
        asked = Asked.at(database, settings, server.base_url)
        run_id = asked.start()
        with pytest.raises(Conflict, match=f"Evaluation {run_id} is not over"):
            asked.change(match="contains")
        with database.write() as session:
            block = session.scalars(select(jobs.Job).where(jobs.Job.kind == "block")).first()
            assert block is not None
            assert jobs.claim(session, block.id, 60.0, "slow") is not None
            evaluating.stop(session, run_id)
        asked.work("run")
        with pytest.raises(Conflict, match=f"Evaluation {run_id} is not over"):
            asked.change(match="contains")
        with database.write() as session:
            session.get_one(jobs.Job, block.id).lease_until = now()
        asked.change(match="contains")
        with pytest.raises(Conflict, match="are being read again"):
            asked.start()
        asked.work("rereading")
        asked.evaluate()
    assert asked.evaluations()[0].value == 1.0


def test_a_campaign_that_goes_on_keeps_the_rule(database: Database, settings: Settings) -> None:
    campaign_id = campaign(database)
    with database.write() as session:
        running = session.get_one(Campaign, campaign_id)
        project = session.get_one(Project, running.project_id)
        project.answers, project.labels = {"kind": "number"}, []
        number = running.number
        with pytest.raises(Conflict, match=f"Campaign {number} goes on"):
            rules.change(session, running.project_id, {"tolerance": "1"})


def test_a_graded_rule_empties_scores_until_answers_are_graded_and_buys_no_answer_again(
    database: Database, settings: Settings
) -> None:
    with serving(talkative) as server:
        asked = Asked.at(database, settings, server.base_url)
        asked.evaluate()
        answers = len(server.hits)
        asked.change(**JUDGED)
        asked.work()
        assert len(server.hits) == answers
        assert {(one.reading, one.score, one.counts) for one in asked.outputs()} == {(UNGRADED, None, False)}
        emptied = asked.evaluations()[0]
        assert (emptied.value, emptied.n, emptied.right, emptied.summary) == (None, 0, 0, None)
        run_id = asked.evaluate()
        assert len(server.hits) == 2 * answers, "one request to the judge for each answer, none for an answer"
        graded = asked.evaluations()[0]
        assert graded.n == graded.right == answers, "partly fulfilled is right from 0.5"
        asked.change(right_from="0.75")
        asked.work()
        strict = asked.evaluations()[0]
        thirds = sum(output.score == 1.0 for output in asked.outputs())
        assert (strict.right, strict.value) == (thirds, graded.value), "the grades stay, the mark moves"
        with database.read() as session:
            assert len(session.scalars(select(Grade)).all()) == answers
            assert run_views.run_view(session, run_id).rule.graded
            assert "1 project whose answers it grades" in retiring.uses(session, asked.endpoint_id)
        asked.change(match="exact")
        asked.work()
        assert len(server.hits) == 2 * answers
    plain = asked.evaluations()[0]
    assert 0 < plain.right < plain.n == answers
    with database.read() as session:
        assert session.scalars(select(Grade)).all() == []


def test_what_a_fallback_answered_counts_or_not_as_before(database: Database, settings: Settings) -> None:
    with serving(talkative) as server:
        asked = Asked.at(database, settings, server.base_url)
        asked.evaluate()
        with database.write() as session:
            first, second = session.scalars(select(Output).order_by(Output.example_id).limit(2))
            first.served_by = second.served_by = asked.endpoint_id
            first.counts = False
        asked.change(match="contains")
        asked.work()
    with database.read() as session:
        again = session.scalars(select(Output).order_by(Output.example_id).limit(2)).all()
    assert [(one.reading, one.counts) for one in again] == [(RIGHT, False), (RIGHT, True)]
    assert asked.evaluations()[0].n == asked.size() - 1


def test_right_answers_that_the_new_rule_cannot_use_are_named_but_those_of_the_holdout(
    database: Database, settings: Settings
) -> None:
    asked = Asked.at(database, settings, "http://127.0.0.1:9/v1")
    with database.write() as session:
        for split in ("dev", "holdout"):
            placed = session.scalars(select(Placement).where(Placement.split == split).order_by(Placement.position))
            list(placed)[2].reference = f"({split} secret"
    with pytest.raises(Invalid) as refused:
        asked.change(match="regex")
    assert [one.where for one in refused.value.problems] == ["example 3 of dev", "holdout"]
    assert "holdout secret" not in str(refused.value)
    with database.read() as session:
        assert session.scalars(select(RuleChange)).all() == []


@pytest.mark.parametrize(
    ("grader", "role", "said"),
    [("x/none", "", "there is no endpoint x/none"), ("none", "", "is not PROVIDER/NAME"), ("x/small", "embedder", "so it cannot judge answers")],
)  # fmt: skip
def test_a_grader_must_be_able_to_grade(
    database: Database, settings: Settings, grader: str, role: str, said: str
) -> None:
    asked = Asked.at(database, settings, "http://127.0.0.1:9/v1")
    with database.write() as session:
        session.get_one(Endpoint, asked.endpoint_id).role = role
    with pytest.raises(Invalid) as refused:
        asked.change(**{**JUDGED, "grader": grader})
    assert [one.where for one in refused.value.problems] == ["grader"]
    assert said in str(refused.value)


def loosely(name: str) -> tuple[bytes, Callable[[Hit], Answer]]:
    """(the first rows of a real set, a model that answers them nearly right)."""
    lines = (data_folder() / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()[:60]
    right = {row["input"]: row["reference"] for row in map(json.loads, lines)}

    def answer(hit: Hit) -> Answer:
        reference = next(right[asked] for asked in sorted(right, key=len, reverse=True) if asked in hit.text)
        if name == "gsm8k":
            return completion(f"#### {Decimal(reference) * Decimal('1.01')}".replace(".", ","))
        return completion(f"It is {reference.split('|')[-1]}, as everybody knows")

    return "\n".join(lines).encode(), answer


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("bbh", {"match": "contains"}),
        ("rubq", {"match": "contains", "separated": True}),
        ("gsm8k", {"tolerance": "0.02", "relative": True, "comma": True}),
    ],
)
def test_answers_to_real_sets_are_right_by_another_rule_and_nothing_is_bought(
    database: Database, settings: Settings, name: str, rule: dict[str, Any]
) -> None:
    data, answer = loosely(name)
    with serving(answer) as server:
        asked = Asked.at(database, settings, server.base_url, data)
        asked.evaluate()
        bought = len(server.hits)
        assert asked.evaluations()[0].right < asked.size() / 4
        asked.change(**rule)
        asked.work()
        assert len(server.hits) == bought
    assert asked.evaluations()[0].right == asked.evaluations()[0].n == asked.size()
