"""Who is asking what right now, so that nobody else pays for the same request at the same moment."""

from collections.abc import Sequence

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.storage.base import Base, now
from app.storage.jobs import Job
from app.storage.session import add_rows, unless_there

_BATCH = 500


class Asking(Base):
    """A request whose answer may be shared, and the subject of the job that is buying it."""

    __tablename__ = "asking"
    request_hash: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(index=True)


def begin(session: Session, hashes: Sequence[str], subject: str) -> set[str]:
    """Those of the requests that this job may buy; the others are being bought by a job that somebody works on now."""
    wanted = sorted(set(hashes))
    if not wanted:
        return set()
    rows = [{"request_hash": one, "subject": subject} for one in wanted]
    if add_rows(session, Asking, rows, unless_there).rowcount == len(wanted):  # type: ignore[attr-defined]
        return set(wanted)
    _take_over(session, wanted, subject)
    return set(wanted) & set(session.scalars(select(Asking.request_hash).where(Asking.subject == subject)))


def _take_over(session: Session, wanted: Sequence[str], subject: str) -> None:
    """What a job asked on which nobody works any more is free."""
    alive = (Job.subject == Asking.subject) & (Job.status == "running") & (Job.lease_until >= now())
    left = (Asking.subject != subject) & ~select(Job.id).where(alive).exists()
    for start in range(0, len(wanted), _BATCH):
        mine = update(Asking).where(Asking.request_hash.in_(wanted[start : start + _BATCH]), left)
        session.execute(mine.values(subject=subject).execution_options(synchronize_session=False))


def end(session: Session, subject: str) -> None:
    """The job asks nothing any more: its answers are stored, or were not to be had."""
    session.execute(delete(Asking).where(Asking.subject == subject))
