"""Runs and their blocks: somebody's order to have an evaluation answered, cut into pieces that any worker takes."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from app.errors import NotFound
from app.storage import parties
from app.storage.base import Base, Owned, new_id, now
from app.storage.jobs import Nudge
from app.storage.ledger import Account
from app.storage.session import changed

BLOCK = "block"
_BY_PEOPLE = text("campaign_id IS NULL")
OPEN = ("queued", "running", "paused", "exhausted")
INTERACTIVE, BACKGROUND = 0, 1  # priorities: a person waits, or a campaign


class Run(Owned, Base):
    """The first `upto` examples of an evaluation's split, `samples` times each, bought under its account's caps.

    `campaign_id` and `round` say whose ask it is when no person ordered it, `opening_id` which opening of a holdout it
    belongs to. `done` counts outputs that are there,
    `reused` those of them that cost nothing. `elsewhere` are the outputs that another model served and that do not
    count, unless `count_fallbacks` says so; they are asked again.
    `keep_calls` is what of its account's cap it must leave for others.
    """

    __tablename__ = "run"
    __table_args__ = (
        Index("ix_run_evaluation", "evaluation_id", "created_at"),
        Index("ix_run_campaign", "campaign_id", "status"),
        Index("ix_run_opening", "opening_id"),
        Index("ix_run_ordered", "project_id", "created_at", "id", sqlite_where=_BY_PEOPLE, postgresql_where=_BY_PEOPLE),
    )
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"))
    evaluation_id: Mapped[str] = mapped_column(ForeignKey("evaluation.id"))
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id"))
    campaign_id: Mapped[str | None] = mapped_column(ForeignKey("campaign.id"))
    round: Mapped[int | None]
    opening_id: Mapped[str | None] = mapped_column(ForeignKey("holdout_opening.id"))
    upto: Mapped[int]
    samples: Mapped[int]
    temperature: Mapped[float]
    max_tokens: Mapped[int]
    keep_calls: Mapped[int] = mapped_column(default=0)
    count_fallbacks: Mapped[bool] = mapped_column(default=False)
    priority: Mapped[int] = mapped_column(default=INTERACTIVE)
    status: Mapped[str] = mapped_column(default="queued")
    note: Mapped[str] = mapped_column(default="")
    total: Mapped[int]
    done: Mapped[int] = mapped_column(default=0)
    reused: Mapped[int] = mapped_column(default=0)
    elsewhere: Mapped[int] = mapped_column(default=0)
    blocks: Mapped[int]
    blocks_done: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    account: Mapped[Account] = relationship(lazy="joined", innerjoin=True)


class Block(Base):
    """The examples at places `first` to `upto` (not included) of a run's split; `done` of them are answered."""

    __tablename__ = "block"
    __table_args__ = (UniqueConstraint("run_id", "sample", "first"), Index("ix_block_open", "run_id", "finished_at"))
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    run_id: Mapped[str] = mapped_column(ForeignKey("run.id"))
    sample: Mapped[int]
    first: Mapped[int]
    upto: Mapped[int]
    done: Mapped[int] = mapped_column(default=0)
    elsewhere: Mapped[int] = mapped_column(default=0)
    worker: Mapped[str] = mapped_column(default="")
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    @property
    def size(self) -> int:
        return self.upto - self.first


def get(session: Session, run_id: str) -> Run:
    run = session.get(Run, run_id)
    if run is None:
        raise NotFound("There is no such evaluation run.")
    return run


def of_block(session: Session, block_id: str) -> Run:
    run = session.scalar(select(Run).join(Block, Block.run_id == Run.id).where(Block.id == block_id))
    if run is None:
        raise NotFound("There is no such block.")
    return run


