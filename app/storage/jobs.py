"""Jobs: the rows that are the truth about work; a message on the queue is only a nudge."""

import os
import secrets
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, Index, UniqueConstraint, delete, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.errors import AgonError
from app.storage.base import Base, new_id, now
from app.storage.session import changed, insert_or_update

REPOKE_AFTER = timedelta(seconds=3)
IDLE_KEPT = timedelta(days=1)
_log = structlog.get_logger(__name__)


class LeaseLost(AgonError):
    """Somebody else has this job now; what this process still held must not be written."""


class Job(Base):
    """Work of one kind on one subject. `wanted` counts nudges, `seen` those a holder has answered.

    Of the jobs of a party, a run of many blocks, those that are due are taken by `priority`, lowest first, and fairly
    between parties. `holder` is the process that has the job.
    """

    __tablename__ = "job"
    __table_args__ = (
        UniqueConstraint("kind", "subject"),
        Index("ix_job_due", "status", "next_at"),
        Index("ix_job_party", "kind", "status", "party", "priority", "next_at"),
    )
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str]
    subject: Mapped[str]
    status: Mapped[str] = mapped_column(default="queued")
    wanted: Mapped[int] = mapped_column(default=1)
    seen: Mapped[int] = mapped_column(default=0)
    lease_token: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str] = mapped_column(default="")
    next_at: Mapped[datetime] = mapped_column(default=now)
    poked_at: Mapped[datetime] = mapped_column(default=now)
    party: Mapped[str | None]
    priority: Mapped[int] = mapped_column(default=0)
    holder: Mapped[str] = mapped_column(default="")


@dataclass(frozen=True)
class Nudge:
    """A job to poke after the commit, and its kind, which says on which queue."""

    job_id: str
    kind: str


@dataclass(frozen=True)
class Lease:
    job_id: str
    kind: str
    subject: str
    token: str
    seconds: float
    since: float = field(default_factory=time.monotonic)

    def held(self) -> float:
        """Seconds since this process claimed the job."""
        return round(time.monotonic() - self.since, 2)


def this_process() -> str:
    """The name under which a process of a worker's pool holds jobs: the worker's own, and its number."""
    return f"{socket.gethostname()}:{os.getppid()}/{os.getpid()}"


def worker_of(holder: str) -> str:
    """The worker whose process this is."""
    return holder.partition("/")[0]


def want(session: Session, kind: str, subject: str) -> str:
    """Ask for work on a subject; returns the job to poke after the commit."""
    row = {"id": new_id(), "kind": kind, "subject": subject, "status": "queued", "wanted": 1}
    row |= {"next_at": now(), "poked_at": now()}
    insert = insert_or_update(session, Job, ("kind", "subject"), {"wanted": Job.wanted + 1})
    session.execute(insert.values(seen=0, attempts=0, last_error="", priority=0, holder="", **row))
    mine = (Job.kind == kind) & (Job.subject == subject)
    free = Job.status.in_(("idle", "queued"))
    session.execute(update(Job).where(mine, free).values(status="queued", attempts=0, next_at=now()))
    return session.scalars(select(Job.id).where(mine)).one()


def claim(session: Session, job_id: str, seconds: float, holder: str = "") -> Lease | None:
    """Take the job if nobody holds it; None is normal: another process was first."""
    token, moment = secrets.token_hex(8), now()
    free = claimable(moment)
    taken = changed(
        session,
        update(Job)
        .where(Job.id == job_id, free)
        .values(
            status="running",
            lease_token=token,
            lease_until=moment + timedelta(seconds=seconds),
            seen=Job.wanted,
            holder=holder,
        )
        .execution_options(synchronize_session=False),
    )
    if not taken:
        return None
    job = session.scalars(select(Job).where(Job.id == job_id)).one()
    _log.info("job claimed", job=job.id, kind=job.kind, subject=job.subject)
    return Lease(job.id, job.kind, job.subject, token, seconds)


def renew(session: Session, lease: Lease) -> None:
    """Hold on to the job; the first statement of every write a holder makes.

    Raises LeaseLost when another process has taken it over.
    """
    held = (Job.id == lease.job_id) & (Job.lease_token == lease.token) & (Job.status == "running")
    until = now() + timedelta(seconds=lease.seconds)
    if not changed(session, update(Job).where(held).values(lease_until=until)):
        _log.warning("lease lost", job=lease.job_id, kind=lease.kind, subject=lease.subject, held=lease.held())
        raise LeaseLost("Another worker has taken this job over.")


