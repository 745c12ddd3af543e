"""Changes of how a project's answers are compared, and the evaluations whose outputs are to be read again for one."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, delete, func, insert, literal, select, tuple_, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.storage.answers import StoredAnswer
from app.storage.base import Base, BigId, Owned, new_id, now
from app.storage.evaluations import Evaluation, Output
from app.storage.jobs import Job
from app.storage.projects import Project
from app.storage.prompts import Prompt, PromptVersion
from app.storage.runs import BLOCK, Block, Run
from app.storage.test_sets import Placement, TestSet, TestSetVersion

FIRST = -1  # before every example's id


class RuleChange(Owned, Base):
    """One change, from one rule to another, as plain data; `before` is empty where outputs were of several rules.

    `done` of `evaluations` were read again and summed up, with `outputs` outputs so far.
    """

    __tablename__ = "rule_change"
    __table_args__ = (Index("ix_rule_change_project", "project_id", "created_at"),)
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"))
    before: Mapped[dict[str, Any]]
    after: Mapped[dict[str, Any]]
    evaluations: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    outputs: Mapped[int] = mapped_column(default=0)
    finished_at: Mapped[datetime | None]


class Rereading(Base):
    """An evaluation that is not read again yet: read up to this output; `read` when only summing up is left."""

    __tablename__ = "rereading"
    evaluation_id: Mapped[str] = mapped_column(ForeignKey("evaluation.id"), primary_key=True)
    change_id: Mapped[str] = mapped_column(ForeignKey("rule_change.id"), index=True)
    example_id: Mapped[int] = mapped_column(BigId, default=FIRST)
    sample: Mapped[int] = mapped_column(default=0)
    read: Mapped[bool] = mapped_column(default=False)


def going_on(session: Session, project_id: str) -> RuleChange | None:
    """The change for which outputs are being read again, if any."""
    query = select(RuleChange).where(RuleChange.project_id == project_id, RuleChange.finished_at.is_(None))
    return session.scalars(query.order_by(RuleChange.created_at.desc()).limit(1)).first()


def changes(session: Session, project_id: str, most: int) -> list[RuleChange]:
    """Newest first."""
    query = select(RuleChange).where(RuleChange.project_id == project_id)
    return list(session.scalars(query.order_by(RuleChange.created_at.desc(), RuleChange.id).limit(most)))


def begin(session: Session, project_id: str, before: dict[str, Any], after: dict[str, Any]) -> RuleChange:
    """Have every evaluation of the project read again; a change that goes on gives way to this one."""
    earlier = going_on(session, project_id)
    if earlier is not None:
        session.execute(delete(Rereading).where(Rereading.change_id == earlier.id))
        earlier.finished_at, before = now(), {}
    change = RuleChange(project_id=project_id, before=before, after=after)
    session.add(change)
    session.flush()
    mine = (
        select(Evaluation.id, literal(change.id), literal(FIRST), literal(0), literal(value=False))
        .join(PromptVersion, PromptVersion.id == Evaluation.prompt_version_id)
        .join(Prompt, Prompt.id == PromptVersion.prompt_id)
        .where(Prompt.project_id == project_id)
    )
    columns = ["evaluation_id", "change_id", "example_id", "sample", "read"]
    session.execute(insert(Rereading).from_select(columns, mine))
    change.evaluations = session.scalars(select(func.count()).where(Rereading.change_id == change.id)).one()
    return change


def next_left(session: Session, change_id: str) -> Rereading | None:
    query = select(Rereading).where(Rereading.change_id == change_id).order_by(Rereading.evaluation_id)
    return session.scalars(query.limit(1)).first()


def forget(session: Session, change_id: str, evaluation_id: str) -> None:
    """This evaluation is done, unless another change wants it by now."""
    mine = (Rereading.change_id == change_id, Rereading.evaluation_id == evaluation_id)
    session.execute(delete(Rereading).where(*mine))
    counted = update(RuleChange).where(RuleChange.id == change_id).values(done=RuleChange.done + 1)
    session.execute(counted.execution_options(synchronize_session=False))


def outputs_after(session: Session, left: Rereading, most: int) -> Sequence[Any]:
    """The next outputs with what was answered and expected, whatever their split: to be read again, and for nobody."""
    key = tuple_(Output.example_id, Output.sample)
    query = (
        select(Output, StoredAnswer.text, StoredAnswer.tokens, Placement.position, Placement.reference)
        .join(Evaluation, Evaluation.id == Output.evaluation_id)
        .join(StoredAnswer, StoredAnswer.id == Output.answer_id)
        .join(
            Placement,
            (Placement.version_id == Evaluation.version_id) & (Placement.example_id == Output.example_id),
        )
        .where(Output.evaluation_id == left.evaluation_id, key > tuple_(literal(left.example_id), literal(left.sample)))
        .order_by(Output.example_id, Output.sample)
    )
    return session.execute(query.limit(most)).all()


def references(session: Session, project_id: str) -> Iterable[Any]:
    """Every right answer of the project's test sets once: (reference, a split it stands in, its first place there)."""
    query = (
        select(Placement.reference, Placement.split, func.min(Placement.position))
        .join(TestSetVersion, TestSetVersion.id == Placement.version_id)
        .join(TestSet, TestSet.id == TestSetVersion.test_set_id)
        .where(TestSet.project_id == project_id)
        .group_by(Placement.reference, Placement.split)
    )
    return sorted(session.execute(query), key=lambda row: (row[1], row[2], row[0] or ""))


def unsettled_run(session: Session, project_id: str) -> str | None:
    """An evaluation run that is not summed up, or for which calls are under way though it was stopped."""
    mine = Run.project_id == project_id
    waiting = select(Run.id).where(mine, Run.finished_at.is_(None)).order_by(Run.created_at.desc()).limit(1)
    calling = (
        select(Run.id)
        .join(Block, Block.run_id == Run.id)
        .join(Job, (Job.subject == Block.id) & (Job.kind == BLOCK))
        .where(mine, Job.status == "running", Job.lease_until > now())
        .limit(1)
    )
    return session.scalar(waiting) or session.scalar(calling)


def graded_by(session: Session, full_name: str) -> list[str]:
    """The names of the projects whose texts this endpoint grades."""
    found = session.execute(select(Project.name, Project.answers).order_by(Project.name))
    return [name for name, answers in found if answers.get("texts", {}).get("grader") == full_name]
