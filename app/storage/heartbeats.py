"""Heartbeats: which workers live, and what each is."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.storage.base import Base, now
from app.storage.session import insert_new

# A worker beats every 2 seconds. These are the same for every page, the API, metrics and readiness.
ALIVE = timedelta(seconds=15)
LATE = timedelta(seconds=60)
FORGOTTEN = timedelta(hours=1)
ALL = "all"
ROLES = ("drivers", "calls")


class Heartbeat(Base):
    """When each worker last said that it lives, and what it then was. `worker` is its host and process id."""

    __tablename__ = "heartbeat"
    worker: Mapped[str] = mapped_column(primary_key=True)
    role: Mapped[str]
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    version: Mapped[str]
    processes: Mapped[int]
    memory_mb: Mapped[int | None]

    @property
    def host(self) -> str:
        return self.worker.rpartition(":")[0]

    @property
    def state(self) -> str:
        """alive, late or gone."""
        silent = now() - self.seen_at
        return "alive" if silent <= ALIVE else "late" if silent <= LATE else "gone"


@dataclass(frozen=True)
class About:
    """What a worker says of itself; `processes` do its work, `memory_mb` is theirs and its own."""

    role: str = ALL
    started_at: datetime | None = None
    version: str = ""
    processes: int = 0
    memory_mb: int | None = None


def beat(session: Session, worker: str, about: About | None = None) -> None:
    """Say that a worker lives, and forget those that have not for an hour."""
    moment, said = now(), asdict(about or About())
    said |= {"started_at": said["started_at"] or moment, "seen_at": moment}
    session.execute(insert_new(session, Heartbeat).values(worker=worker, **said))
    session.execute(update(Heartbeat).where(Heartbeat.worker == worker).values(**said))
    session.execute(delete(Heartbeat).where(Heartbeat.seen_at < moment - FORGOTTEN))


def beats(session: Session) -> list[Heartbeat]:
    """Every worker's last beat, the latest first."""
    return list(session.scalars(select(Heartbeat).order_by(Heartbeat.seen_at.desc())))


def last_beat(session: Session) -> datetime | None:
    return session.scalar(select(Heartbeat.seen_at).order_by(Heartbeat.seen_at.desc()).limit(1))


def anybody_alive(session: Session) -> bool:
    seen = last_beat(session)
    return seen is not None and now() - seen <= ALIVE


def alive_by_role(found: Iterable[Heartbeat]) -> dict[str, int]:
    """How many living workers take the jobs of each role; one that takes all counts for every role."""
    living = [beat.role for beat in found if beat.state == "alive"]
    return {role: sum(one in (role, ALL) for one in living) for role in ROLES}
