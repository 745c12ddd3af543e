"""From a real labelled file to every score by one command, for every kind of answer and every answer format."""

import json
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from app.cli.stack import CALLERS, DRIVERS, pools_that_answer, stack
from app.domain.comparing import minimum_detectable_gain
from app.domain.fronts import front
from app.services import overviews
from app.settings import Settings
from app.storage.session import Database
from tests.conftest import data_folder
from tests.flows.running import clean_environment, write_set
from tests.flows.test_command import agon
from tests.gateway.scripted import completion, serving

EXAMPLES = 60


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder whose data have workers and practice models already: commands start none of their own."""
    folder = tmp_path_factory.mktemp("team")
    with stack(Settings(data_dir=folder / "data")) as database:
        limit = time.monotonic() + 60
        while pools_that_answer(database) != {DRIVERS, CALLERS}:
            assert time.monotonic() < limit, "the workers do not answer"
            time.sleep(0.1)
        yield folder


def evaluated(folder: Path, name: str, *options: str) -> dict[str, Any]:
    out = folder / "out.json"
    source = data_folder() / f"{name}.jsonl"
    done = agon("evaluate", str(source), "--examples", str(EXAMPLES), "--json", str(out), *options, folder=folder)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    assert (found["status"], found["done"], found["score"]["n"]) == ("finished", EXAMPLES, EXAMPLES)
    assert found["task_model"]["simulated"]
    assert "hostname" not in done.stderr, "what the broker's library says is nothing to a person"
    return found


def names(found: dict[str, Any]) -> set[str]:
    return {one["name"] for one in found["measures"]["scores"]}


@pytest.mark.parametrize(
    ("name", "goal", "options", "scores"),
    [
        ("nlbse24_issues", "mcc", ("--how", "codes", "--plan", "out_of_time"), {"macro_f1", "mcc"}),
        ("gsm8k", "exact_match - 0.01*log(tokens)", (), {"exact_match"}),
    ],
)
def test_a_real_set_is_evaluated_by_one_command(
    team: Path, name: str, goal: str, options: tuple[str, ...], scores: set[str]
) -> None:
    found = evaluated(team, name, "--goal", goal, *options)
    assert found["goal"] == goal
    assert scores <= names(found)
    measures = found["measures"]
    assert measures["goals"][0] == {"name": goal.split(";")[0].strip(), "estimate": found["score"]}
    assert measures["unreadable"] == {**measures["unreadable"], "n": EXAMPLES, "count": found["unreadable"]}
    for one in [*measures["scores"], *measures["goals"]]:
        assert one["estimate"]["low"] <= one["estimate"]["value"] <= one["estimate"]["high"]


def test_probabilities_come_from_the_tokens_and_a_bound_that_is_missed_is_said(tmp_path: Path) -> None:
    goal = "recall[spam] at precision>=0.95"
    found = evaluated(tmp_path, "sms_spam", "--goal", goal, "--how", "json", "--probabilities", "logprobs")
    assert found["goal"] == goal
    engine = create_engine(f"sqlite:///{tmp_path / 'data' / 'agon.sqlite3'}")
    with engine.connect() as connection:
        kept = connection.execute(text("SELECT count(*), min(length(shares)), max(source) FROM probability")).one()
    engine.dispose()
    assert tuple(kept) == (EXAMPLES, 2 * 4, "logprobs")


def test_repeats_count_an_example_once_and_votes_are_drawn_with_seeds(tmp_path: Path) -> None:
    options = ("--samples", "3", "--temperature", "1", "--probabilities", "votes")
    out = tmp_path / "out.json"
    source = data_folder() / "sst2.jsonl"
    done = agon("evaluate", str(source), "--examples", "40", "--json", str(out), *options, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text(encoding="utf-8"))
    assert (found["done"], found["score"]["n"]) == (120, 40)
    least = f"With 40 examples a difference in right answers below {minimum_detectable_gain(40):.3f} to another prompt"
    assert 0 <= done.stdout.find(least) < done.stdout.find("Evaluation "), "it is said before the first answer"
    repeats = found["measures"]["repeats"]
    assert (repeats["examples"], repeats["answers"], repeats["repeated"]) == (40, 120, 40)
    assert repeats["steady"] < 40, "samples that are drawn differ"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--goal", "recall[spamm]"), "did you mean spam?"),
        (("--goal", "acuracy"), "did you mean accuracy?"),
        (("--how", "xml"), "asked for as one of text, json, codes"),
        (("--before", "quote"), "need the json format"),
        (("--probabilities", "votes"), "needs --samples of 2 or more"),
        (("--probabilities", "votes", "--samples", "3"), "and a --temperature above 0"),
        (("--prompt", "nowhere.txt"), "nowhere.txt: cannot be read: No such file or directory"),
        (("--split", "holdout"), "choose train or dev"),
        (("--json", "nowhere/out.json"), "its folder does not exist"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_with_the_reason(team: Path, options: tuple[str, ...], said: str) -> None:
    done = agon("evaluate", str(data_folder() / "sms_spam.jsonl"), *options, folder=team)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())


def test_every_goal_is_told_and_what_becomes_of_the_projects_own(team: Path, tmp_path: Path) -> None:
    source = write_set(tmp_path / "some.jsonl", data_folder() / "sst2.jsonl", 300)
    command = ("evaluate", str(source), "--examples", "40", "--goal")
    first = agon(*command, "accuracy; macro_f1", folder=team)
    assert first.returncode == 0, first.stderr
    assert re.search(r"^accuracy 0\.\d+ \(.*n 40, simulated\)\.\nmacro_f1 0\.\d+ \(", first.stdout, re.MULTILINE)
    assert "could not be read" not in first.stdout
    assert "The goal of project" not in agon(*command, "accuracy; macro_f1", folder=team).stdout
    other = agon(*command, "mcc", folder=team).stdout
    assert "The goal of project some was accuracy; macro_f1; from now on it is mcc." in other


def test_replies_that_cannot_be_read_are_an_alarm_and_samples_say_what_counts_which(tmp_path: Path) -> None:
    (tmp_path / "silent.txt").write_text("Say nothing but the word nothing about {{input}}")
    source = data_folder() / "sst2.jsonl"
    options = ("--examples", "20", "--samples", "2", "--temperature", "1", "--prompt", "silent.txt")
    with serving(lambda hit: completion("nothing")) as server:
        environment = {"OPENAI_API_KEY": "sk-x", "OPENAI_BASE_URL": server.base_url}
        done = agon(
            "evaluate", str(source), "--task-model", "openai/any", "--yes", *options, folder=tmp_path, **environment
        )
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "40 of 40 replies (100%) could not be read, which is more than 5%. They count as wrong" in said
    assert "0 right, 20 unreadable, counting the first answer to each example." in said
    assert "Counts are of all 40 answers" in said


def test_the_same_command_goes_on_after_it_was_interrupted(tmp_path: Path) -> None:
    source = write_set(tmp_path / "some.jsonl", data_folder() / "sst2.jsonl", 400)
    command = [sys.executable, "-m", "app.cli", "evaluate", str(source)]
    slow = {**clean_environment(), "AGON_DATA_DIR": str(tmp_path / "data"), "AGON_PRACTICE_LATENCY": "1"}
    with subprocess.Popen(command, cwd=tmp_path, env=slow, stdout=subprocess.PIPE, text=True) as begun:
        limit = time.monotonic() + 60
        while not answered(tmp_path):
            assert time.monotonic() < limit, "no answer came"
            time.sleep(0.1)
        begun.send_signal(signal.SIGINT)
        said = begun.communicate()[0]
    assert (begun.returncode, "after Ctrl-C the same command goes on" in said) == (130, True)
    there = answered(tmp_path)
    done = agon("evaluate", str(source), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    (run_id,) = re.findall(r"Run (\w+);", said)
    assert f"Going on with run {run_id}" in done.stdout
    assert there < answered(tmp_path)
    other = agon("evaluate", str(source), "--how", "json", folder=tmp_path)
    assert "v2 of the project" in other.stdout


def test_going_on_takes_the_caps_that_are_given_now(team: Path) -> None:
    source = write_set(team / "capped.jsonl", data_folder() / "sst2.jsonl", 200)
    (team / "nobody-else.txt").write_text("Is this said in praise? positive or negative.\n{{input}}", encoding="utf-8")
    command = "evaluate", str(source), "--prompt", "nobody-else.txt", "--json", "capped.json", "--max-calls"

    def done() -> int:
        told: dict[str, Any] = json.loads((team / "capped.json").read_text(encoding="utf-8"))
        answers: int = told["done"]
        return answers

    capped = agon(*command, "12", folder=team)
    assert (capped.returncode, done(), "--max-calls N" in capped.stderr) == (2, 12, True)
    lower = agon(*command, "9", folder=team)
    assert (lower.returncode, lower.stderr) == (2, "--max-calls: must be more than is used already (12)\n")
    higher = agon(*command, "400", folder=team)
    assert (higher.returncode, "Going on with run" in higher.stdout) == (0, True), higher.stderr
    assert done() > 12


def answered(folder: Path) -> int:
    file = folder / "data" / "agon.sqlite3"
    if not file.exists():
        return 0
    with closing(sqlite3.connect(file)) as connection:
        try:
            return int(connection.execute("SELECT count(*) FROM output").fetchone()[0])
        except sqlite3.OperationalError:
            return 0


def test_names_in_brackets_stand_in_the_terminal_as_they_are_and_v1_is_what_was_asked_for(tmp_path: Path) -> None:
    rows = [{"text": f"the {n * 7919 % 1009} thing {n}", "label": ("[/red]", "[bold]ok")[n % 2]} for n in range(80)]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    done = agon("evaluate", "rows.jsonl", "--how", "json", "--json", "out.json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "[/red]" in done.stdout
    assert "[bold]ok" in done.stdout
    assert "v1 of the project" in done.stdout, "no other prompt was ordered"
    assert (tmp_path / "out.json").exists()
    fewer = agon("evaluate", "rows.jsonl", "--how", "json", "--examples", "10", folder=tmp_path).stdout
    assert re.search(r"Scores are of all \d+ examples that are answered, not of these 10 alone\.", fewer)


def test_several_goals_make_a_pareto_set_on_the_project_page(team: Path, tmp_path: Path) -> None:
    goals = "accuracy; accuracy - 0.1*log(tokens)"
    (tmp_path / "long.txt").write_text(
        f"{'Think about the words. ' * 20}Labels: negative, positive\n\n{{{{input}}}}\nLabel:"
    )
    (tmp_path / "short.txt").write_text("One of: negative, positive\n{{input}}\nLabel:")
    found = [
        evaluated(team, "sst2", "--goal", goals, "--prompt", str(tmp_path / f"{name}.txt"))
        for name in ("long", "short")
    ]
    database = Database(f"sqlite:///{team / 'data' / 'agon.sqlite3'}")
    with database.read() as session:
        view = overviews.project_view(session, Settings(data_dir=team / "data"), found[0]["project_id"])
    database.close()
    points = {one["version"]: [goal["estimate"]["value"] for goal in one["measures"]["goals"]] for one in found}
    assert points[found[1]["version"]][1] > points[found[0]["version"]][1], "the shorter prompt costs fewer tokens"
    assert {line.version for line in view.front} == {
        version for version, on in zip(points, front(list(points.values())), strict=True) if on
    }
    assert [[one.name for one in line.scores] for line in view.front] == [goals.split("; ")] * len(view.front)


def test_what_may_be_paid_is_asked_about_before_anything_is_ordered(tmp_path: Path) -> None:
    environment = {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "OPENAI_API_KEY": "sk-test"}
    source = str(data_folder() / "sst2.jsonl")
    done = agon("evaluate", source, "--task-model", "openai/small", folder=tmp_path, **environment)
    assert (done.returncode, "add --yes to buy these calls" in " ".join(done.stderr.split())) == (2, True), done.stderr
    assert "This may buy 300 calls from openai/small. Price: nothing, as a server of your own" in done.stdout
    engine = create_engine(f"sqlite:///{tmp_path / 'data' / 'agon.sqlite3'}")
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM run")).scalar() == 0
    engine.dispose()
