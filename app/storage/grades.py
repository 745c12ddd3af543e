"""Grades of free texts: what a grader said of an output, beside it, and the outputs that still wait for one."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ForeignKey, delete, func, select, union
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.domain.answercodes import UNGRADED
from app.storage.answers import StoredAnswer
from app.storage.base import Base
from app.storage.campaigns import Campaign
from app.storage.evaluations import Evaluation, Output
from app.storage.rounds import UsedAnswer
from app.storage.session import add_rows

_BATCH = 500


class Grade(Base):
    """What the grader's replies came to; `score` is None where they could not be read.

    `other_answer_id` is its reply with the two texts in the other order.
    """

    __tablename__ = "grade"
    evaluation_id: Mapped[str] = mapped_column(ForeignKey("evaluation.id"), primary_key=True)
    example_id: Mapped[int] = mapped_column(ForeignKey("example.id"), primary_key=True)
    sample: Mapped[int] = mapped_column(primary_key=True, default=0)
    score: Mapped[float | None]
    why: Mapped[str]
    answer_id: Mapped[int] = mapped_column(ForeignKey("answer.id"))
    other_answer_id: Mapped[int | None] = mapped_column(ForeignKey("answer.id"))


class Awaiting(NamedTuple):
    """An answer that has no grade yet."""

    answer_id: int
    served_by: str | None
    text: str


def add(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Store grades; one of an output that was graded anew gives way."""
    if rows:
        add_rows(session, Grade, rows, _newest)


def _newest(adding: Any) -> Any:
    news = {name: adding.excluded[name] for name in ("score", "why", "answer_id", "other_answer_id")}
    return adding.on_conflict_do_update(index_elements=["evaluation_id", "example_id", "sample"], set_=news)


def awaiting(
    session: Session, evaluation_id: str, sample: int, example_ids: Iterable[int], *, of_others: bool = False
) -> dict[int, Awaiting]:
    """By example, the outputs that were answered and not graded; those of fallbacks only where they count."""
    wanted, found = sorted(example_ids), dict[int, Awaiting]()
    for start in range(0, len(wanted), _BATCH):
        query = (
            select(Output.example_id, Output.answer_id, Output.served_by, StoredAnswer.text)
            .join(StoredAnswer, StoredAnswer.id == Output.answer_id)
            .where(Output.evaluation_id == evaluation_id, Output.example_id.in_(wanted[start : start + _BATCH]))
            .where(Output.sample == sample, Output.reading == UNGRADED, ~Output.counts)
        )
        for example_id, answer_id, served_by, text in session.execute(query):
            if of_others or served_by is None:
                found[example_id] = Awaiting(answer_id, served_by, text)
    return found


def of_examples(session: Session, evaluation_id: str, example_ids: Sequence[int]) -> dict[int, Grade]:
    """The grades of first samples, by example."""
    query = select(Grade).where(
        Grade.evaluation_id == evaluation_id, Grade.example_id.in_(example_ids), Grade.sample == 0
    )
    return {one.example_id: one for one in session.scalars(query)}


def forget(session: Session, evaluation_id: str, example_ids: Sequence[int]) -> None:
    """Drop the grades of another rule; what the grader replied stays in the answer store."""
    for start in range(0, len(example_ids), _BATCH):
        mine = Grade.example_id.in_(example_ids[start : start + _BATCH])
        session.execute(delete(Grade).where(Grade.evaluation_id == evaluation_id, mine))


def used(session: Session, campaign: Campaign) -> int:
    """The distinct replies of graders behind the grades of the answers that a campaign used."""
    replies = [
        select(reply.label("reply"))
        .select_from(Evaluation)
        .join(Grade, Grade.evaluation_id == Evaluation.id)
        .join(
            Output,
            (Output.evaluation_id == Grade.evaluation_id)
            & (Output.example_id == Grade.example_id)
            & (Output.sample == Grade.sample),
        )
        .join(UsedAnswer, (UsedAnswer.campaign_id == campaign.id) & (UsedAnswer.answer_id == Output.answer_id))
        .where(
            Evaluation.version_id == campaign.version_id,
            Evaluation.endpoint_id == campaign.task_endpoint_id,
            reply.is_not(None),
        )
        for reply in (Grade.answer_id, Grade.other_answer_id)
    ]
    return session.scalar(select(func.count()).select_from(union(*replies).subquery())) or 0
