"""A campaign over free texts: a practice judge grades every answer, in place and in blocks, down to the holdout's verdict."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import func, select

from app.cli.printing import used_words
from app.domain import answerspace
from app.domain.answerspace import Answers, Texts
from app.domain.improving.state import Rules
from app.services import blocks, importing, working
from app.services.projects import ProjectDraft
from app.storage import jobs
from app.storage.answers import Call, unpack_body
from app.storage.base import now
from app.storage.evaluations import Evaluation, Output
from app.storage.grades import Grade
from app.storage.projects import Project
from tests.web.arena_world import Watched, World, serving

ROWS = 90
PLACES = ("Tula", "Kazan", "Omsk", "Perm", "Ufa", "Tver", "Orel", "Pskov")
CARGO = ("copper", "timber", "wool", "grain", "amber", "salt", "paper", "glass")


def reports() -> bytes:
    """Short reports, each with two facts that a summary must state."""
    drawn = Random(7)
    lines = []
    for number in range(ROWS):
        place, cargo, day = drawn.choice(PLACES), drawn.choice(CARGO), drawn.randrange(1, 29)
        facts = [
            f"The {cargo} came to {place} on day {day}",
            f"Train {number} was {drawn.randrange(2, 60)} minutes late",
        ]
        text = f"{facts[0]}. Nothing else was to be seen that morning. {facts[1]}. The weather had been fair for weeks."
        lines.append(json.dumps({"input": text, "reference": "\n".join(facts)}))
    return "\n".join(lines).encode()


@pytest.fixture
def url() -> Iterator[str]:
    with serving(Watched()) as address:
        yield address


def world_at(folder: Path, url: str, block_calls: int) -> World:
    folder.mkdir()
    world = World.at(folder)
    changes = {"block_calls": block_calls, "block_size": 20, "reflect_on": 15, "pool_size": 4}
    world.settings = world.settings.model_copy(update=changes)
    world.offer(url)
    prepared = importing.prepare(world.settings, reports(), "reports.jsonl", importing.Choices(kind="text"))
    texts = Texts("facts", grader="practice/judge-v1", right_from="1")
    with world.database.write() as session:
        draft = ProjectDraft("Reports", "List the facts of each report in short.", goal="mean_score")
        world.project_id = importing.save(session, world.settings, draft, prepared)
        session.get_one(Project, world.project_id).answers = answerspace.dump(Answers("text", texts=texts))
    return world


def finish(world: World) -> str:
    campaign_id, job_id = world.start(rounds=2, task="practice/scholar-v1", calls=2000)
    for _ in range(200):
        world.drive(job_id)
        if world.campaign(campaign_id).status == "finished":
            return campaign_id
        with world.database.write() as session:
            waiting = session.scalars(select(jobs.Job)).all()
            for job in waiting:
                job.next_at = now()
            ends = [job.id for job in waiting if job.kind == "run"]
        blocks.work(world.database, world.settings, "here:1")
        for one in ends:
            working.work(world.database, world.settings, one)
    raise AssertionError(world.campaign(campaign_id).note)


def test_who_answers_and_grades_does_not_change_what_comes_out(tmp_path: Path, url: str) -> None:
    told = []
    for name, block_calls in (("place", 10_000), ("blocks", 25)):
        world = world_at(tmp_path / name, url, block_calls)
        campaign = world.campaign(finish(world))
        told.append((campaign.report or {})["verdict"])
        rules = Rules(**campaign.rules)
        assert (rules.goal, rules.calls_each) == ("mean_score", 2)
        with world.database.read() as session:
            judged = session.scalar(select(func.count()).where(Call.purpose == "judge"))
            assert judged == session.scalar(select(func.count(func.distinct(Grade.answer_id))))
            used = (campaign.report or {})["answers"]
            assert (used["grades"], used["total"] + used["grades"]) == (judged, campaign.calls_spent)
            assert used_words(used) == f"{used['total']} answers and {judged} grades"
            outputs = session.execute(select(Output.reading, Output.counts, Output.score)).all()
            assert all(row.counts and row.score is not None for row in outputs)
            assert session.scalar(select(func.count()).select_from(Grade)) == len(outputs)
            told.append(Counter((row.reading, row.score) for row in outputs))
            shown = [
                unpack_body(body or b"[]")[1]
                for body in session.scalars(select(Call.body).where(Call.purpose == "generator"))
            ]
            assert any('"grade": "' in content for said in shown for _, content in said or [])
            told.append(sorted(session.execute(select(Evaluation.split, Evaluation.n, Evaluation.value))))
        world.close()
    assert told[:3] == told[3:]


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"task": 264, "generator": 6, "total": 270, "grades": 540}, "270 answers and 540 grades"),
        ({"task": 264, "generator": 6, "total": 270, "grades": 0}, "270 answers"),
        ({"task": 264, "generator": 6, "total": 270}, "270 answers"),  # a report of an older Agon
    ],
)
def test_grades_are_told_apart_from_answers(answers: dict[str, int], said: str) -> None:
    assert used_words(answers) == said
