"""What an evaluation costs through the real job, worker and tables, beside loops and tools that keep nothing.

`python -m benchmarks.engine [--base-url URL] [--examples N] [--in-flight N] [--database-url URL] [--redis-url URL]`
measures one point at a server of yours; without a base URL our own stub answers, and without any of these the three
usual points are measured. `--production` brings an empty PostgreSQL database and Redis; else SQLite and the file
broker are used. Exit 1 when a bar is missed.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter, process_time, sleep
from typing import Any

import httpx2
from sqlalchemy import text

from app.settings import Settings
from app.storage.evaluations import Evaluation
from app.storage.runs import Run
from benchmarks import peers, wire
from benchmarks.fleet import Fleet, fleet, settings_of, wait_until
from benchmarks.processes import cpu, loaded, most_memory
from benchmarks.scene import Scene, build, right
from benchmarks.stacks import production
from benchmarks.stub import Manners, stub
from tests.flows.running import free_port

WARM = 64
WRONG = 0.1
HEAVY = ("numpy", "scipy", "sklearn")
LOOPS = ("aiohttp loop", "openai loop")


@dataclass(frozen=True)
class Point:
    """One setting to measure at, and the bars there; None where none was set."""

    latency: float
    in_flight: int
    examples: int
    most_wall: float | None = None  # times the loop's whole process
    most_cpu: float | None = None  # seconds for 1,000 calls
    least_rate: float | None = None  # calls a second in one process


POINTS = (
    Point(0.05, 64, 2000, most_wall=1.15, most_cpu=0.45),
    Point(0.2, 256, 2000, most_wall=1.15),
    Point(0.0, 64, 20_000, least_rate=3000),
)
MOST_MEMORY = 130.0


def measured(crew: Fleet, scene: Scene, name: str, examples: int) -> dict[str, float]:
    """One evaluation: wall seconds from the order to the last output, and CPU seconds of all who took part."""
    hands, drivers = crew.callers()[0].members(), crew.pools[0].members()
    servers = Servers(crew.settings)
    before = cpu(hands), cpu(drivers), *servers.cpu()
    began, own = perf_counter(), process_time()
    with crew.database.write() as session:
        run, nudges = scene.order(session, crew.settings, name, examples=examples)
    for nudge in nudges:
        crew.poker.poke(nudge.job_id, nudge.kind)
    sent = process_time() - own
    wait_for_blocks(crew, run.id)
    wall = perf_counter() - began
    after = cpu(hands), cpu(drivers), *servers.cpu()
    called, driven, queue, database = (new - old for new, old in zip(after, before, strict=True))
    right = wait_for_summary(crew, run)
    return {
        "wall": wall, "cpu": called + sent + queue, "worker": called, "sender": sent, "redis": queue,
        "drivers": driven, "postgresql": database, "mb": max(map(most_memory, crew.callers()[0].hands())),
        "heavy": float(any(loaded(pid, HEAVY) for pid in hands)), "right": float(right),
    }  # fmt: skip


def wait_for_blocks(crew: Fleet, run_id: str, seconds: float = 240) -> None:
    """Until the last output is committed; looks every few milliseconds, at one row."""
    left = text("SELECT blocks - blocks_done FROM run WHERE id = :id")

    def done() -> bool:
        with crew.database.read() as session:
            return bool(session.execute(left, {"id": run_id}).scalar_one() == 0)

    wait_until(done, seconds, "the evaluation does not end", every=0.004)


def wait_for_summary(crew: Fleet, run: Run) -> int:
    """How many answers were right, once that is written down."""

    def finished() -> bool:
        with crew.database.read() as session:
            return session.get_one(Run, run.id).status == "finished"

    wait_until(finished, 60, "the run is not summed up")
    with crew.database.read() as session:
        return session.get_one(Evaluation, run.evaluation_id).right


class Servers:
    """CPU seconds of redis-server and of PostgreSQL's processes for our connections; zero where there are none."""

    def __init__(self, settings: Settings) -> None:
        import psycopg
        import redis

        self._redis = redis.Redis.from_url(settings.redis_url) if settings.redis_url else None
        url = settings.database_url.replace("postgresql+psycopg:", "postgresql:")
        self._postgres = psycopg.connect(url, autocommit=True) if url else None

    def cpu(self) -> tuple[float, float]:
        return self._redis_cpu(), self._postgres_cpu()

    def _redis_cpu(self) -> float:
        if self._redis is None:
            return 0.0
        used = self._redis.info("cpu")
        return float(used["used_cpu_user"] + used["used_cpu_sys"])

    def _postgres_cpu(self) -> float:
        if self._postgres is None:
            return 0.0
        asked = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
        return cpu(pid for (pid,) in self._postgres.execute(asked).fetchall())


