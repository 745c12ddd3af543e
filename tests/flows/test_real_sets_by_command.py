"""Labelled sets by the command line, each from its file to the report of its holdout, beside an app that serves."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.cli import app
from app.settings import settings
from tests.conftest import data_folder
from tests.flows.running import clean_environment, serve

MODEL = "practice/scholar-v1"
TONE = "Как автор относится к сущности?\n{{input}}"
GROUPED = {"rusentne2023"}
SCORES = {
    "label": {"accuracy", "balanced_accuracy", "macro_f1", "weighted_f1", "mcc"},
    "labels": {"subset_accuracy", "hamming_score", "micro_f1", "macro_f1", "samples_f1"},
    "number": {"exact_match"},
    "text": {"exact_match"},
}
RUSSIAN = "Ответь коротко.\n{{input}}\nОтвет:"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where an app serves: the commands find its worker and its models, and start none of their own."""
    made = tmp_path_factory.mktemp("served")
    with serve(made):
        yield made


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """That folder as a command of this process finds it: to start Python for each would cost more than its work."""
    for name in os.environ.keys() - clean_environment().keys():
        if not name.startswith("AGON_TEST_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AGON_DATA_DIR", str(folder / "data"))
    settings.cache_clear()
    yield folder
    settings.cache_clear()


def done(*command: str) -> str:
    found = CliRunner().invoke(app, command, catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found.stdout


def evaluated(folder: Path, file: Path, goal: str, *options: str) -> dict[str, Any]:
    out = folder / "out.json"
    told = done("evaluate", str(file), "--task-model", MODEL, "--goal", goal, "--json", str(out), *options)
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    assert f"Evaluation {found['id']} of prompt {found['version_id']}, v{found['version']} of the project." in told
    measures = found["measures"]
    assert measures["goals"][0] == {"name": goal, "estimate": found["score"]}
    assert SCORES[measures["kind"]] <= {one["name"] for one in measures["scores"]}
    for one in [*measures["scores"], *measures["goals"]]:
        assert one["estimate"]["low"] <= one["estimate"]["value"] <= one["estimate"]["high"]
    assert measures["unreadable"]["count"] == found["unreadable"]
    assert ("each whole" in " ".join(told.split())) == (measures["units"] > 0)
    return found


@pytest.mark.parametrize(
    ("name", "goal", "prompt", "options"),
    [
        ("sms_spam", "recall[spam] at precision>=0.95", "ham or spam?\n{{input}}", ("--probabilities", "logprobs")),
        ("nlupp_banking", "micro_f1", "Which of the intents?\n{{input}}", ()),
        ("gsm8k", "exact_match", "Think, then give the number.\n{{input}}", ("--before", "reasoning")),
        ("rubq", "mean_score", RUSSIAN, ()),
        ("nlbse24_issues", "macro_f1", "bug, feature or question?\n{{input}}", ()),
        ("goemotions", "samples_f1", "Which emotions?\n{{input}}", ()),
        ("bbh", "exact_match", "Answer alone, without reasons.\n{{input}}", ()),
        ("rusentne2023", "f1[negative]", TONE, ("--before", "quote,reasoning")),
        ("banking77", "macro_f1", "Which of the intents?\n{{input}}", ()),
    ],
    ids=[
        "sms_spam",
        "nlupp_banking",
        "gsm8k",
        "rubq",
        "nlbse24_issues",
        "goemotions",
        "bbh",
        "rusentne2023",
        "banking77",
    ],
)
def test_from_a_file_to_the_report_of_its_holdout_by_commands(
    here: Path, name: str, goal: str, prompt: str, options: tuple[str, ...]
) -> None:
    file = data_folder() / f"{name}.jsonl"
    (here / "prompt.txt").write_text(prompt, encoding="utf-8")
    a = evaluated(here, file, goal)
    b = evaluated(here, file, goal, "--prompt", str(here / "prompt.txt"), "--how", "json", *options)
    assert (a["project_id"], a["goal"], a["version"] < b["version"]) == (b["project_id"], goal, True)
    compared = done("compare", a["id"], b["id"], "--json", str(here / "compared.json"))
    assert "Verdict on B:" in compared
    assert ("groups and lone rows, each whole" in compared) == ("Rows of one group" in compared) == (name in GROUPED)
    assert json.loads((here / "compared.json").read_text(encoding="utf-8"))["goal"] == goal
    opened = done(
        "open-holdout", b["version_id"], "--task-model", MODEL, "--against", a["version_id"],
        "--reason", "before it goes live", "--yes",
    )  # fmt: skip
    opening = re.search(r"agon report (\w+)", opened)
    assert opening, opened
    report = done("report", opening[1]).replace("\\", "")  # Markdown's own marks are escaped
    assert report.startswith(f"# Holdout report: v{b['version']} of {name}")
    assert f"**Goal:** {goal};" in report
    assert all(line in report for line in prompt.replace("{{input}}", "").split("\n"))
    assert ("groups and lone examples, each whole" in report) == (name in GROUPED)
    assert ("the bound precision>=0.95 is missed by" in report) == (name == "sms_spam")


@pytest.mark.parametrize(
    ("name", "goal"),
    [
        ("sms_spam", "recall[spam] at precision>=0.95"),
        ("nlupp_banking", "micro_f1"),
        ("gsm8k", "exact_match"),
        ("rubq", "mean_score"),
        ("nlbse24_issues", "macro_f1"),
        ("goemotions", "samples_f1"),
        ("bbh", "exact_match"),
        ("rusentne2023", "f1[negative]"),
        ("banking77", "macro_f1"),
    ],
)
def test_a_whole_set_is_improved_from_its_file_to_its_report_by_one_command(here: Path, name: str, goal: str) -> None:
    out = here / "improved.json"
    options = ("--rounds", "1", "--max-calls", "3000", "--goal", goal, "--json", str(out))
    told = done("improve", str(data_folder() / f"{name}.jsonl"), "--task-model", MODEL, *options)
    found = json.loads(out.read_text(encoding="utf-8"))
    assert f"Verdict: {found['verdict']}" in told
    end = found["best"]["holdout"] or found["best"]["dev"]
    assert ("The bound precision>=0.95 is missed by" in told) == (end["value"] < 0)
    campaign = re.search(r"Its holdout report: agon report (\w+)", told)
    assert campaign
    assert done("report", campaign[1]).startswith("# Holdout report")
    assert (found["goal"], len(found["rounds"])) == (goal, 1)
    assert found["kept"] == ("best" if found["verdict"] == "better" else "start")
    assert found["start"]["dev"]["n"] == found["splits"]["dev"]
    assert found["holdout_opened"] == (found["gain_on_holdout"] is not None)
    assert found["evidence"]["luck"]["tried"] > 0
