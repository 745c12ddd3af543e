"""What pages of thresholds are made of: the shares of an evaluation column by column, with what was worked out of each.

They are derived: made when a run ends, and again whenever somebody asks. A page reads the column of one class, a few
hundred kilobytes at 100,000 examples, where the shares themselves lie row by row.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column, undefer

from app.storage.base import Base, now
from app.storage.evaluations import Evaluation
from app.storage.session import hold_row

FRAME = -1  # the part that all classes share; a class has its place, the lead of digit d is part -2 - d


class Tuning(Base):
    """One part of an evaluation's shares: arrays in `packed` as `layout` says, results in `told`, fits in `fitted`."""

    __tablename__ = "tuning"
    evaluation_id: Mapped[str] = mapped_column(ForeignKey("evaluation.id"), primary_key=True)
    part: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    told: Mapped[dict[str, Any]]
    layout: Mapped[list[Any]]
    packed: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    fitted: Mapped[dict[str, Any]] = mapped_column(deferred=True)
    made_at: Mapped[datetime] = mapped_column(default=now)


def part_of_lead(digit: int) -> int:
    return -2 - digit


def replace(session: Session, evaluation_id: str, parts: Sequence[Tuning]) -> None:
    """These parts and no others; of two who make them at once the last one's stay."""
    hold_row(session, Evaluation, evaluation_id)
    session.execute(delete(Tuning).where(Tuning.evaluation_id == evaluation_id))
    session.add_all(parts)
    session.flush()


def part(session: Session, evaluation_id: str, number: int) -> Tuning | None:
    """With its arrays and fits."""
    wanted = (Tuning.evaluation_id == evaluation_id, Tuning.part == number)
    return session.scalar(select(Tuning).where(*wanted).options(undefer(Tuning.packed), undefer(Tuning.fitted)))


def told(session: Session, evaluation_id: str) -> dict[int, dict[str, Any]]:
    """What was worked out, by part; no arrays."""
    query = select(Tuning.part, Tuning.told).where(Tuning.evaluation_id == evaluation_id)
    return {number: found for number, found in session.execute(query.order_by(Tuning.part))}