def engine_rows(crew: Fleet, base_url: str, point: Point, runs: int) -> Iterator[dict[str, float]]:
    """A warm-up, then the runs, each with a prompt of its own."""
    scene = build(crew.database, base_url, max(point.examples, WARM))
    measured(crew, scene, "warm", WARM)
    for number in range(runs):
        sleep(0.5)  # the drivers' own work on the last one is over
        yield measured(crew, scene, f"number {number}", point.examples)


def compare(base_url: str, point: Point, services: dict[str, str], runs: int, own: bool) -> list[dict[str, Any]]:
    """Rows of everybody at one point: medians, the ways in turn so that a busy moment hits all of them."""
    found: dict[str, list[dict[str, float]]] = {"agon": [], **{way: [] for way in LOOPS}}
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_of(Path(folder), **services, in_flight=point.in_flight, worker_processes=1)
        with fleet(settings) as crew:
            for row in engine_rows(crew, base_url, point, runs):
                seen = requests(base_url) if own else 0
                found["agon"].append(row | {"requests": seen, "accuracy": row["right"] / point.examples})
                for way in LOOPS:
                    loop = wire.once(way, base_url, loop_calls(point, way), point.in_flight)
                    found[way].append({name: loop[name] for name in ("wall", "cpu", "mb")})
                if own:
                    reset(base_url)
    rows = []
    for way, seen_rows in found.items():
        middle = {name: median(row[name] for row in seen_rows) for name in seen_rows[0]}
        rows.append({"way": way, "calls": loop_calls(point, way), **middle})
    return rows


def loop_calls(point: Point, way: str) -> int:
    """The slow loop need not make ten times the usual calls."""
    return point.examples if way != "openai loop" else min(point.examples, 2000)


def peer_rows(base_url: str, point: Point) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    calls = min(point.examples, 2000)
    for way in peers.PEERS:
        try:
            found.append({"way": way, "calls": calls, **peers.once(way, base_url, calls, point.in_flight)})
        except peers.Skipped as reason:
            found.append({"way": way, "skipped": str(reason)})
    return found


def requests(base_url: str) -> int:
    """What the stub was asked since it was last reset."""
    seen = httpx2.get(base_url.removesuffix("/v1") + "/stats", trust_env=False).json()
    return int(seen["requests"])


def reset(base_url: str) -> None:
    httpx2.post(base_url.removesuffix("/v1") + "/reset", trust_env=False)


def misses(point: Point, rows: Sequence[dict[str, Any]], own: bool) -> list[str]:
    """The bars that were missed, in words."""
    agon, loop = rows[0], rows[1]
    ratio, per_thousand = agon["wall"] / loop["wall"], 1000 * agon["cpu"] / agon["calls"]
    rate = agon["calls"] / agon["wall"]
    checks = [
        (point.most_wall is None or ratio <= point.most_wall, f"{ratio:.2f} times the loop, at most {point.most_wall}"),
        (
            point.most_cpu is None or per_thousand <= point.most_cpu,
            f"{per_thousand:.2f} CPU s for 1,000 calls, at most {point.most_cpu}",
        ),
        (point.least_rate is None or rate >= point.least_rate, f"{rate:,.0f} calls/s, at least {point.least_rate}"),
        (agon["mb"] <= MOST_MEMORY, f"{agon['mb']:.0f} MB, at most {MOST_MEMORY:.0f}"),
        (not agon["heavy"], f"a call process has loaded one of {', '.join(HEAVY)}"),
        (not own or agon["right"] == right(point.examples, WRONG), f"{agon['right']:.0f} right, not as expected"),
    ]
    return [f"{named(point)}: {words}" for met, words in checks if not met]


