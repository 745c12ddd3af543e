"""The command line by itself: what it refuses, and the parts of a team's installation started one by one."""

import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from app.demo.labelled import DEMO_FILE
from tests.flows.running import Run, clean_environment, free_port, practice, wait_for


def agon(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *arguments],
        env={**clean_environment(), "AGON_DATA_DIR": str(folder / "data"), **environment},
        cwd=folder, text=True, capture_output=True, timeout=120,
    )  # fmt: skip


@contextmanager
def web(folder: Path, port: int, environment: Mapping[str, str]) -> Iterator[None]:
    """`agon web` alone, as a team runs it."""
    ours = {"AGON_DATA_DIR": str(folder / "data"), "AGON_PORT": str(port), **environment}
    process = subprocess.Popen(
        [sys.executable, "-m", "app.cli", "web"], env={**clean_environment(), **ours}, cwd=folder
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/healthz")
        yield
    finally:
        process.terminate()
        process.wait(20)


def test_a_setting_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    found = agon("settings", folder=tmp_path, AGON_PORT="abc")
    assert found.returncode == 2
    assert "AGON_PORT" in found.stderr
    assert "Traceback" not in found.stderr


@pytest.mark.parametrize("option", [("--seed", "3000000000"), ("--max-calls", "0"), ("--rounds", "-1")])
def test_numbers_that_no_database_holds_are_refused(option: tuple[str, str], tmp_path: Path) -> None:
    found = agon("improve", str(DEMO_FILE), *option, folder=tmp_path)
    assert found.returncode == 2
    assert option[0] in found.stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("command", ["improve", "evaluate"])
def test_columns_of_groups_and_times_that_cannot_be_any_are_refused_by_option(command: str, tmp_path: Path) -> None:
    named = "--group-column", "label", "--time-column", "day"
    found = agon(command, str(DEMO_FILE), *named, folder=tmp_path)
    assert found.returncode == 2
    said = " ".join(found.stderr.split())
    assert "--group-column: the column label holds the answer, and all rows of one answer would go to one split" in said
    assert "--time-column: there is no column day for the time; there are: " in said
    assert not (tmp_path / "data" / "agon.sqlite3").exists()


def test_an_empty_prompt_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "start.txt").write_text(" \n")
    found = agon("improve", str(DEMO_FILE), "--prompt", "start.txt", folder=tmp_path)
    assert found.returncode == 2
    assert "start.txt: is empty" in found.stderr


def test_a_port_that_is_taken_is_told_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        found = agon("serve", folder=tmp_path, AGON_PORT=str(taken.getsockname()[1]))
    assert found.returncode == 2
    assert "AGON_PORT" in found.stderr
    assert not (tmp_path / "data" / "logs").exists()


def test_a_web_server_alone_offers_what_its_environment_names(tmp_path: Path) -> None:
    port = free_port()
    assert agon("migrate", folder=tmp_path).returncode == 0
    with practice(tmp_path, free_port(), by=("app.cli", "practice")) as url:
        known = {"OPENAI_API_KEY": "sk-x", "OPENAI_BASE_URL": "https://models.example/v1", "AGON_PRACTICE_URL": url}
        with web(tmp_path, port, known):
            found = httpx2.get(f"http://127.0.0.1:{port}/api/v1/endpoints", trust_env=False).text
    assert "https://models.example/v1" in found
    assert "practice/scholar-v1" in found


def test_a_web_server_without_tables_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    found = agon("web", folder=tmp_path)
    assert found.returncode == 2
    assert "agon migrate" in found.stderr


def test_the_practice_models_answer_behind_a_public_address_too(tmp_path: Path) -> None:
    public = {"AGON_HOST": "0.0.0.0", "AGON_PASSWORD": "a password"}
    report = Run(tmp_path / "run", DEMO_FILE, ("--rounds", "1"), public).finish()
    assert report["calls_paid"] > 0
