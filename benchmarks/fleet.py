"""Real worker processes in a data folder of their own: started as the supervisor starts them, watched, and killed."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from app.cli.stack import CALLERS, DRIVERS, worker_command
from app.jobs import Poker
from app.settings import Settings
from app.storage import heartbeats, migrating
from app.storage.session import Database
from benchmarks.processes import group_members
from tests.flows.running import clean_environment

ROOT = Path(__file__).resolve().parents[1]


def settings_of(folder: Path, database_url: str = "", redis_url: str = "", **knobs: Any) -> Settings:
    """Settings of one data folder, for this process and for its workers."""
    named: dict[str, Any] = {"data_dir": folder / "data", "database_url": database_url, "redis_url": redis_url}
    return Settings(**{"_env_file": None, **named, **knobs})


def variables(settings: Settings) -> dict[str, str]:
    """A clean environment with what these settings set."""
    own = {name: str(getattr(settings, name)) for name in sorted(settings.model_fields_set)}
    plain = {"DATABASE_URL": own.pop("database_url"), "REDIS_URL": own.pop("redis_url"), "PYTHONPATH": str(ROOT)}
    return clean_environment() | plain | {f"AGON_{name.upper()}": value for name, value in own.items()}


@dataclass
class Pool:
    """One Celery worker with its processes, the leader of a group of its own."""

    kind: str
    settings: Settings
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        log = self.settings.data_dir / f"{self.kind}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                worker_command(self.settings, self.kind),
                env=variables(self.settings), stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip

    @property
    def leader(self) -> int:
        assert self.process is not None
        return self.process.pid

    def members(self) -> list[int]:
        return group_members(self.leader)

    def hands(self) -> list[int]:
        """The processes that do the work."""
        return [pid for pid in self.members() if pid != self.leader]

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.leader, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        assert self.process is not None
        self.process.wait()


@dataclass
class Fleet:
    """The workers of one installation, and this process's own way to its database and queue."""

    settings: Settings
    database: Database
    poker: Poker
    pools: list[Pool] = field(default_factory=list)

    def callers(self) -> list[Pool]:
        return [pool for pool in self.pools if pool.kind == CALLERS]

    def revive(self) -> None:
        """Start again what ended by itself, as a supervisor does."""
        for pool in self.pools:
            if pool.process is not None and pool.process.poll() is not None:
                pool.start()

    def wait_until_up(self, seconds: float = 60.0) -> None:
        """Until every pool has said that it lives."""
        wait_until(self._up, seconds, "the workers do not say that they live")

    def _up(self) -> bool:
        with self.database.read() as session:
            beating = {int(beat.worker.rpartition(":")[2]) for beat in heartbeats.beats(session)}
        return all(pool.leader in beating for pool in self.pools)


@contextmanager
def fleet(settings: Settings, callers: int = 1, drivers: int = 1) -> Iterator[Fleet]:
    """A migrated database with so many pools of each kind at work; all of them end with the block."""
    migrating.upgrade(settings.effective_database_url)
    database = Database(settings.effective_database_url)
    crew = Fleet(settings, database, Poker(settings))
    kinds = [DRIVERS] * drivers + [CALLERS] * callers
    crew.pools = [Pool(kind, settings) for kind in kinds]
    try:
        for pool in crew.pools:
            pool.start()
        crew.wait_until_up()
        yield crew
    finally:
        for pool in crew.pools:
            pool.kill()
        database.close()


def wait_until(done: Callable[[], bool], seconds: float, otherwise: str, every: float = 0.05) -> None:
    """Raises AssertionError with a sentence when it does not come true in time."""
    limit = monotonic() + seconds
    while not done():
        assert monotonic() < limit, otherwise
        sleep(every)
