"""How the installation is: workers and what they do, what waits, which limits are in force, and what is stuck."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.errors import Conflict, Invalid, NotFound
from app.gateway.allowing import sharing_of
from app.gateway.seen import Seen
from app.gateway.sharing import key_name
from app.services.job_kinds import KINDS, name_of, names_of
from app.services.stuck import Stuck, halted_run, held_up, paused_campaign, stuck_job
from app.settings import Settings
from app.storage import endpoints, heartbeats, jobs, operations, traffic
from app.storage.base import now
from app.storage.heartbeats import Heartbeat
from app.storage.jobs import Job, Nudge, worker_of
from app.storage.operations import Depth, Named
from app.storage.secrets import decrypt
from app.storage.traffic import Minute

MINUTES = 10


@dataclass(frozen=True)
class Limit:
    """One limit in force: `used` of `most` in `per`, which is empty for calls under way at once; `note` says more."""

    provider: str
    what: str
    used: int | None
    most: int
    per: str = ""
    note: str = ""


@dataclass(frozen=True)
class Doing:
    kind: str
    subject: Named


@dataclass(frozen=True)
class Worker:
    """`state` is alive, late or gone; `memory_mb` counts what its processes share in each."""

    name: str
    host: str
    role: str
    state: str
    started_at: datetime
    seen_at: datetime
    version: str
    processes: int
    memory_mb: int | None
    doing: list[Doing]


@dataclass(frozen=True)
class Queue:
    """Jobs of one kind; `oldest_seconds` is how long the first due one has waited."""

    kind: str
    name: str
    due: int
    running: int
    waiting: int
    lost: int
    oldest_seconds: float | None
    next_at: datetime | None


@dataclass(frozen=True)
class Operations:
    """`busy` while anything runs or waits; `elsewhere` is worked on by nobody knows whom."""

    at: datetime
    broker: bool
    workers: list[Worker]
    elsewhere: list[Doing]
    queues: list[Queue]
    minutes: list[Minute]
    limits: list[Limit]
    stuck: list[Stuck]

    @property
    def busy(self) -> bool:
        return any(queue.due or queue.running or queue.waiting or queue.lost for queue in self.queues)

    @property
    def alive(self) -> int:
        return sum(worker.state == "alive" for worker in self.workers)


def limits_in_force(session: Session, settings: Settings) -> list[Limit]:
    """The limits that workers share and that were used lately, by the provider whose key they are of."""
    names = {}
    for provider in endpoints.providers(session):
        with suppress(Invalid):  # a key of another secret: its page says so, and nothing is sent with it
            key = decrypt(settings, provider.encrypted_key) if provider.encrypted_key else ""
            names[key_name(provider.base_url, key)] = provider.name
    return [limit for seen in sharing_of(settings).seen() for limit in _limits(names.get(seen.key, ""), seen)]


def _limits(provider: str, seen: Seen) -> list[Limit]:
    rule, note = seen.rule, f"resting for {seen.rest:.0f} s more" if seen.rest else ""
    found = []
    if provider and rule.in_flight is not None:
        under_way = sum(holder.under_way for holder in seen.holders)
        found.append(Limit(provider, "calls at once", under_way, rule.in_flight, note=note))
    if provider and rule.requests_per_minute is not None:
        found.append(Limit(provider, "requests", seen.requests, rule.requests_per_minute, "a minute", note))
    if provider and rule.tokens_per_minute is not None:
        found.append(Limit(provider, "tokens", seen.tokens, rule.tokens_per_minute, "a minute", note))
    return found


def view(session: Session, broker: bool, limits: Iterable[Limit] = ()) -> Operations:
    """`broker` says whether the queue can be reached; `limits` are snapshots of those in force."""
    beats, depths, held = heartbeats.beats(session), operations.depths(session), operations.held(session)
    troubled, paused = operations.troubled(session), operations.paused_by_fault(session)
    halted = operations.halted_runs(session)
    names = names_of(session, [*held, *troubled])
    known = {beat.worker for beat in beats}
    doing = [(worker_of(job.holder), Doing(job.kind, name_of(names, job))) for job in held]
    return Operations(
        at=now(),
        broker=broker,
        workers=[_worker(beat, [what for holder, what in doing if holder == beat.worker]) for beat in beats],
        elsewhere=[what for holder, what in doing if holder not in known],
        queues=[_queue(depth) for depth in _with_all_kinds(depths)],
        minutes=traffic.latest(session, MINUTES),
        limits=list(limits),
        stuck=[
            *held_up(broker, depths, heartbeats.alive_by_role(beats)),
            *(stuck_job(job, name_of(names, job), broker) for job in troubled),
            *(paused_campaign(campaign) for campaign in paused),
            *(halted_run(run) for run in halted),
        ],
    )


def _worker(beat: Heartbeat, doing: list[Doing]) -> Worker:
    return Worker(
        name=beat.worker,
        host=beat.host,
        role=beat.role,
        state=beat.state,
        started_at=beat.started_at,
        seen_at=beat.seen_at,
        version=beat.version,
        processes=beat.processes,
        memory_mb=beat.memory_mb,
        doing=doing,
    )


def _with_all_kinds(depths: Sequence[Depth]) -> list[Depth]:
    found = {depth.kind: depth for depth in depths}
    return [found.get(kind, Depth(kind)) for kind in [*KINDS, *(kind for kind in found if kind not in KINDS)]]


def _queue(depth: Depth) -> Queue:
    return Queue(
        kind=depth.kind,
        name=KINDS[depth.kind].many if depth.kind in KINDS else depth.kind,
        due=depth.due,
        running=depth.running,
        waiting=depth.waiting,
        lost=depth.lost,
        oldest_seconds=(now() - depth.oldest_due).total_seconds() if depth.oldest_due else None,
        next_at=depth.next_waiting,
    )


def retry(session: Session, job_id: str) -> Nudge:
    """Make a job due now; whom to nudge after the commit. Raises NotFound, and Conflict while it runs."""
    job = session.get(Job, job_id)
    if job is None or job.status == "idle":
        raise NotFound("This job is done, or was given up.")
    if job.status == "running" and job.lease_until and job.lease_until >= now():
        raise Conflict("A worker has this job right now.")
    return Nudge(jobs.want(session, job.kind, job.subject), job.kind)
