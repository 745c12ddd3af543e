"""The benchmarks run as written; their figures are judged by people, on a quiet machine."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.figures import Figure, table
from tests.flows.running import clean_environment


def test_the_wire_is_measured_beside_plain_loops(tmp_path: Path) -> None:
    out = tmp_path / "wire.json"
    command = [sys.executable, "-m", "benchmarks.wire", "--calls", "40", "--in-flight", "8", "--runs", "1"]
    root = str(Path(__file__).resolve().parents[2])
    environment = {**clean_environment(), "PYTHONPATH": root}
    done = subprocess.run([*command, "--json", str(out)], env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    rows = json.loads(out.read_text(encoding="utf-8"))
    assert [row["way"] for row in rows[:3]] == ["aiohttp loop", "gateway", "openai loop"]
    assert len(rows) == 9
    assert all(row["cpu"] > 0 and row["calls_per_second"] > 0 for row in rows)
    assert all(f"| {row['way']} |" in done.stdout for row in rows)


def test_an_evaluation_is_measured_through_worker_and_tables(tmp_path: Path) -> None:
    out = tmp_path / "engine.json"
    command = [sys.executable, "-m", "benchmarks.engine", "--examples", "80", "--in-flight", "8", "--runs", "1"]
    root = str(Path(__file__).resolve().parents[2])
    environment = {**clean_environment(), "PYTHONPATH": root, "PATH": "/nowhere", "DSPY_PYTHON": sys.executable}
    done = subprocess.run([*command, "--json", str(out)], env=environment, capture_output=True, text=True, timeout=240)
    found = json.loads(out.read_text(encoding="utf-8"))
    rows = {row["way"]: row for row in found["points"][0]["rows"]}
    assert found["missed"] == [], done.stdout
    assert rows["agon"]["requests"] == 80
    assert rows["agon"]["heavy"] == 0
    assert rows["promptfoo"]["skipped"] == "promptfoo is not on PATH"
    assert "| agon |" in done.stdout


@pytest.mark.parametrize(
    ("name", "some"),
    [
        ("statistics", {"false claims, best of 32, Holm over all 32", "race of 32: share of the calls"}),
        ("measuring", {"ratings of 20 from 10,000 battles with ties"}),
    ],
)
def test_figures_stand_beside_their_bars_and_meet_them(name: str, some: set[str], tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    command = [sys.executable, "-m", f"benchmarks.{name}", "--quick", "--json", str(out)]
    root = str(Path(__file__).resolve().parents[2])
    environment = {**clean_environment(), "PYTHONPATH": root}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(out.read_text(encoding="utf-8"))
    assert some <= {figure["name"] for figure in found}
    assert all(figure["met"] for figure in found)
    assert all(f"| {figure['name']} |" in done.stdout for figure in found)


@pytest.mark.parametrize(
    ("value", "least", "most", "met", "bar"),
    [
        (5.0, None, None, True, ""),
        (5.0, None, 5.0, True, "at most 5"),
        (5.1, None, 5.0, False, "at most 5"),
        (92.9, 93.0, 97.0, False, "93 to 97"),
        (97.0, 93.0, 97.0, True, "93 to 97"),
        (94.9, 95.0, None, False, "at least 95"),
    ],
)
def test_a_missed_bar_is_said(value: float, least: float | None, most: float | None, met: bool, bar: str) -> None:
    figure = Figure("some share", value, least=least, most=most)
    assert (figure.met, figure.bar) == (met, bar)
    assert ("MISSED some share" in table([figure])) is not met
