"""One evaluation through everything that can go wrong: `python -m benchmarks.chaos --help`; exit 1 when a rule broke.

At random moments a worker's process or whole group is killed, Redis and PostgreSQL are restarted (only those that
the benchmark started itself, with `--private`), leases jump into the past, pokes are doubled or dropped. At the end
every example has exactly one output, and the ledger, the log and the server's own count agree.
"""

import argparse
import json
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from time import monotonic, sleep
from typing import Any

import httpx2
from sqlalchemy import func, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.services.purse import MOST_CHUNKS
from app.settings import Settings
from app.storage import runs
from app.storage.answers import Call, StoredAnswer
from app.storage.base import now
from app.storage.endpoints import Endpoint
from app.storage.evaluations import Output
from app.storage.jobs import Job
from app.storage.ledger import Account, LedgerEntry
from app.storage.runs import BLOCK
from benchmarks.fleet import Fleet, Pool, fleet, settings_of, wait_until
from benchmarks.private import PrivatePostgres, PrivateRedis, private_postgres, private_redis
from benchmarks.scene import build
from benchmarks.stub import TOKENS, Manners, stub
from tests.flows.running import free_port

PRICES = (1_000_000, 3_000_000)
PATIENCE = 120.0


@dataclass(frozen=True)
class Found:
    """One rule, whether it held, and the figures."""

    rule: str
    held: bool
    figures: str


@dataclass
class Chaos:
    """Does harm; `allowed` is how many calls may be forfeited for it, `done` what was done."""

    crew: Fleet
    rng: Random
    redis: PrivateRedis | None = None
    postgres: PrivatePostgres | None = None
    allowed: int = 0
    done: list[str] = field(default_factory=list)

    def kinds(self) -> dict[str, Callable[[], None]]:
        kinds = {"process": self.process, "group": self.group, "clock": self.clock, "pokes": self.pokes}
        kinds["dropped"] = self.dropped
        if self.redis is not None:
            kinds["redis"] = self.restart_redis
        if self.postgres is not None:
            kinds["postgres"] = self.restart_postgres
        return kinds

    def plan(self, count: int) -> list[str]:
        """Kinds of harm in random order, each as often as the others."""
        names, plan = list(self.kinds()), list[str]()
        while len(plan) < count:
            self.rng.shuffle(names)
            plan += names
        return plan[:count]

    def do(self, kind: str) -> None:
        self.kinds()[kind]()
        self.done.append(kind)

    def process(self) -> None:
        """Kill one process that makes calls; its parent starts another."""
        self._kill([self.rng.choice(self.rng.choice(self.crew.callers()).hands())])

    def group(self) -> None:
        """Kill a whole worker, and start it again a moment later."""
        pool: Pool = self.rng.choice(self.crew.pools)
        self._kill(pool.hands(), pool)
        sleep(self.rng.random())
        pool.start()

    def _kill(self, hands: Sequence[int], pool: Pool | None = None) -> None:
        """Stop them first, so that what they hold reserved can be read as it is at their death."""
        members = pool.members() if pool else list(hands)
        for pid in members:
            _signal(pid, signal.SIGSTOP)
        sleep(0.1)
        holders = [f"{socket.gethostname()}:{pid}" for pid in hands]
        with self.crew.database.read() as session:
            mine = select(Job.subject).where(Job.kind == BLOCK, Job.holder.in_(holders))
            held = select(func.sum(LedgerEntry.reserved_calls)).where(
                LedgerEntry.state == "open", LedgerEntry.subject.in_(mine)
            )
            self.allowed += session.scalar(held) or 0
        for pid in members:
            _signal(pid, signal.SIGKILL)
        if pool:
            pool.kill()

    def clock(self) -> None:
        """Every lease is suddenly long over."""
        self._allow_all_held()
        with self.crew.database.write() as session:
            held = update(Job).where(Job.status == "running").values(lease_until=now() - timedelta(hours=1))
            session.execute(held.execution_options(synchronize_session=False))

    def pokes(self) -> None:
        with self.crew.database.read() as session:
            found = session.execute(select(Job.id, Job.kind).where(Job.status != "idle")).all()
        for job_id, kind in [*found, *found]:
            self.crew.poker.poke(job_id, kind)

    def dropped(self) -> None:
        """Every message that waits is lost."""
        settings = self.crew.settings
        if settings.redis_url:
            import redis

            redis.Redis.from_url(settings.redis_url).flushdb()
        for message in (settings.data_dir / "queue").glob("*.msg"):
            message.unlink(missing_ok=True)

    def restart_redis(self) -> None:
        assert self.redis is not None
        self._allow_all_held()
        self.redis.restart(self.rng.random())

    def restart_postgres(self) -> None:
        assert self.postgres is not None
        self._allow_all_held()
        self.postgres.restart(self.rng.random())

    def _allow_all_held(self) -> None:
        """Whoever holds a block now may lose it: what is drawn and not settled, and one more portion."""
        with self.crew.database.read() as session:
            query = select(func.count()).where(Job.kind == BLOCK, Job.status == "running")
            held = session.scalar(query) or 0
        self.allowed += held * (MOST_CHUNKS * self.crew.settings.in_flight + self.crew.settings.block_size)


