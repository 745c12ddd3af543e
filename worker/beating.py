"""Says every few seconds that this worker lives, what it is, and how much memory its processes hold."""

import os
import socket
import threading
import time
from importlib.metadata import version
from pathlib import Path

import structlog

from app.settings import settings
from app.storage import heartbeats
from app.storage.base import now
from app.storage.heartbeats import ALL, About
from app.storage.session import Database

BEAT_SECONDS = 2.0
_OWN = Path("/proc/self")
_log = structlog.get_logger(__name__)


def worker_name(parent: int) -> str:
    return f"{socket.gethostname()}:{parent}"


def bind_worker(parent: int) -> None:
    """From now on every line this thread logs names the worker."""
    structlog.contextvars.bind_contextvars(worker=worker_name(parent))


def begin_beating(processes: int, role: str = ALL) -> None:
    """Start the heartbeat of this worker; `role` says which jobs its `processes` take: drivers, calls or all."""
    bind_worker(os.getpid())
    _log.info("worker started", role=role)
    threading.Thread(target=_beat, args=(processes, role), daemon=True, name="heartbeat").start()


def _beat(processes: int, role: str) -> None:
    name, started, database = worker_name(os.getpid()), now(), Database(settings().effective_database_url)
    while True:
        try:
            with database.write() as session:
                heartbeats.beat(session, name, About(role, started, version("agon"), processes, resident_mb()))
        except Exception:
            _log.warning("the heartbeat could not be written", worker=name, exc_info=True)
        time.sleep(BEAT_SECONDS)


def resident_mb() -> int | None:
    """Memory of this process and its children in MB, what they share counted in each; None where nothing tells."""
    pages = 0
    try:
        children = [number for task in _OWN.glob("task/*/children") for number in task.read_text().split()]
        for process in (_OWN, *(Path("/proc", number) for number in children)):
            pages += int((process / "statm").read_text().split()[1])
    except OSError:
        return None
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1_000_000)
