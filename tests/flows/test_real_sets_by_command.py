"""Labelled sets by the command line, each from its file to the report of its holdout, beside an app that serves."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import data_folder
from tests.flows.running import every, serve
from tests.flows.test_command import agon

MODEL = "practice/scholar-v1"
RUSSIAN = "Ответь коротко.\n{{input}}\nОтвет:"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where an app serves: the commands find its worker and its models, and start none of their own."""
    made = tmp_path_factory.mktemp("served")
    with serve(made):
        yield made


def done(folder: Path, *command: str) -> str:
    found = agon(*command, folder=folder)
    assert found.returncode == 0, found.stderr
    return found.stdout


def evaluated(folder: Path, file: Path, goal: str, *options: str) -> dict[str, Any]:
    out = folder / "out.json"
    told = done(folder, "evaluate", str(file), "--task-model", MODEL, "--goal", goal, "--json", str(out), *options)
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    assert f"Evaluation {found['id']} of prompt {found['version_id']}, v{found['version']} of the project." in told
    return found


@pytest.mark.parametrize(
    ("name", "step", "goal", "prompt", "options"),
    [
        ("sms_spam", 5, "recall[spam] at precision>=0.95", "ham or spam?\n{{input}}", ("--probabilities", "logprobs")),
        ("nlupp_banking", 16, "micro_f1", "Which of the intents?\n{{input}}", ()),
        ("rubq", 10, "mean_score", RUSSIAN, ()),
        ("nlbse24_issues", 6, "macro_f1", "bug, feature or question?\n{{input}}", ()),
    ],
    ids=["sms_spam", "nlupp_banking", "rubq", "nlbse24_issues"],
)
def test_from_a_file_to_the_report_of_its_holdout_by_commands(
    folder: Path, name: str, step: int, goal: str, prompt: str, options: tuple[str, ...]
) -> None:
    file = every(folder / f"{name}.jsonl", data_folder() / f"{name}.jsonl", step)
    (folder / "prompt.txt").write_text(prompt, encoding="utf-8")
    a = evaluated(folder, file, goal)
    b = evaluated(folder, file, goal, "--prompt", "prompt.txt", "--how", "json", *options)
    assert (a["project_id"], a["goal"], a["version"] < b["version"]) == (b["project_id"], goal, True)
    compared = done(folder, "compare", a["id"], b["id"], "--json", "compared.json")
    assert "Verdict on B:" in compared
    told = json.loads((folder / "compared.json").read_text(encoding="utf-8"))
    assert (told["instead_of"] or told["goal"]) == goal
    opened = done(
        folder, "open-holdout", b["version_id"], "--task-model", MODEL, "--against", a["version_id"],
        "--reason", "before it goes live", "--yes",
    )  # fmt: skip
    opening = re.search(r"agon report (\w+)", opened)
    assert opening, opened
    report = done(folder, "report", opening[1]).replace("\\", "")  # Markdown's own marks are escaped
    assert report.startswith(f"# Holdout report: v{b['version']} of {name}")
    assert f"**Goal:** {goal};" in report
    assert all(line in report for line in prompt.replace("{{input}}", "").split("\n"))


def test_numbers_are_improved_from_a_file_by_one_command(folder: Path) -> None:
    file = every(folder / "gsm8k.jsonl", data_folder() / "gsm8k.jsonl", 8)
    options = ("--rounds", "1", "--max-calls", "500", "--goal", "exact_match", "--json", "improved.json")
    done(folder, "improve", str(file), "--task-model", MODEL, *options)
    found = json.loads((folder / "improved.json").read_text(encoding="utf-8"))
    assert (found["goal"], sum(found["splits"].values())) == ("exact_match", 100)
    assert found["kept"] == ("best" if found["verdict"] == "better" else "start")
    assert found["start"]["dev"]["n"] == found["splits"]["dev"]