def add(session: Session, run: Run, block_size: int) -> list[Nudge]:
    """Store a new run, cut into blocks with a job each; some of the jobs, to poke after the commit."""
    places = [(sample, first) for sample in range(run.samples) for first in range(0, run.upto, block_size)]
    run.id = run.id or new_id()
    run.total, run.blocks = run.samples * run.upto, len(places)
    session.add(run)
    session.flush()
    rows = [
        {"id": new_id(), "run_id": run.id, "sample": sample, "first": first, "upto": min(first + block_size, run.upto)}
        | {"done": 0, "elsewhere": 0, "worker": ""}
        for sample, first in places
    ]
    session.execute(Block.__table__.insert(), rows)  # type: ignore[attr-defined]
    parties.add(session, BLOCK, [str(row["id"]) for row in rows], run.id, run.priority)
    return parties.free(session, BLOCK, run.id)


def close(session: Session, run_id: str) -> None:
    """The run is over; one that was stopped stays so."""
    over = update(Run).where(Run.id == run_id)
    session.execute(over.values(finished_at=now()).execution_options(synchronize_session=False))
    set_status(session, run_id, "finished")


def advance(session: Session, run_id: str, block_id: str, done: int, reused: int = 0, elsewhere: int = 0) -> None:
    """So many more outputs of a block are there; `elsewhere` is negative when some of those count now."""
    block = {"done": Block.done + done, "elsewhere": Block.elsewhere + elsewhere}
    session.execute(
        update(Block).where(Block.id == block_id).values(**block).execution_options(synchronize_session=False)
    )
    run = {"done": Run.done + done, "reused": Run.reused + reused, "elsewhere": Run.elsewhere + elsewhere}
    session.execute(update(Run).where(Run.id == run_id).values(**run).execution_options(synchronize_session=False))


def begin_block(session: Session, block: Block, there: int, elsewhere: int, worker: str) -> None:
    """A worker takes a block in which so many outputs are there already; what nobody of this run bought is reused."""
    fresh = block.started_at is None
    advance(session, block.run_id, block.id, there - block.done, there if fresh else 0, elsewhere - block.elsewhere)
    started = {"worker": worker} | ({"started_at": now()} if fresh else {})
    session.execute(update(Block).where(Block.id == block.id).values(**started))
    first = update(Run).where(Run.id == block.run_id, Run.started_at.is_(None))
    session.execute(first.values(status="running", started_at=now()).execution_options(synchronize_session=False))


def finish_block(session: Session, run_id: str, block_id: str) -> bool:
    """Mark a block done; True when it was the last of its run. Whoever comes second changes nothing."""
    fresh = update(Block).where(Block.id == block_id, Block.finished_at.is_(None)).values(finished_at=now())
    if not changed(session, fresh):
        return False
    session.execute(update(Run).where(Run.id == run_id).values(blocks_done=Run.blocks_done + 1))
    counts = session.execute(select(Run.blocks, Run.blocks_done).where(Run.id == run_id)).one()
    return bool(counts.blocks == counts.blocks_done)


def status(session: Session, run_id: str) -> str:
    return session.scalars(select(Run.status).where(Run.id == run_id)).one()


def set_status(session: Session, run_id: str, status: str, note: str = "", among: Iterable[str] = OPEN) -> bool:
    """Change the status if it is one of these; False when it was another."""
    changing = update(Run).where(Run.id == run_id, Run.status.in_(tuple(among))).values(status=status, note=note)
    return bool(changed(session, changing.execution_options(synchronize_session=False)))


def open_of_campaign(session: Session, campaign_id: str) -> list[Run]:
    query = select(Run).where(Run.campaign_id == campaign_id, Run.status.in_(OPEN))
    return list(session.scalars(query.order_by(Run.created_at, Run.id)))


def open_of_project(session: Session, project_id: str) -> Run | None:
    query = select(Run).where(Run.project_id == project_id, Run.status.in_(OPEN))
    return session.scalars(query.order_by(Run.created_at.desc()).limit(1)).first()


def of_opening(session: Session, opening_id: str) -> list[Run]:
    """The runs that answer for an opening of a holdout."""
    query = select(Run).where(Run.opening_id == opening_id)
    return list(session.scalars(query.order_by(Run.created_at, Run.id)))


def open_of_evaluation(session: Session, evaluation_id: str) -> Run | None:
    query = select(Run).where(Run.evaluation_id == evaluation_id, Run.status.in_(OPEN))
    return session.scalars(query.order_by(Run.created_at).limit(1)).first()
