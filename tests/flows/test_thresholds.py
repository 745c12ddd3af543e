"""Thresholds from end to end: a practice model says how sure it is, the run's end works it out, a threshold is frozen."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.practice.server import create_app as create_practice
from app.services import blocks, evaluating
from app.services.evaluating import RunDraft
from app.storage import jobs, prompts
from app.storage.prompts import PromptVersion
from tests.web.arena_world import World, serving
from tests.web.reading import words


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World.at(tmp_path)
    world.import_demo(rows=240)
    with serving(create_practice()) as url:
        world.offer(url)
        yield world
    world.close()


def evaluated(world: World, form: dict[str, Any], samples: int = 1) -> str:
    """The run of an evaluation of the demo's dev examples that workers have answered and a driver has summed up."""
    with world.database.write() as session:
        first = session.get_one(PromptVersion, world.first_prompt())
        version = prompts.add(session, first.prompt_id, first.text, "person", form={"before": [], **form})
        warm = 0.7 if samples > 1 else 0.0
        model = world.endpoint("practice/scholar-v1").id
        draft = RunDraft(world.project_id, version.id, model, samples=samples, temperature=warm)
        run_id = evaluating.start(session, world.settings, draft)[0].id
    blocks.work(world.database, world.settings, "here:1")
    with world.database.write() as session:
        job_id = jobs.want(session, "run", run_id)
    evaluating.conclude(world.database, world.settings, job_id)
    return run_id


@pytest.mark.parametrize(
    ("how", "asked", "samples", "said"),
    [
        ("text", "logprobs", 1, "from token probabilities"),
        ("codes", "logprobs", 1, "from token probabilities"),
        ("json", "logprobs", 1, "from token probabilities"),
        ("json", "stated", 1, "from the confidence that replies state"),
        ("text", "votes", 5, "from votes of 5 samples"),
    ],
)
def test_a_run_ends_with_thresholds_whatever_its_probabilities_come_from(
    world: World, how: str, asked: str, samples: int, said: str
) -> None:
    run_id = evaluated(world, {"how": how, "probabilities": asked}, samples)
    here, visitor = f"/evaluations/{run_id}/thresholds", world.visitor()
    told: Any = visitor.json(f"{here}?class=normal")
    assert (told["standing"]["state"], told["standing"]["sources"]) == ("ready", [asked])
    assert told["standing"]["n"] == told["standing"]["answered"] == 72
    if samples == 1:
        assert told["tuned"]["profile"]["average_precision"]["value"] > 0.6, "by chance it is a half"
    else:  # drawn at a temperature, so that only their form is sure
        shares = [round((votes + 0.5) / 6.5, 4) for votes in range(6)]
        assert {round(one["p"], 4) for one in told["tuned"]["doubts"]} <= set(shares)
    assert told["task_model"]["simulated"]
    page = words(visitor.read(f"{here}?class=normal"))
    assert said in page
    assert "Practice models answered here" in page
    doubt = told["tuned"]["doubts"][0]
    call = words(visitor.read(f"/calls/{doubt['call_id']}"))
    assert " ".join(doubt["text"].split())[:40] in call
    visitor.send(here, {"class": "normal", "rule": "threshold 0.3"})
    assert "holds threshold 0.3" in words(visitor.read(f"/prompts/{told['version_id']}"))


def test_a_run_without_probabilities_ends_without_thresholds(world: World) -> None:
    run_id = evaluated(world, {"how": "text", "probabilities": "none"})
    told: Any = world.visitor().json(f"/evaluations/{run_id}/thresholds")
    assert (told["standing"]["state"], told["tuned"]) == ("none", None)
    assert "this version asks for answers alone" in words(world.visitor().read(f"/evaluations/{run_id}/thresholds"))