def _signal(pid: int, number: int) -> None:
    import os
    from contextlib import suppress

    with suppress(ProcessLookupError):
        os.kill(pid, number)


def survive(
    settings: Settings,
    examples: int,
    samples: int,
    kills: int,
    seed: int,
    latency: float,
    redis: PrivateRedis | None = None,
    postgres: PrivatePostgres | None = None,
) -> tuple[list[Found], Chaos]:
    """Have an evaluation answered by two call workers under so many mishaps; what was found at the end."""
    with stub(free_port(), manners=Manners(latency=latency, wrong=0.1)) as url, fleet(settings, callers=2) as crew:
        scene = build(crew.database, url, examples, PRICES)
        chaos = Chaos(crew, Random(seed), redis, postgres)
        with crew.database.write() as session:
            run, nudges = scene.order(session, settings, "chaos", samples=samples)
        for nudge in nudges:
            crew.poker.poke(nudge.job_id, nudge.kind)
        for place, kind in enumerate(chaos.plan(kills)):
            wait_for_share(crew, run.id, (place + chaos.rng.random()) / (kills + 1))
            chaos.do(kind)
        wait_for_share(crew, run.id, 1.0)
        wait_until(lambda: look(crew, run.id)[1] not in runs.OPEN, PATIENCE, "the run is not summed up")
        seen = httpx2.get(url.removesuffix("/v1") + "/stats", trust_env=False).json()["requests"]
        with crew.database.read() as session:
            return list(findings(session, run.id, int(seen), chaos.allowed)), chaos


def look(crew: Fleet, run_id: str) -> tuple[int, str]:
    """Outputs that are there, and the run's status; waits for a database that is being restarted."""
    while True:
        try:
            with crew.database.read() as session:
                run = runs.get(session, run_id)
                return run.done, run.status
        except OperationalError:
            sleep(0.2)


def wait_for_share(crew: Fleet, run_id: str, share: float) -> None:
    """Until this share of the outputs is there. Raises AssertionError when nothing comes for long, or it was paused."""
    with crew.database.read() as session:
        total = runs.get(session, run_id).total
    last, limit = -1, monotonic() + PATIENCE
    while True:
        crew.revive()
        done, status = look(crew, run_id)
        if done >= share * total:
            return
        if done > last:
            last, limit = done, monotonic() + PATIENCE
        assert status in ("queued", "running"), f"the run is {status} at {done} of {total}: {note(crew, run_id)}"
        assert monotonic() < limit, f"nothing comes any more: {done} of {total}"
        sleep(0.05)


