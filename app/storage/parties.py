"""Parties: jobs of one run that many workers share, taken by urgency and fairly between runs."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from app.storage.base import new_id, now
from app.storage.jobs import Job, Lease, Nudge, claim, claimable
from app.storage.session import insert_new

FREE_TRIED = 8  # jobs of a party that a holder tries to claim before it turns to another
FREE_POKED = 32


def add(session: Session, kind: str, subjects: Sequence[str], party: str, priority: int) -> None:
    """Queue one job for each subject, as a party of equal rank."""
    moment = now()
    same = {"kind": kind, "status": "queued", "wanted": 0, "seen": 0, "attempts": 0, "last_error": "", "holder": ""}
    same |= {"party": party, "priority": priority, "next_at": moment, "poked_at": moment}
    session.execute(insert_new(session, Job), [{"id": new_id(), "subject": subject, **same} for subject in subjects])


def claim_next(session: Session, kind: str, seconds: float, holder: str, party: str | None = None) -> Lease | None:
    """Take a job of this kind that is due, of this party or of whichever comes first; None when there is none.

    The lowest priority number goes first, then the party with the fewest holders.
    """
    for wanted in [party] if party else _parties(session, kind):
        due = (
            select(Job.id).where(Job.kind == kind, Job.party == wanted, claimable(now())).order_by(Job.next_at, Job.id)
        )
        for job_id in session.scalars(due.limit(FREE_TRIED)).all():
            if lease := claim(session, job_id, seconds, holder):
                return lease
    return None


def _parties(session: Session, kind: str) -> list[str]:
    """The parties with a job that may be claimed, in the order in which they should be served."""
    moment = now()
    free = (
        select(Job.party, func.min(Job.priority).label("priority"))
        .where(Job.kind == kind, Job.party.is_not(None), claimable(moment))
        .group_by(Job.party)
        .subquery()
    )
    held = (
        select(Job.party, func.count().label("holders"))
        .where(Job.kind == kind, Job.status == "running", Job.lease_until >= moment)
        .group_by(Job.party)
        .subquery()
    )
    order = (free.c.priority, func.coalesce(held.c.holders, 0), free.c.party)
    return list(session.scalars(select(free.c.party).outerjoin(held, held.c.party == free.c.party).order_by(*order)))


def others_first(session: Session, kind: str, party: str, priority: int, past: bool) -> bool:
    """Whether another party's turn has come: it is more urgent, or as urgent and this one's time is `past`."""
    urgent = Job.priority <= priority if past else Job.priority < priority
    query = select(Job.id).where(Job.kind == kind, Job.party != party, urgent, claimable(now()))
    return session.scalar(query.limit(1)) is not None


def hold(session: Session, kind: str, party: str) -> None:
    """Let nobody claim the jobs of a party; whoever holds one finds out by itself."""
    mine = (Job.kind == kind) & (Job.party == party) & (Job.status == "queued")
    session.execute(update(Job).where(mine).values(status="idle").execution_options(synchronize_session=False))


def free(session: Session, kind: str, party: str) -> list[Nudge]:
    """Queue what was held of a party; some of its jobs, to poke after the commit."""
    mine = (Job.kind == kind) & (Job.party == party)
    queued = {"status": "queued", "attempts": 0, "last_error": "", "next_at": now(), "poked_at": now()}
    session.execute(
        update(Job).where(mine, Job.status == "idle").values(**queued).execution_options(synchronize_session=False)
    )
    free = select(Job.id).where(mine, Job.status == "queued").limit(FREE_POKED)
    return [Nudge(job_id, kind) for job_id in session.scalars(free)]


def drop(session: Session, kind: str, party: str) -> None:
    """The work of a party is not wanted any more; whoever holds a job of it finds out by itself."""
    mine = (Job.kind == kind) & (Job.party == party) & (Job.status != "running")
    session.execute(delete(Job).where(mine).execution_options(synchronize_session=False))


def put_off(session: Session, kind: str, party: str, error: str, seconds: float) -> None:
    """What made one job of a party fail would make the others fail: they are tried later too."""
    mine = (Job.kind == kind) & (Job.party == party) & (Job.status == "queued")
    later = now() + timedelta(seconds=seconds)
    values = {"attempts": Job.attempts + 1, "last_error": error, "next_at": later}
    session.execute(
        update(Job).where(mine, Job.next_at < later).values(**values).execution_options(synchronize_session=False)
    )


def progressed(session: Session, kind: str, party: str) -> None:
    """Earlier failures no longer count against the jobs of a party."""
    mine = (Job.kind == kind) & (Job.party == party) & (Job.status == "queued") & (Job.attempts > 0)
    fresh = {"attempts": 0, "last_error": "", "next_at": now()}
    session.execute(update(Job).where(mine).values(**fresh).execution_options(synchronize_session=False))
