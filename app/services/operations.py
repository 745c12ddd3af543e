"""How the installation is: workers and what they do, what waits, which limits are in force, and what is stuck."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.errors import Conflict, NotFound
from app.services import importing, improving
from app.settings import Settings
from app.storage import heartbeats, jobs, operations, traffic
from app.storage.base import now
from app.storage.heartbeats import Heartbeat
from app.storage.jobs import Job
from app.storage.operations import Depth, HeldJob, Named, PausedCampaign, TroubledJob
from app.storage.traffic import Minute

MINUTES = 10
_SENTENCE = 400


@dataclass(frozen=True)
class Kind:
    """A kind of job in words, the role of the workers that take it, and how its subjects are named."""

    one: str
    many: str
    role: str
    names: Callable[[Session, Collection[str]], Mapping[str, Named]]


KINDS = {
    improving.KIND: Kind("campaign", "Campaigns", "drivers", operations.campaign_names),
    importing.KIND: Kind("import", "Imports", "drivers", operations.upload_names),
}


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
class Stuck:
    """Something that needs a person: `retry` is the address that makes it go on now, empty where that cannot help."""

    about: Named
    reason: str
    advice: str
    since: datetime | None
    attempts: int
    retry: str


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


def limits_in_force(settings: Settings) -> list[Limit]:
    """Snapshots of the limits that workers share: none as yet."""
    return []


def view(session: Session, broker: bool, limits: Iterable[Limit] = ()) -> Operations:
    """`broker` says whether the queue can be reached; `limits` are snapshots of those in force."""
    beats, depths, held = heartbeats.beats(session), operations.depths(session), operations.held(session)
    troubled, paused = operations.troubled(session), operations.paused_by_fault(session)
    names = _names(session, [*held, *troubled])
    known = {beat.worker for beat in beats}
    doing = [(job.holder, Doing(job.kind, _name(names, job))) for job in held]
    return Operations(
        at=now(),
        broker=broker,
        workers=[_worker(beat, [what for holder, what in doing if holder == beat.worker]) for beat in beats],
        elsewhere=[what for holder, what in doing if holder not in known],
        queues=[_queue(depth) for depth in _with_all_kinds(depths)],
        minutes=traffic.latest(session, MINUTES),
        limits=list(limits),
        stuck=[
            *_away(broker, depths, heartbeats.alive_by_role(beats)),
            *(_stuck_job(job, _name(names, job), broker) for job in troubled),
            *(_paused(campaign) for campaign in paused),
        ],
    )


def _names(session: Session, found: Sequence[HeldJob | TroubledJob]) -> dict[tuple[str, str], Named]:
    """Subjects as people know them, with one look-up for each kind that there is."""
    known = {}
    for name, kind in KINDS.items():
        subjects = {job.subject for job in found if job.kind == name}
        if subjects:
            known.update({(name, subject): named for subject, named in kind.names(session, subjects).items()})
    return known


def _name(names: Mapping[tuple[str, str], Named], job: HeldJob | TroubledJob) -> Named:
    one = KINDS[job.kind].one if job.kind in KINDS else job.kind
    return names.get((job.kind, job.subject), Named(f"{one} {job.subject}", ""))


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


def _away(broker: bool, depths: Sequence[Depth], living: Mapping[str, int]) -> list[Stuck]:
    """What holds up many jobs at once: a queue that cannot be reached, a role that no living worker has."""
    found = []
    if not broker:
        advice = "Start Redis, or correct REDIS_URL. Nothing is lost: jobs go on when it answers."
        found.append(Stuck(Named("The queue", ""), "The broker does not answer.", advice, None, 0, ""))
    for role in heartbeats.ROLES:
        due = sum(depth.due + depth.lost for depth in depths if depth.kind in KINDS and KINDS[depth.kind].role == role)
        if due and not living[role]:
            jobs_due = "1 job is due" if due == 1 else f"{due} jobs are due"
            what = {"drivers": "drives campaigns and imports", "calls": "makes calls"}[role]
            reason = f"{jobs_due}, and no worker that {what} lives."
            advice = "Start one: agon serve and agon worker do. Nothing is lost meanwhile."
            found.append(Stuck(Named("Workers", ""), reason, advice, None, 0, ""))
    return found


def _stuck_job(job: TroubledJob, about: Named, broker: bool) -> Stuck:
    reasons = {
        "lost": "Its worker went away, and no other has taken it over.",
        "overdue": "It is due, and no worker has taken it.",
        "put off": f"It failed and will be tried again. {job.last_error}",
    }
    free = (
        "See that a worker is alive and not busy with others, or try again now."
        if broker
        else "It waits for the queue."
    )
    advice = {"put off": "Mend what the sentence names, or try again now."}.get(job.state, free)
    retry = f"/operations/jobs/{job.id}/retry"
    return Stuck(about, reasons[job.state][:_SENTENCE], advice, job.since, job.attempts, retry)


def _paused(campaign: PausedCampaign) -> Stuck:
    reason, advice = f"Paused by a fault. {campaign.note}", "Mend what the sentence names, then let it go on."
    return Stuck(campaign.name, reason[:_SENTENCE], advice, None, 0, f"/operations/campaigns/{campaign.id}/retry")


def retry(session: Session, job_id: str) -> str:
    """Make a job due now; returns the job to poke after the commit. Raises NotFound, and Conflict while it runs."""
    job = session.get(Job, job_id)
    if job is None or job.status == "idle":
        raise NotFound("This job is done, or was given up.")
    if job.status == "running" and job.lease_until and job.lease_until >= now():
        raise Conflict("A worker has this job right now.")
    return jobs.want(session, job.kind, job.subject)
