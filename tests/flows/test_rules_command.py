"""How real sets are compared, chosen on the command line; another rule for the same file reads stored answers again."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.cli import app
from app.errors import Invalid
from tests.conftest import data_folder
from tests.flows.test_command import agon

EXAMPLES = "30"


def evaluated(folder: Path, name: str, *options: str) -> tuple[dict[str, Any], str]:
    """(the run, what was said)."""
    out, source = folder / "out.json", data_folder() / f"{name}.jsonl"
    done = agon("evaluate", str(source), "--examples", EXAMPLES, "--json", str(out), *options, folder=folder)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return found, " ".join(done.stdout.split())


def calls(folder: Path) -> int:
    with sqlite3.connect(folder / "data" / "agon.sqlite3") as connection:
        return int(connection.execute("SELECT count(*) FROM call").fetchone()[0])


def test_texts_that_hold_the_answer_are_right_by_another_rule_and_nothing_is_bought_for_it(tmp_path: Path) -> None:
    (tmp_path / "talk.txt").write_text("Answer in a whole sentence.\n{{input}}\nAnswer:")
    prompt = ("--prompt", str(tmp_path / "talk.txt"))
    exact, said = evaluated(tmp_path, "bbh", *prompt)
    assert "A reply is right when it is the same text" in said
    bought = calls(tmp_path)
    held, said = evaluated(tmp_path, "bbh", "--match", "contains", *prompt)
    assert held["project_id"] == exact["project_id"], "a rule belongs to the project"
    assert "The project bbh of this file compares answers anew from now on." in said
    assert f"{EXAMPLES} stored answers were read again; none was bought." in said
    assert calls(tmp_path) == bought
    assert held["right"] >= exact["right"]
    assert (exact["rule"]["options"]["match"], held["rule"]["options"]["match"]) == ("exact", "contains")


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        (
            "rubq",
            ("--tolerance", "1"),
            "--tolerance: says how numbers are compared, and the answers here are taken for texts",
        ),
        ("gsm8k", ("--match", "contains"), "--match: says how texts are compared"),
        ("sst2", ("--comma",), "--comma: says how numbers are compared, and the answers here are taken for labels"),
        (
            "rubq",
            ("--right-from", "0.7"),
            "--right-from: goes with similarity or facts or criterion or preference only",
        ),
        ("rubq", ("--match", "facts"), "--grader: facts needs a grader"),
    ],
)
def test_options_that_do_not_fit_are_refused_by_name(name: str, options: tuple[str, ...], said: str) -> None:
    done = CliRunner().invoke(app, ["evaluate", str(data_folder() / f"{name}.jsonl"), *options])
    assert isinstance(done.exception, Invalid)
    assert said in str(done.exception)
