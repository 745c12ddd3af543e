"""The whole app on a free port with its worker and practice models, and a real Chromium to look at it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.flows.running import serve


@dataclass(frozen=True)
class Served:
    url: str
    folder: Path

    def logs(self) -> str:
        return "".join(path.read_text(encoding="utf-8") for path in (self.folder / "data" / "logs").glob("*.log"))


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """An app whose practice models are slow enough to be watched."""
    with serve(tmp_path, AGON_PRACTICE_LATENCY="0.4") as url:
        yield Served(url, tmp_path)


def errors_of(page: Page) -> list[str]:
    """What the console complains about, from now on."""
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    return found
