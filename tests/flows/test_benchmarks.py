"""The benchmarks run as written; their figures are judged by people, on a quiet machine."""

import json
import subprocess
import sys
from pathlib import Path

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
