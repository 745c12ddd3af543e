"""Kills parts of a running campaign at random moments, and runs the command again whenever it ended."""

import time
from pathlib import Path
from random import Random
from typing import Any

from tests.flows.passthrough import PassThrough
from tests.flows.running import Run, free_port, groups, kill_group, practice, wait_for

IN_FLIGHT = 32
UNSAVED = 50
PARTS = ("worker", "practice", "all")


def restart_practice(folder: Path, port: int, latency: float) -> Any:
    server = practice(folder, port, "--latency", str(latency))
    server.__enter__()
    return server


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
        done = 0
        while run.process is not None and done < kills:
            time.sleep(every * (0.5 + rng.random()))
            if run.process.poll() is not None:
                break
            part = rng.choice(PARTS)
            if part == "practice":
                server.__exit__(None, None, None)
                server = restart_practice(folder, port, latency)
            elif part == "worker":
                if not kill_group(folder, "worker"):
                    continue
            else:
                run.kill()
                run.wait(10)
                wait_until_gone(folder)
                run.start()
            done += 1
        while run.wait(600) != 0:
            run.start()
        server.__exit__(None, None, None)
        return run.report(), wire.seen, done


def wait_until_gone(folder: Path, seconds: float = 10) -> None:
    """Children end by themselves when their parent was killed."""
    limit = time.monotonic() + seconds
    while groups(folder):
        assert time.monotonic() < limit, f"left behind: {groups(folder)}"
        time.sleep(0.1)


__all__ = ["IN_FLIGHT", "UNSAVED", "run_under_kills", "wait_for"]