def named(point: Point) -> str:
    return f"{1000 * point.latency:.0f} ms, {point.in_flight}"


def table(point: Point, rows: Sequence[dict[str, Any]]) -> str:
    lines = [
        f"| {named(point)} | calls | wall s | calls/s | CPU s / 1,000 | MB | accuracy | wall, of the loop | CPU |",
        "| --- | --: | --: | --: | --: | --: | --: | --: | --: |",
    ]
    loop = rows[1]
    for row in rows:
        if "skipped" in row:
            lines.append(f"| {row['way']} | skipped: {row['skipped']} | | | | | | | |")
            continue
        calls, each = row["calls"], row["wall"] / row["calls"]
        memory = f"{row['mb']:.0f}" if "mb" in row else ""
        accuracy = f"{row['accuracy']:.4f}" if "accuracy" in row else ""
        figures = [f"{calls:,}", f"{row['wall']:.2f}", f"{1 / each:,.0f}", f"{1000 * row['cpu'] / calls:.2f}", memory]
        beside = [f"{each / (loop['wall'] / loop['calls']):.2f}x", _ratio(row, loop)]
        lines.append(f"| {row['way']} | {' | '.join([*figures, accuracy, *beside])} |")
    agon = rows[0]
    parts = ("worker", "sender", "redis", "postgresql", "drivers")
    shares = ", ".join(f"{part} {1000 * agon[part] / agon['calls']:.3f}" for part in parts)
    return "\n".join([*lines, "", f"CPU s for 1,000 calls (PostgreSQL and drivers beside the sum): {shares}."])


def _ratio(row: dict[str, Any], loop: dict[str, Any]) -> str:
    return f"{(row['cpu'] / row['calls']) / (loop['cpu'] / loop['calls']):.2f}x"


@contextmanager
def server(base_url: str, point: Point) -> Iterator[str]:
    """The given server, or a stub of our own."""
    if base_url:
        yield base_url
        return
    with stub(free_port(), manners=Manners(latency=point.latency, wrong=WRONG)) as url:
        yield url


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base-url", default="")
    parser.add_argument("--examples", type=int)
    parser.add_argument("--in-flight", type=int)
    parser.add_argument("--latency", type=float, help="of our own stub; for the table alone with a base URL")
    parser.add_argument("--database-url", default="")
    parser.add_argument("--redis-url", default="")
    parser.add_argument("--production", action="store_true", help="an empty PostgreSQL database, and Redis")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    points: Sequence[Point] = POINTS
    if chosen.base_url or chosen.examples or chosen.in_flight or chosen.latency is not None:
        points = [Point(chosen.latency or 0.0, chosen.in_flight or 64, chosen.examples or 2000)]
        points = [next((one for one in POINTS if _same(one, points[0])), points[0])]
    missed, told = list[str](), list[dict[str, Any]]()
    with ExitStack() as stack:
        services = {"database_url": chosen.database_url, "redis_url": chosen.redis_url}
        if chosen.production:
            given = stack.enter_context(production())
            services = {"database_url": given["DATABASE_URL"], "redis_url": given["REDIS_URL"]}
        for point in points:
            with server(chosen.base_url, point) as base_url:
                rows = compare(base_url, point, services, chosen.runs, own=not chosen.base_url)
                rows += [] if chosen.no_peers else peer_rows(base_url, point)
            print(table(point, rows), end="\n\n", flush=True)
            missed += misses(point, rows, own=not chosen.base_url)
            told.append({"latency": point.latency, "in_flight": point.in_flight, "rows": rows})
    if chosen.json:
        chosen.json.write_text(json.dumps({"points": told, "missed": missed}, indent=1), encoding="utf-8")
    print("\n".join(f"MISSED {miss}" for miss in missed) or "Every bar is met.")
    sys.exit(bool(missed))


def _same(one: Point, other: Point) -> bool:
    return (one.latency, one.in_flight, one.examples) == (other.latency, other.in_flight, other.examples)


if __name__ == "__main__":
    main()
