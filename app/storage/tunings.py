"""What pages of thresholds are made of: the shares of an evaluation column by column, with what was worked out of each.

They are derived: made when a run ends, and again whenever somebody asks. A page reads the column of one class, a few
hundred kilobytes at 100,000 examples, where the shares themselves lie row by row.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column, undefer

from app.storage.base import Base, now
from app.storage.evaluations import Evaluation
from app.storage.session import hold_row

FRAME, EXAMPLES = -1, -2  # what all classes share: their folds, their examples' ids; a class has its place as part


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


def part_of_lead(digit: int, by_margin: bool) -> int:
    """Who leads in this digit and whether rightly: with the leading probability, or with its margin."""
    return -3 - 2 * digit - by_margin


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


def parts(session: Session, evaluation_id: str, most: int) -> list[Tuning]:
    """Those of the first classes with their arrays, in order."""
    wanted = (Tuning.evaluation_id == evaluation_id, Tuning.part >= 0, Tuning.part < most)
    return list(session.scalars(select(Tuning).where(*wanted).order_by(Tuning.part).options(undefer(Tuning.packed))))


def told(session: Session, evaluation_id: str) -> dict[int, dict[str, Any]]:
    """What was worked out, by part; no arrays."""
    query = select(Tuning.part, Tuning.told).where(Tuning.evaluation_id == evaluation_id)
    return {number: found for number, found in session.execute(query.order_by(Tuning.part))}


def pieces_at(
    session: Session, evaluation_id: str, number: int, places: Sequence[int]
) -> tuple[Sequence[Any], list[bytes]]:
    """The bytes of these places of a part's first array, with its name, type and length; nothing else is read of it."""
    wanted = (Tuning.evaluation_id == evaluation_id, Tuning.part == number)
    layout = session.scalar(select(Tuning.layout).where(*wanted))
    if layout is None or not places:
        return ("", "<i8", 0), []
    width = int(layout[0][1][2:])
    cut = [func.substr(Tuning.packed, 1 + place * width, width) for place in places]
    return layout[0], list(session.execute(select(*cut).where(*wanted)).one())
