"""A day of idling: ticks, heartbeats and tidying through the real functions, on a clock that runs fast.

Exit 1 when a table, a folder or the memory grew between noon and midnight.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from celery import Celery
from celery.beat import PersistentScheduler
from sqlalchemy import func, select, text

from app.jobs import TICK, make_celery
from app.logs import configure
from app.services.ticking import lost_jobs
from app.services.tidying import tidy
from app.settings import Settings
from app.storage import heartbeats, jobs, migrating, traffic
from app.storage.base import new_id, now, simulated
from app.storage.heartbeats import About
from app.storage.jobs import Job
from app.storage.session import Database
from app.storage.tables import metadata
from app.storage.uploads import Upload

DAY = timedelta(days=1)
MEMORY_MB = 5.0
EVERY = {"restart": 1800, "tidy": 600, "beat file": 180}  # seconds


@dataclass(frozen=True)
class Measured:
    """What there is at one moment: rows by table, files and their bytes, the database's and this process's size."""

    rows: dict[str, int]
    files: int
    file_bytes: int
    database_bytes: int
    memory_mb: float


class Idle:
    """An installation that nobody uses: two workers, a beat, the embedded broker, and some leftovers of yesterday."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.settings = folder, Settings(data_dir=folder, redis_url="", database_url=url)
        migrating.upgrade(self.settings.effective_database_url)
        self.database = Database(self.settings.effective_database_url)
        self.celery: Celery = make_celery(self.settings)
        self.beat = PersistentScheduler(self.celery, schedule_filename=str(folder / "beat-schedule"))
        self.time = self.begin = datetime.now().astimezone()

    def leave(self) -> None:
        """A draft that nobody imports, jobs that are done, and yesterday's last calls."""
        with simulated(lambda: self.begin), self.database.write() as session:
            old = now() - timedelta(days=self.settings.draft_days) + timedelta(hours=6)
            draft = Upload(filename="left.csv", data=b"x" * 1000, choices={}, preview={}, created_at=old)
            session.add(draft)
            for _ in range(20):
                lease = jobs.claim(session, jobs.want(session, "campaign", new_id()), 30)
                assert lease
                jobs.release(session, lease)
                session.get_one(Job, lease.job_id).next_at = now() - timedelta(hours=20)
            traffic.count(session, [True] * 30)

    def live(self, ticks: int, step: timedelta) -> None:
        with simulated(lambda: self.time), self.celery.connection_for_write() as connection:
            queue = connection.SimpleQueue("celery")
            for _ in range(ticks):
                earlier, self.time = self.time, self.time + step
                self._tick(queue)
                self._now_and_then(earlier)
            queue.close()

    def _tick(self, queue: Any) -> None:
        """What beat sends, a worker takes and does, and each worker's heartbeat."""
        self.celery.send_task(TICK, expires=10)
        message = queue.get(timeout=5)
        message.ack()
        assert lost_jobs(self.database) == []
        process = 1000 + int((self.time - self.begin).total_seconds() / EVERY["restart"])
        for host in ("one", "two"):
            with self.database.write() as session:
                heartbeats.beat(session, f"{host}:{process}", About("all", now(), "0", 3, 400))

    def _now_and_then(self, earlier: datetime) -> None:
        before, after = ((moment - self.begin).total_seconds() for moment in (earlier, self.time))
        if before // EVERY["tidy"] != after // EVERY["tidy"]:
            tidy(self.database, self.settings)
        if before // EVERY["beat file"] != after // EVERY["beat file"]:
            self.beat.sync()

    def measured(self) -> Measured:
        with self.database.read() as session:
            rows = {
                table.name: session.scalar(select(func.count()).select_from(table)) or 0
                for table in metadata.sorted_tables
            }
            postgres = self.database.engine.dialect.name == "postgresql"
            size = "pg_database_size(current_database())" if postgres else "page_count * page_size"
            source = "" if postgres else " FROM pragma_page_count(), pragma_page_size()"
            database_bytes = session.scalar(text(f"SELECT {size}{source}"))
        files = [path for path in self.folder.rglob("*") if path.is_file() and "sqlite3" not in path.name]
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        memory = pages * os.sysconf("SC_PAGE_SIZE") / 1_000_000
        return Measured(rows, len(files), sum(path.stat().st_size for path in files), int(database_bytes or 0), memory)


def grown(noon: Measured, midnight: Measured) -> list[str]:
    """What grew in the second half of the day, in words."""
    found = [f"table {name}" for name, count in midnight.rows.items() if count > noon.rows[name]]
    if midnight.files > noon.files or midnight.file_bytes > noon.file_bytes + 10_000:
        found.append("files")
    if midnight.memory_mb > noon.memory_mb + MEMORY_MB:
        found.append("memory")
    return found


@contextmanager
def idle(url: str) -> Iterator[Idle]:
    with tempfile.TemporaryDirectory(prefix="agon-idle-") as folder:
        installation = Idle(Path(folder), url)
        try:
            yield installation
        finally:
            installation.beat.close()
            installation.database.close()


def simulate(ticks: int, url: str = "") -> tuple[Measured, Measured, Measured]:
    """Morning, noon and midnight of a day of so many ticks."""
    with idle(url) as installation:
        installation.leave()
        morning = installation.measured()
        installation.live(ticks // 2, DAY / ticks)
        noon = installation.measured()
        installation.live(ticks - ticks // 2, DAY / ticks)
        return morning, noon, installation.measured()


def _print(name: str, moments: tuple[Measured, Measured, Measured]) -> None:
    print(f"{name}\n{'':24}{'morning':>10}{'noon':>10}{'midnight':>10}")
    for table in moments[0].rows:
        counts = [moment.rows[table] for moment in moments]
        if any(counts):
            print(f"{table:24}" + "".join(f"{count:10,}" for count in counts))
    for fact in ("files", "file_bytes", "database_bytes", "memory_mb"):
        print(f"{fact.replace('_', ' '):24}" + "".join(f"{getattr(moment, fact):10,.0f}" for moment in moments))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ticks", type=int, default=50_000)
    parser.add_argument("--database-url", default="", help="an empty PostgreSQL database; without it SQLite")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    configure(Settings(log_level="WARNING"))
    moments = simulate(options.ticks, options.database_url)
    _print(f"{options.ticks:,} ticks on {'PostgreSQL' if options.database_url else 'SQLite'}", moments)
    found = grown(moments[1], moments[2])
    if options.json:
        named = dict(zip(("morning", "noon", "midnight"), map(asdict, moments), strict=True))
        options.json.write_text(json.dumps({**named, "grown": found}, indent=2) + "\n")
    print(f"grew: {', '.join(found)}" if found else "nothing grew")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
