"""Kills parts of a running campaign at random moments, and runs the command again whenever it ended."""

import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

from tests.flows.passthrough import PassThrough
from tests.flows.running import Run, free_port, groups, kill_group, practice, wait_for, wait_for_text

IN_FLIGHT = 32
UNSAVED = 50
PARTS = ("worker", "web", "practice", "all")


def restart_practice(folder: Path, port: int, latency: float) -> Any:
    server = practice(folder, port, "--latency", str(latency))
    server.__enter__()
    return server


class Web:
    """The pages of a run's data folder, served beside it, as people look at a campaign."""

    def __init__(self, run: Run) -> None:
        self._run, self._port = run, free_port()
        self.start()

    def start(self) -> None:
        with (self._run.folder / "web.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "app.cli", "web"],
                env={**self._run.variables(), "AGON_PORT": str(self._port)}, stdout=log, stderr=log,
            )  # fmt: skip
        wait_for(f"http://127.0.0.1:{self._port}/healthz")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


def run_under_kills(
    folder: Path,
    file: Path,
    options: tuple[str, ...],
    kills: int,
    *,
    seed: int,
    latency: float,
    every: float,
    environment: dict[str, str] | None = None,
) -> tuple[dict[str, Any], int, int]:
    """(report, requests the wire saw, kills done) of a campaign that was hit `kills` times, `every` seconds or so."""
    rng, port = Random(seed), free_port()
    with PassThrough(port) as wire:
        server = restart_practice(folder, port, latency)
        run = Run(folder, file, options, {**(environment or {}), "AGON_PRACTICE_URL": wire.url}).start()
        wait_for_text(run, "Starting campaign")
        pages, done = Web(run), 0
        while run.process is not None and done < kills:
            time.sleep(every * (0.5 + rng.random()))
            if run.process.poll() is not None:
                break
            part = rng.choice(PARTS)
            if part == "practice":
                server.__exit__(None, None, None)
                server = restart_practice(folder, port, latency)
            elif part == "worker":
                if not (kill_group(folder, "worker") and kill_group(folder, "calls")):
                    continue
            elif part == "web":
                pages.kill()
                pages.start()
            else:
                pages.kill()
                run.kill()
                run.wait(10)
                wait_until_gone(folder)
                run.start()
                pages.start()
            done += 1
        while run.wait(600) != 0:
            run.start()
        pages.kill()
        server.__exit__(None, None, None)
        return run.report(), wire.seen, done


def wait_until_gone(folder: Path, seconds: float = 10) -> None:
    """Children end by themselves when their parent was killed."""
    limit = time.monotonic() + seconds
    while groups(folder):
        assert time.monotonic() < limit, f"left behind: {groups(folder)}"
        time.sleep(0.1)