def note(crew: Fleet, run_id: str) -> str:
    with crew.database.read() as session:
        return runs.get(session, run_id).note


def findings(session: Session, run_id: str, seen: int, allowed: int) -> Iterator[Found]:
    """Whether each rule held. `seen` is what the server was asked, `allowed` what may be forfeited."""
    run = runs.get(session, run_id)
    account = session.get_one(Account, run.account_id, populate_existing=True)
    counted = dict(
        session.execute(
            select(Output.sample, func.count())
            .where(Output.evaluation_id == run.evaluation_id, Output.counts)
            .group_by(Output.sample)
        ).all()
    )
    wanted = dict.fromkeys(range(run.samples), run.upto)
    yield Found("every example has one output a repeat", counted == wanted, f"{counted} of {wanted}")
    yield Found("the run is finished", (run.status, run.done) == ("finished", run.total), f"{run.status}, {run.done}")
    answers = session.scalar(select(func.count()).select_from(StoredAnswer)) or 0
    yield Found("every answer is an output", answers == run.total, f"{answers} answers, {run.total} outputs")
    good, sent = session.execute(
        select(func.count(), func.sum(Call.attempts)).where(Call.run_id == run_id, Call.ok)
    ).one()
    each = session.scalars(select(Endpoint).limit(1)).one().cost(*TOKENS) or 0
    yield Found("spent money is the answers' price", account.spent_cost == answers * each, f"{account.spent_cost}")
    yield Found("settled calls are those in the log", account.spent_calls == sent, f"{account.spent_calls}, {sent}")
    yield Found("every answer was logged once", good == answers, f"{good} logged, {answers} kept")
    covered, lost = account.spent_calls + account.forfeited_calls, account.forfeited_calls
    yield Found("settled and forfeited cover what was sent", covered >= seen, f"{covered} for {seen} requests")
    yield Found("no more is forfeited than the dead held", lost <= allowed, f"{lost}, at most {allowed}")
    yield Found("nothing stays reserved", account.reserved_calls == 0, f"{account.reserved_calls}")
    left = session.scalar(select(func.count()).select_from(Job).where((Job.party == run_id) | (Job.subject == run_id)))
    yield Found("no job is left", left == 0, f"{left}")


def table(found: Sequence[Found]) -> str:
    lines = ["| rule | held | figures |", "| --- | --- | --- |"]
    return "\n".join([*lines, *(f"| {one.rule} | {'yes' if one.held else 'NO'} | {one.figures} |" for one in found)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=20_000)
    parser.add_argument("--samples", type=int, default=1)
    parser.add_argument("--kills", type=int, default=14, help="mishaps, of all kinds")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--latency", type=float, default=0.3)
    parser.add_argument("--database-url", default="")
    parser.add_argument("--redis-url", default="")
    parser.add_argument("--private", action="store_true", help="PostgreSQL and Redis of its own, which it restarts")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        folder.chmod(0o755)
        redis = stack.enter_context(private_redis(folder)) if chosen.private else None
        postgres = stack.enter_context(private_postgres(folder / "postgres")) if chosen.private else None
        urls: dict[str, Any] = {"database_url": postgres.url if postgres else chosen.database_url}
        urls["redis_url"] = redis.url if redis else chosen.redis_url
        began, settings = monotonic(), settings_of(folder, **urls, worker_processes=1)
        found, chaos = survive(
            settings, chosen.examples, chosen.samples, chosen.kills, chosen.seed, chosen.latency, redis, postgres
        )
        print(f"{len(chaos.done)} mishaps in {monotonic() - began:.0f} s: {', '.join(chaos.done)}\n\n{table(found)}")
    if chosen.json:
        rows = [{"rule": one.rule, "held": one.held, "figures": one.figures} for one in found]
        chosen.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    sys.exit(not all(one.held for one in found))


if __name__ == "__main__":
    main()
