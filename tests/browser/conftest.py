"""The whole app on a free port with its worker and practice models, and a real Chromium to look at it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.flows.running import free_port, wait_for


@dataclass(frozen=True)
class Served:
    url: str
    folder: Path

    def logs(self) -> str:
        return "".join(path.read_text(encoding="utf-8") for path in (self.folder / "data" / "logs").glob("*.log"))


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """`agon serve` in a data folder of its own, its practice models slow enough to be watched."""
    port = free_port()
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("AGON_", "DATABASE_", "REDIS_", "OPENAI_"))}
    environment = {
        **clean,
        "AGON_DATA_DIR": str(tmp_path / "data"),
        "AGON_PORT": str(port),
        "AGON_PRACTICE_LATENCY": "0.4",
    }
    with (tmp_path / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "serve"], env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        wait_for(f"http://127.0.0.1:{port}/generators", 90)
        yield Served(f"http://127.0.0.1:{port}", tmp_path)
    finally:
        process.terminate()
        process.wait(20)
