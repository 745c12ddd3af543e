"""The README's commands, each run as it is written; only names of models and of files are put in."""

import json
import os
import re
import shlex
import signal
import subprocess
import time
from pathlib import Path

import httpx2
import pytest

from app.demo.labelled import DEMO_FILE
from tests.flows.running import free_port, groups, practice, wait_for

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = [
    line
    for block in re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    for line in block.strip().splitlines()
]
IMPROVE = [command for command in COMMANDS if " improve " in command and "OPENAI" not in command]
NOT_RUN_HERE = {
    "make test": "it is what runs this test",
    "docker compose up -d": "there may be no Docker engine; tests/flows/test_compose.py reads the file instead",
}


def test_every_command_of_the_readme_has_its_test() -> None:
    served = {"make run", ".venv/bin/agon serve", ".venv/bin/agon settings"}
    paid = {command for command in COMMANDS if command.startswith("OPENAI_API_KEY=")}
    assert set(COMMANDS) == served | paid | set(IMPROVE) | set(NOT_RUN_HERE)
    assert len(paid) == 1


def clean(folder: Path, **more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AGON_", "DATABASE_", "REDIS_", "OPENAI_"))}
    return {**kept, "AGON_DATA_DIR": str(folder / "data"), **more}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with what the commands name: my.jsonl, start.txt, and the virtual environment."""
    source = DEMO_FILE.read_bytes()
    (tmp_path / "my.jsonl").write_bytes(source)
    (tmp_path / "start.txt").write_text(
        "Is this message normal, politics_bait or system_prompt_robbery?\n\nMessage: {{input}}\nLabel:"
    )
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    return tmp_path


@pytest.mark.parametrize("command", IMPROVE)
def test_the_improve_commands_run_as_written(command: str, folder: Path) -> None:
    done = subprocess.run(
        shlex.split(command), cwd=folder, env=clean(folder, AGON_ROUNDS="2"), capture_output=True, timeout=240
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    assert "Verdict:" in done.stdout.decode()
    if "--json" in command:
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        assert report["start"]["prompt"].startswith("Is this message")


def test_the_command_for_real_models_runs_against_any_compatible_server(folder: Path) -> None:
    (command,) = (command for command in COMMANDS if command.startswith("OPENAI_API_KEY="))
    for real, simulated in (("gpt-4.1-mini", "scholar-v1"), ("gpt-5-mini", "exemplar-v1"), ("gpt-5", "trimmer-v1")):
        command = command.replace(f"openai/{real}", f"openai/{simulated}")
    with practice(folder, free_port()) as url:
        environment = clean(folder, OPENAI_BASE_URL=url, AGON_ROUNDS="1")
        done = subprocess.run(
            ["/bin/sh", "-c", f"{command} --yes"], cwd=folder, env=environment, capture_output=True, timeout=240
        )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    assert "cost $0.00" in done.stdout.decode()


def test_the_settings_command_lists_every_setting_and_shows_no_secret(folder: Path) -> None:
    done = subprocess.run(
        [".venv/bin/agon", "settings"], cwd=folder, env=clean(folder, AGON_PASSWORD="hunter2"), capture_output=True
    )
    said = done.stdout.decode()
    assert "AGON_DATA_DIR" in said
    assert "DATABASE_URL" in said
    assert "hunter2" not in said


def serve(command: list[str], where: Path, folder: Path, until: str, seconds: float) -> tuple[str, float]:
    """Run a serving command until it has said `until`, look at its pages, and end it with Ctrl-C."""
    port = free_port()
    out = folder / "out.log"
    with out.open("wb") as log:
        process = subprocess.Popen(
            command, cwd=where, env=clean(folder, AGON_PORT=str(port)), stdout=log, stderr=log, start_new_session=True
        )
    try:
        limit = time.monotonic() + seconds
        while until not in out.read_text(encoding="utf-8"):
            assert process.poll() is None, out.read_text(encoding="utf-8")[-3000:]
            assert time.monotonic() < limit, out.read_text(encoding="utf-8")[-3000:]
            time.sleep(0.2)
        for path in ("/", "/healthz", "/docs", "/api/v1/projects"):
            wait_for(f"http://127.0.0.1:{port}{path}")
        ready = httpx2.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).json()
        assert ready["ready"] is True, ready
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    began = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    process.wait(15)
    took = time.monotonic() - began
    assert groups(folder) == {}, "a process was left behind"
    return out.read_text(encoding="utf-8"), took


def test_serve_serves_until_ctrl_c_and_leaves_nothing_behind(folder: Path) -> None:
    _, took = serve([".venv/bin/agon", "serve"], folder, folder, "Agon serves on", 120)
    assert took < 10


@pytest.mark.slow
def test_make_run_improves_the_demo_and_a_second_one_starts_in_seconds(tmp_path: Path) -> None:
    said, took = serve(["make", "run"], ROOT, tmp_path, "Ctrl-C ends Agon", 280)
    assert took < 10
    assert "Verdict:" in said
    assert "simulated" in said
    began = time.monotonic()
    again, _ = serve(["make", "run"], ROOT, tmp_path, "Ctrl-C ends Agon", 120)
    assert "Starting campaign" not in again
    assert time.monotonic() - began < 90
