"""Pages over a million outputs: `python -m benchmarks.million [--outputs N] [--json OUT]`; exit 1 when a bar is missed.

Builds a database of each kind, then asks the real app for its pages, again and again, without a network between.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

from sqlalchemy import event, text
from starlette.testclient import TestClient

from app.main import create_app
from app.settings import Settings
from app.storage import boards, campaign_boards, migrating
from app.storage.projects import Project
from app.storage.session import Database
from benchmarks.fleet import settings_of
from benchmarks.heap import Heap, fill
from benchmarks.writes import databases

MOST_PAGE, MOST_BOARD = 100.0, 10.0
TIMES = 15
SECRET = b"a secret of the benchmarks, 32 b"


@dataclass(frozen=True)
class Page:
    """Milliseconds of one page, the median; `cpu` is this process's share, the database's with SQLite."""

    database: str
    name: str
    milliseconds: float
    cpu: float
    most: float

    @property
    def met(self) -> bool:
        return self.milliseconds < self.most


def addresses(heap: Heap) -> dict[str, str]:
    return {
        "home": "/",
        "project": f"/projects/{heap.project_id}",
        "campaign": f"/campaigns/{heap.campaign_id}",
        "campaign, live part": f"/campaigns/{heap.campaign_id}/live",
        "round": f"/campaigns/{heap.campaign_id}/rounds/12",
        "prompt": f"/prompts/{heap.version_id}",
        "evaluations": f"/projects/{heap.project_id}/evaluations",
        "evaluation": f"/evaluations/{heap.run_id}",
        "evaluation, live part": f"/evaluations/{heap.run_id}/live",
        "calls of an evaluation": f"/calls?run={heap.run_id}",
        "calls": "/calls",
        "calls of a campaign": f"/calls?campaign={heap.campaign_id}",
        "failed calls": "/calls?failed=1",
    }


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """(milliseconds, of which CPU of this process), medians; the first time does not count."""
    work()
    walls, cpus = [], []
    for _ in range(TIMES):
        began, own = perf_counter(), process_time()
        work()
        walls.append(1000 * (perf_counter() - began))
        cpus.append(1000 * (process_time() - own))
    return median(walls), median(cpus)


def pages(name: str, database: Database, settings: Settings, heap: Heap) -> Iterator[Page]:
    """Every page, served by the real app."""
    app = create_app(settings, SECRET, database, lambda: {"ready": True}, print)
    client = TestClient(app, "http://localhost:8000", follow_redirects=False)
    for page, address in addresses(heap).items():
        status = client.get(address).status_code
        assert status == 200, f"{page} answers {status}"
        yield Page(name, page, *timed(lambda address=address: client.get(address)), MOST_PAGE)  # type: ignore[misc]


def board(name: str, database: Database) -> Page:
    """The champions of the newest projects, as the statements take in the database."""
    asked: list[tuple[str, object]] = []

    @event.listens_for(database.engine, "before_cursor_execute")
    def on_execute(connection: object, cursor: object, statement: str, given: object, *rest: object) -> None:
        asked.append((statement, given))

    with database.read() as session:
        named = campaign_boards.models(session)
        ids = [row.id for row in session.query(Project.id).order_by(Project.created_at.desc()).limit(50)]
        asked.clear()
        boards.champions(session, named, ids)
    event.remove(database.engine, "before_cursor_execute", on_execute)
    with database.engine.connect() as connection:
        cursor = connection.connection.cursor()

        def run() -> None:
            for statement, given in asked:
                cursor.execute(statement, given)  # type: ignore[arg-type]
                cursor.fetchall()

        return Page(name, "champion board, in the database", *timed(run), MOST_BOARD)


def measured(outputs: int) -> Iterator[Page]:
    with databases() as urls, tempfile.TemporaryDirectory() as folder:
        for name, url in urls.items():
            migrating.upgrade(url)
            database, settings = Database(url), settings_of(Path(folder), url)
            began = perf_counter()
            heap = fill(database, settings, outputs)
            with database.read() as session:
                made = session.execute(text("SELECT count(*) FROM output")).scalar_one()
            print(f"{name}: {made:,} outputs in {perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
            yield from pages(name, database, settings, heap)
            yield board(name, database)
            database.close()


def table(found: list[Page]) -> str:
    lines = ["| database | page | ms | of it CPU here | under | met |", "| --- | --- | --: | --: | --: | --- |"]
    for page in found:
        met = "yes" if page.met else "NO"
        lines.append(
            f"| {page.database} | {page.name} | {page.milliseconds:.1f} | {page.cpu:.1f} | {page.most:.0f} | {met} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--outputs", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    found = list(measured(chosen.outputs))
    print(table(found))
    if chosen.json:
        chosen.json.write_text(json.dumps([vars(one) for one in found], indent=1), encoding="utf-8")
    sys.exit(not all(one.met for one in found))


if __name__ == "__main__":
    main()