def progressed(session: Session, lease: Lease) -> None:
    """Something was achieved: earlier failures no longer count against the job."""
    session.execute(
        update(Job).where(Job.id == lease.job_id, Job.lease_token == lease.token).values(attempts=0, last_error="")
    )


def release(session: Session, lease: Lease, *, again: bool = False) -> bool:
    """Let the job go; True when there is more to do and it must be poked."""
    renew(session, lease)
    job = session.scalars(select(Job).where(Job.id == lease.job_id)).one()
    more = again or job.wanted > job.seen
    job.status, job.lease_token, job.lease_until, job.holder = ("queued" if more else "idle"), None, None, ""
    job.attempts, job.last_error, job.next_at = 0, "", now()
    _log.info("job let go", job=job.id, kind=job.kind, subject=job.subject, held=lease.held(), more=more)
    return more


def defer(session: Session, lease: Lease, seconds: float) -> None:
    """Let the job go for a moment; that is no failure."""
    renew(session, lease)
    later: dict[str, object] = {"status": "queued", "lease_token": None, "lease_until": None, "holder": ""}
    later |= {"next_at": now() + timedelta(seconds=seconds), "poked_at": now()}
    session.execute(
        update(Job).where(Job.id == lease.job_id).values(**later).execution_options(synchronize_session=False)
    )


def shelve(session: Session, lease: Lease) -> None:
    """Let the job go, to be done by nobody until its party is freed."""
    renew(session, lease)
    rest = {"status": "idle", "lease_token": None, "lease_until": None, "holder": ""}
    session.execute(
        update(Job).where(Job.id == lease.job_id).values(**rest).execution_options(synchronize_session=False)
    )


def put_off(session: Session, lease: Lease, error: str, seconds: float) -> int:
    """Let the job go after a failure, to be tried again later, at once if it was asked for; the failures in a row."""
    renew(session, lease)
    job = session.scalars(select(Job).where(Job.id == lease.job_id)).one()
    pause = 0.0 if job.wanted > job.seen else seconds
    job.status, job.lease_token, job.lease_until, job.holder = "queued", None, None, ""
    job.attempts, job.last_error, job.next_at = job.attempts + 1, error, now() + timedelta(seconds=pause)
    _log.warning(
        "job put off",
        job=job.id,
        kind=job.kind,
        subject=job.subject,
        held=lease.held(),
        failures=job.attempts,
        again_in=pause,
        error=error,
    )
    return job.attempts


def claimable(moment: datetime) -> ColumnElement[bool]:
    queued = (Job.status == "queued") & (Job.next_at <= moment)
    return or_(queued, (Job.status == "running") & (Job.lease_until < moment))


def waiting(session: Session, kind: str, most: int) -> list[Nudge]:
    """Jobs of this kind that nobody has taken yet."""
    query = select(Job.id).where(Job.kind == kind, claimable(now())).order_by(Job.next_at).limit(most)
    return [Nudge(job_id, kind) for job_id in session.scalars(query)]


def open_of(session: Session, kind: str, subject: str) -> bool:
    """Whether work of this kind on this subject waits or runs."""
    mine = (Job.kind == kind, Job.subject == subject, Job.status.in_(("queued", "running")))
    return session.scalar(select(Job.id).where(*mine)) is not None


def failures(session: Session, lease: Lease) -> int:
    """How often in a row the job was put off."""
    return session.scalars(select(Job.attempts).where(Job.id == lease.job_id)).one()


def finish(session: Session, lease: Lease) -> None:
    """The job is done for good: its row goes."""
    renew(session, lease)
    session.execute(delete(Job).where(Job.id == lease.job_id))


def due(session: Session) -> list[Nudge]:
    """Jobs that should be running and are not: queued ones whose poke may be lost, dead workers' ones.

    One that was poked a moment ago is left alone, so that a busy worker's queue does not fill with pokes.
    """
    moment = now()
    waiting = claimable(moment)
    quiet = Job.poked_at <= moment - REPOKE_AFTER
    query = select(Job.id, Job.kind).where(waiting, quiet).order_by(Job.next_at).limit(100)
    return [Nudge(job_id, kind) for job_id, kind in session.execute(query)]


def forget_idle(session: Session) -> None:
    """Delete jobs that nobody has wanted for a day; whoever wants one again gets a new row."""
    session.execute(delete(Job).where(Job.status == "idle", Job.party.is_(None), Job.next_at < now() - IDLE_KEPT))


def poked(session: Session, job_ids: Sequence[str]) -> None:
    session.execute(update(Job).where(Job.id.in_(job_ids)).values(poked_at=now()))
