"""Runs that several tests only compare with: each is done once, by whichever process comes first."""

import fcntl
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.demo.labelled import DEMO_FILE
from tests.flows.running import Run

SHORT = ("--rounds", "3", "--seed", "5")
Report = dict[str, Any]
LeftAlone = Callable[[tuple[str, ...]], tuple[Path, Report]]


@pytest.fixture(scope="session")
def demo_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "support.jsonl"
    path.write_bytes(DEMO_FILE.read_bytes())
    return path


@pytest.fixture(scope="session")
def left_alone(demo_file: Path, tmp_path_factory: pytest.TempPathFactory) -> LeftAlone:
    """(folder, report) of `agon improve` with these options, of which only one test may go on in the folder."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def run(options: tuple[str, ...]) -> tuple[Path, Report]:
        folder = shared / " ".join(("left alone", *options))
        with folder.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            kept = folder / "left alone.json"
            if not kept.exists():
                kept.write_text(json.dumps(Run(folder, demo_file, options).finish()), encoding="utf-8")
            report: Report = json.loads(kept.read_text(encoding="utf-8"))
            return folder, report

    return run
