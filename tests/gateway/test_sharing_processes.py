"""Real processes that share a limit, and one that is killed while it holds slots."""

import os
import signal
import time
import uuid
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from app.domain.allowances import MINUTE, Rule
from app.domain.slots import HOLD_SECONDS
from app.gateway.sharing import open_sharing
from benchmarks.limits import BEYOND, measured, worst_window
from tests.gateway.test_sharing import redis_url

LIMIT, SECONDS = 3000, 5.0


def place(kind: str) -> str:
    return redis_url() if kind == "redis" else ""


@pytest.mark.parametrize("kind", ["redis", "file"])
def test_four_processes_keep_to_a_limit_and_use_it(kind: str) -> None:
    """Windows of two seconds hold a minute's whole burst, so 5 % of a minute is what they may hold beyond their part."""
    found = measured(4, place(kind), "", LIMIT, SECONDS, 2.0)
    assert found["worst"] <= found["most"] + 1
    assert found["least"] <= found["total"] <= LIMIT * (SECONDS / MINUTE + BEYOND) + 1


def test_the_worst_window_is_found() -> None:
    assert worst_window([], 1.0) == 0
    assert worst_window([3.0, 0.0, 0.5, 1.0, 2.9], 1.0) == 2
    assert worst_window([0.0, 0.5, 0.9, 1.0], 1.0) == 3


def hold(url: str, folder: Path, key: str, told: Connection) -> None:
    sharing = open_sharing(url, folder)
    while True:
        told.send(sharing.slots(key, Rule(in_flight=8), f"process {os.getpid()}", "p", 8, 8))
        time.sleep(0.2)


@pytest.mark.parametrize("kind", ["redis", "file"])
def test_the_slots_of_a_killed_process_are_free_after_its_time(kind: str, tmp_path: Path) -> None:
    context, key, sharing = get_context("spawn"), f"test-{uuid.uuid4().hex}", open_sharing(place(kind), tmp_path)
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=hold, args=(place(kind), tmp_path, key, theirs), daemon=True)
    process.start()
    assert ours.recv() == 8
    assert sharing.slots(key, Rule(in_flight=8), "me", "p", 8, 0) == 0
    assert process.pid
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    killed = time.monotonic()
    while sharing.slots(key, Rule(in_flight=8), "me", "p", 8, 0) < 8:
        assert time.monotonic() < killed + 3 * HOLD_SECONDS, "the slots of the dead were never freed"
        time.sleep(0.2)
    sharing.leave(key, "me")
