"""Calls by the minute, counted as they are stored, so that the pace is read without looking at the log."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.storage.base import Base, now
from app.storage.session import insert_or_update

LANES = 16
KEPT = timedelta(hours=1)


class Traffic(Base):
    """Calls that came back in one minute, failed ones among them. Lanes keep processes from waiting for each other."""

    __tablename__ = "traffic"
    minute: Mapped[datetime] = mapped_column(primary_key=True)
    lane: Mapped[int] = mapped_column(primary_key=True)
    calls: Mapped[int]
    failed: Mapped[int]


@dataclass(frozen=True)
class Minute:
    at: datetime
    calls: int
    failed: int


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def count(session: Session, outcomes: Sequence[bool]) -> None:
    """Count calls that came back; each is True when it brought an answer."""
    failed = len(outcomes) - sum(outcomes)
    row = {"minute": _minute(now()), "lane": os.getpid() % LANES, "calls": len(outcomes), "failed": failed}
    more = {"calls": Traffic.calls + len(outcomes), "failed": Traffic.failed + failed}
    session.execute(insert_or_update(session, Traffic, ("minute", "lane"), more).values(**row))


def latest(session: Session, minutes: int) -> list[Minute]:
    """The last whole minutes, oldest first; quiet ones are there with zeros."""
    end = _minute(now())
    begin = end - timedelta(minutes=minutes)
    query = select(Traffic.minute, func.sum(Traffic.calls), func.sum(Traffic.failed)).group_by(Traffic.minute)
    found = {
        at: Minute(at, calls, failed) for at, calls, failed in session.execute(query.where(Traffic.minute >= begin))
    }
    wanted = (begin + timedelta(minutes=number) for number in range(minutes))
    return [found.get(at, Minute(at, 0, 0)) for at in wanted]


def forget_old(session: Session) -> None:
    session.execute(delete(Traffic).where(Traffic.minute < now() - KEPT))
