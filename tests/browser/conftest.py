"""The whole app on a free port with its worker and practice models, and a real Chromium to look at it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.flows.running import clean_environment, free_port, wait_for


@dataclass(frozen=True)
class Served:
    url: str
    folder: Path

    def logs(self) -> str:
        return "".join(path.read_text(encoding="utf-8") for path in (self.folder / "data" / "logs").glob("*.log"))


@contextmanager
def serve(folder: Path, **environment: str) -> Iterator[Served]:
    """`agon serve` in a data folder of its own."""
    port = free_port()
    ours = {"AGON_DATA_DIR": str(folder / "data"), "AGON_PORT": str(port), **environment}
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "serve"],
            env={**clean_environment(), **ours}, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        wait_for(f"http://127.0.0.1:{port}/generators", 90)
        yield Served(f"http://127.0.0.1:{port}", folder)
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """An app whose practice models are slow enough to be watched."""
    with serve(tmp_path, AGON_PRACTICE_LATENCY="0.4") as served:
        yield served


def errors_of(page: Page) -> list[str]:
    """What the console complains about, from now on."""
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    return found
