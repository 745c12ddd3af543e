"""How fast results are written: `python -m benchmarks.writes [--rows N] [--json OUT]`; exit 1 when a bar is missed.

Outputs go in batches of 1,000 through the door that workers use, conflict check included; beside them, as information,
whole results as a worker saves them: answers, outputs, the log, progress and the ledger, 50 and 500 at a time.
"""

import argparse
import json
import logging
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import structlog
from msgspec.structs import replace
from sqlalchemy.orm import Session

from app.gateway.calls import Purchase
from app.services.holding import Holding
from app.services.ordering import order_of
from app.services.purse import Purse
from app.settings import Settings
from app.storage import evaluations, jobs, migrating, parties
from app.storage.answers import StoredAnswer
from app.storage.base import now
from app.storage.runs import BLOCK
from app.storage.session import Database
from app.storage.test_sets import Example
from benchmarks.fleet import settings_of
from benchmarks.scene import Scene, build
from benchmarks.stub import TOKENS
from tests.conftest import drop_postgres, postgres_url

BATCH = 1000
BARS = {"SQLite": 100_000, "PostgreSQL": 40_000}


@dataclass(frozen=True)
class Speed:
    """Rows a second of one way of writing."""

    database: str
    way: str
    rows: int
    seconds: float
    bar: int | None = None

    @property
    def rate(self) -> float:
        return self.rows / self.seconds

    @property
    def met(self) -> bool:
        return self.bar is None or self.rate >= self.bar


@contextmanager
def databases() -> Iterator[dict[str, str]]:
    """An empty database of each kind, by its name."""
    url = postgres_url()
    try:
        with tempfile.TemporaryDirectory() as folder:
            yield {"SQLite": f"sqlite:///{folder}/agon.sqlite3", "PostgreSQL": url}
    finally:
        drop_postgres(url)


def answer_of(session: Session) -> int:
    """An answer that every output of the benchmark points to."""
    answer = StoredAnswer(request_hash="bench", owner="", sample=0, text="billing", finish_reason="stop")
    session.add(answer)
    session.flush()
    return answer.id


def outputs(database: Database, scene: Scene, rows: int, name: str) -> Iterator[Speed]:
    """Fresh outputs, then the same ones again, which change nothing."""
    with database.write() as session:
        answer_id = answer_of(session)
        evaluation = evaluations.find_or_add(session, *_of(session, scene), "dev", "bench").id
        examples = [row.id for row in session.query(Example.id).order_by(Example.id)]
    same = {
        "evaluation_id": evaluation,
        "reading": 0,
        "label": 0,
        "score": None,
        "answer_id": answer_id,
        "served_by": None,
    }
    made = [
        same | {"example_id": examples[n % len(examples)], "sample": n // len(examples), "counts": True}
        for n in range(rows)
    ]
    for way, bar in (("outputs, new", BARS[name]), ("outputs, there already", None)):
        began = perf_counter()
        for first in range(0, rows, BATCH):
            with database.write() as session:
                evaluations.add_outputs(session, made[first : first + BATCH])
        yield Speed(name, way, rows, perf_counter() - began, bar)


def _of(session: Session, scene: Scene) -> tuple[str, str, str]:
    from app.storage import prompts

    return prompts.add(session, scene.prompt_id, "{{input}}", "person").id, scene.endpoint_id, scene.version_id


def results(database: Database, settings: Settings, scene: Scene, rows: int, size: int, name: str) -> Speed:
    """What a worker does with the purchases of a block, without the wire."""
    with database.write() as session:
        run, _ = scene.order(session, settings, f"{size} at a time", examples=rows)
    with database.write() as session:
        lease = parties.claim_next(session, BLOCK, 600, "bench", run.id)
    assert lease is not None
    purse = Purse(database, lease, rows)
    held = Holding(order_of(database, settings, lease.subject), lease, purse, 5)
    with database.write() as session:
        held.take(session, "bench")
    bought = [_bought(key, held) for key in held.open]
    began = perf_counter()
    for first in range(0, rows, size):
        with database.write() as session:
            jobs.renew(session, lease)
            held.save(session, bought[first : first + size])
    return Speed(name, f"whole results, {size} at a time", rows, perf_counter() - began)


def _bought(key: str, held: Holding) -> Purchase:
    target = held.order.targets[0].endpoint
    bought = Purchase(key, target, target, ok=True, text="billing", finish_reason="stop", model="stub", request_id="r")
    return replace(bought, prompt_tokens=TOKENS[0], completion_tokens=TOKENS[1], latency_ms=50)


def measured(rows: int) -> Iterator[Speed]:
    with databases() as urls:
        for name, url in urls.items():
            migrating.upgrade(url)
            database = Database(url)
            scene = build(database, "http://127.0.0.1:9/v1", min(rows, 20_000))
            yield from outputs(database, scene, rows, name)
            few = min(rows, 5000)
            settings = settings_of(Path(tempfile.gettempdir()), url, block_size=few)
            for size in (50, 500):
                yield results(database, settings, scene, few, size, name)
            database.close()


def table(speeds: list[Speed]) -> str:
    lines = ["| database | written | rows | rows/s | at least | met |", "| --- | --- | --: | --: | --: | --- |"]
    for speed in speeds:
        bar, met = (f"{speed.bar:,}", "yes" if speed.met else "NO") if speed.bar else ("", "")
        lines.append(f"| {speed.database} | {speed.way} | {speed.rows:,} | {speed.rate:,.0f} | {bar} | {met} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    found = list(measured(chosen.rows))
    print(f"{table(found)}\n\nMeasured {now().date()}.")
    if chosen.json:
        rows: list[dict[str, Any]] = [vars(one) | {"rate": one.rate, "met": one.met} for one in found]
        chosen.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    sys.exit(not all(one.met for one in found))


if __name__ == "__main__":
    main()
