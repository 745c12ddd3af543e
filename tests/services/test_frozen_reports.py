"""Frozen thresholds in holdout reports, from the practice models to every form of the report: a person's and a campaign's."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.domain.freezing import held
from app.domain.metrics import Estimate
from app.practice.server import create_app as create_practice
from app.services import blocks, campaigns, freezing, frozen_reports, opening, tuning, working
from app.services.campaigns import CampaignDraft
from app.services.frozen_reports import FrozenOnHoldout
from app.services.opening import OpeningDraft
from app.settings import Settings
from app.storage import openings
from app.storage.endpoints import Endpoint
from app.storage.jobs import Job
from app.storage.session import Database
from app.web.frozen_words import abstaining_words, note_words
from tests.flows.test_thresholds import evaluated
from tests.services.sure import Sure, answered, opened, seal
from tests.services.tickets import Tickets
from tests.web.arena_world import TRIO, Visitor, World, serving
from tests.web.reading import words

SURE = {"how": "text", "probabilities": "logprobs"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World.at(tmp_path)
    world.import_demo(rows=240)
    with serving(create_practice()) as url:
        world.offer(url)
        yield world
    world.close()


def work(world: World) -> None:
    """What call workers and drivers do until nothing waits."""
    while True:
        with world.database.read() as session:
            waiting = [one.id for one in session.query(Job).filter(Job.kind.in_(("run", "opening", "block")))]
        if not waiting:
            return
        blocks.work(world.database, world.settings, "here:1")
        for job_id in waiting:
            working.work(world.database, world.settings, job_id)


def frozen(world: World, rule: str, **given: str) -> tuple[str, str]:
    """The run and the prompt version of thresholds of every class."""
    run_id = evaluated(world, SURE)
    with world.database.write() as session:
        row = freezing.freeze(session, run_id, {"rule": rule, **given}, every=True, abstain=True)
        return run_id, row.prompt_version_id


def looked_at(world: World, version_id: str) -> str:
    model = world.endpoint("practice/scholar-v1").id
    draft = OpeningDraft(world.project_id, version_id, model, "before it goes live", confirmed=True)
    with world.database.write() as session:
        found = opening.begin(session, world.settings, draft)[0].id
    work(world)
    return found


def promised(visitor: Visitor, address: str) -> list[dict[str, Any]]:
    found: Any = visitor.json(address)
    thresholds: list[dict[str, Any]] = found.get("report", found)["thresholds"]
    return thresholds


def test_a_person_who_opens_the_holdout_reads_whether_frozen_thresholds_held(world: World) -> None:
    run_id, version_id = frozen(world, "precision", recall="0.6")
    opening_id = looked_at(world, version_id)
    visitor = world.visitor()
    [one] = promised(visitor, f"/openings/{opening_id}")
    assert (one["prompt"], one["rule"], one["changed"]) == ("best", "precision at recall>=0.6", [])
    assert one["check"]["lacking"] == 0
    tuned: Any = visitor.json(f"/evaluations/{run_id}/thresholds?class=normal&rule=precision&recall=0.6")
    [normal] = [found for found in one["check"]["classes"] if found["name"] == "normal"]
    assert normal["tuned"] == tuned["tuned"]["chosen"]["at"]
    counts = normal["holdout"]
    assert sum(counts[cell] for cell in ("tp", "fp", "fn", "tn")) == one["check"]["n"]
    assert counts["recall"]["n"] == counts["tp"] + counts["fn"]
    assert normal["recall"] == held(0.6, None, Estimate(**counts["recall"]))
    for text in (words(visitor.read(f"/openings/{opening_id}")), visitor.read(f"/openings/{opening_id}/report.md")):
        assert "Frozen thresholds, on the holdout" in text
        assert "at least 0.6" in text
        assert f"applied to {one['check']['n']} examples" in text
        assert "It answers" in text


def told(sure: Sure, opening_id: str) -> list[FrozenOnHoldout]:
    with sure.database.read() as session:
        row, version_id = openings.get(session, opening_id), sure.version_id
        both: dict[frozen_reports.Side, str] = {"start": version_id, "best": version_id}
        stored = frozen_reports.of_opening(session, row, sure.tickets.endpoint_id, both)
    return frozen_reports.read(json.loads(json.dumps(stored)))


def test_the_last_threshold_of_each_class_is_told_and_none_that_came_after_the_opening(
    database: Database, settings: Settings
) -> None:
    tickets = Tickets.at(database, settings, "http://127.0.0.1:9/v1", 600)
    seal(database, 240)
    dev = answered(database, settings, 600, tickets=tickets)
    tuning.keep(database, dev.evaluation_id)
    freeze(dev, {"rule": "f1"}, every=True)
    freeze(dev, {"rule": "recall", "precision": "0.8", "class": "billing"})
    answered(database, settings, 600, tickets=tickets, seed=4, split="holdout")
    opening_id = opened(database)
    freeze(dev, {"rule": "f2"}, every=True)
    found = told(dev, opening_id)
    assert [(one.prompt, one.rule, one.classes) for one in found] == [
        ("start", "recall at precision>=0.8", ("billing",)), ("start", "f1", ("shipping", "returns")),
    ]  # fmt: skip
    for one in found:
        assert one.check is not None
        assert tuple(checked.name for checked in one.check.classes) == one.classes
        assert one.check.n == 240


def test_what_changed_since_or_has_no_probabilities_is_said_and_not_applied(
    database: Database, settings: Settings
) -> None:
    tickets = Tickets.at(database, settings, "http://127.0.0.1:9/v1", 600)
    seal(database, 240)
    dev = answered(database, settings, 600, tickets=tickets)
    tuning.keep(database, dev.evaluation_id)
    freeze(dev, {"rule": "f1"})
    opening_id = opened(database)
    [one] = told(dev, opening_id)
    assert (one.changed, one.check) == ((), None)
    assert "the holdout's answers have no probabilities" in note_words(one)
    answered(database, settings, 600, tickets=tickets, seed=4, split="holdout")
    with database.write() as session:
        session.get_one(Endpoint, tickets.endpoint_id).name = "large"
    [one] = told(dev, opening_id)
    assert (one.changed, one.check) == (("endpoint",), None)
    assert "were not applied: the endpoint changed since they were frozen" in note_words(one)


def test_thresholds_that_abstain_always_answer_nothing_of_the_holdout(database: Database, settings: Settings) -> None:
    tickets = Tickets.at(database, settings, "http://127.0.0.1:9/v1", 600)
    seal(database, 240)
    guessed = np.eye(3, dtype="<f4")[np.random.default_rng(1).integers(0, 3, 600)]
    dev = answered(database, settings, 600, tickets=tickets, shares=guessed[:360])
    tuning.keep(database, dev.evaluation_id)
    freeze(dev, {"accuracy": "0.9"}, abstain=True)
    answered(database, settings, 600, tickets=tickets, shares=guessed[360:], split="holdout")
    [one] = told(dev, opened(database))
    assert one.check is not None
    assert (one.check.kept, one.check.accuracy) == (0, None)
    said = "It abstains always, so no answer is given: no limit kept the accuracy at 0.9 on dev."
    assert abstaining_words(one) == said


def freeze(sure: Sure, given: dict[str, str], *, every: bool = False, abstain: bool = False) -> None:
    with sure.database.write() as session:
        freezing.freeze(session, sure.run_id, given, every=every, abstain=abstain)


def test_a_campaigns_end_tells_of_the_thresholds_of_its_start(world: World) -> None:
    _, version_id = frozen(world, "f1")
    draft = CampaignDraft(
        world.project_id, version_id, world.endpoint("practice/scholar-v1").id,
        [world.endpoint(name).id for name in TRIO], max_calls=4000, max_rounds=3, seed=1,
    )  # fmt: skip
    with world.database.write() as session:
        campaign, job_id = campaigns.start(session, world.settings, draft)
        campaign_id = campaign.id
    world.drive(job_id)
    report = world.campaign(campaign_id).report
    assert report is not None
    assert report["holdout_opened"] == 1, "the practice models find a better prompt here"
    visitor = world.visitor()
    [one] = promised(visitor, f"/campaigns/{campaign_id}/report")
    assert (one["prompt"], one["check"]["n"]) == ("start", report["splits"]["holdout"])
    assert "Frozen thresholds, on the holdout" in words(visitor.read(f"/campaigns/{campaign_id}/report"))


@pytest.mark.parametrize(
    ("target", "dev", "holdout", "said"),
    [
        (0.9, (0.95, 0.9, 0.98), (0.92, 0.8, 0.97), "held"),
        (0.9, (0.95, 0.9, 0.98), (0.85, 0.7, 0.93), "short"),
        (0.9, (0.95, 0.9, 0.98), (0.7, 0.6, 0.8), "missed"),
        (None, (0.8, 0.7, 0.9), (0.75, 0.65, 0.85), "held"),
        (None, (0.8, 0.75, 0.85), (0.5, 0.4, 0.6), "lower"),
        (None, None, (0.5, 0.4, 0.6), None),
        (0.9, (0.8, 0.7, 0.9), None, None),
    ],
)
def test_a_promise_is_judged_by_its_target_else_by_what_dev_showed(
    target: float | None, dev: tuple[float, ...] | None, holdout: tuple[float, ...] | None, said: str | None
) -> None:
    promised_, found = (one and Estimate(one[0], one[1], one[2], 50) for one in (dev, holdout))
    assert held(target, promised_ or None, found or None) == said
