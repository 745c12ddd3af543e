"""PostgreSQL and Redis for a benchmark: a database of its own, dropped afterwards, and further workers."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from app.storage import migrating
from tests.conftest import REDIS, drop_postgres, postgres_url


@contextmanager
def production() -> Iterator[dict[str, str]]:
    """The environment of an empty PostgreSQL database and an emptied Redis database."""
    import redis

    url = postgres_url()
    redis.Redis.from_url(REDIS).flushdb()
    try:
        yield {"DATABASE_URL": url, "REDIS_URL": REDIS}
    finally:
        drop_postgres(url)


@contextmanager
def two_workers(folder: Path, services: Mapping[str, str]) -> Iterator[None]:
    """Two workers of this folder, of two pools each, so that the command starts none of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    migrating.upgrade(services["DATABASE_URL"])
    environment = {**os.environ, "AGON_DATA_DIR": str(folder / "data"), **services}
    workers = []
    with (folder / "workers.log").open("ab") as log:
        for options in ((), ("--no-beat",)):
            command = [sys.executable, "-m", "app.cli", "worker", *options]
            workers.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True))
    try:
        _wait_for_beats(services["DATABASE_URL"], 2 * len(workers))
        yield
    finally:
        for worker in workers:
            os.killpg(worker.pid, 9)
            worker.wait()


def _wait_for_beats(url: str, count: int) -> None:
    from time import monotonic, sleep

    from app.storage import heartbeats
    from app.storage.session import Database

    database, limit = Database(url), monotonic() + 60
    while True:
        with database.read() as session:
            if len(heartbeats.beats(session)) >= count:
                break
        assert monotonic() < limit, "the workers do not say that they live"
        sleep(0.2)
    database.close()
