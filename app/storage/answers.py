"""The answer store, and the log of every purchase."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.storage.base import Base, BigId, new_id, now
from app.storage.session import insert_new

SHARED = ""
_BATCH = 500


class StoredAnswer(Base):
    """What one call brought. `owner` is empty when any request with this hash may use it."""

    __tablename__ = "answer"
    __table_args__ = (UniqueConstraint("request_hash", "owner", "sample"),)
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    request_hash: Mapped[str]
    owner: Mapped[str]
    sample: Mapped[int]
    text: Mapped[str]
    finish_reason: Mapped[str]
    tokens_in: Mapped[int | None]
    tokens_out: Mapped[int | None]
    cost: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(default=now)


class Call(Base):
    """One purchase: for a task model it points to what was asked, for others it keeps the request compressed."""

    __tablename__ = "call"
    __table_args__ = (
        Index("ix_call_log", "holdout", "created_at", "id"),
        Index("ix_call_endpoint", "holdout", "endpoint_id", "created_at", "id"),
        Index("ix_call_purpose", "holdout", "purpose", "created_at", "id"),
        Index("ix_call_ok", "holdout", "ok", "created_at", "id"),
        Index("ix_call_campaign", "campaign_id", "holdout", "created_at", "id"),
    )
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    request_hash: Mapped[str]
    endpoint_id: Mapped[str] = mapped_column(ForeignKey("endpoint.id"))
    campaign_id: Mapped[str | None] = mapped_column(ForeignKey("campaign.id"))
    round: Mapped[int | None]
    purpose: Mapped[str]
    prompt_version_id: Mapped[str | None] = mapped_column(ForeignKey("prompt_version.id"))
    example_id: Mapped[int | None] = mapped_column(ForeignKey("example.id"))
    holdout: Mapped[bool]
    ok: Mapped[bool]
    attempts: Mapped[int]
    latency_ms: Mapped[int]
    tokens_in: Mapped[int | None]
    tokens_out: Mapped[int | None]
    cost: Mapped[int | None] = mapped_column(BigInteger)
    finish_reason: Mapped[str]
    model: Mapped[str]
    request_id: Mapped[str]
    fingerprint: Mapped[str]
    error: Mapped[str]
    request: Mapped[bytes | None] = mapped_column(LargeBinary)
    reply: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)


def stored(session: Session, hashes: Iterable[str], owner: str = SHARED, sample: int = 0) -> dict[str, StoredAnswer]:
    """The answers there are to these requests, by request hash."""
    wanted = sorted(set(hashes))
    found: dict[str, StoredAnswer] = {}
    for start in range(0, len(wanted), _BATCH):
        query = select(StoredAnswer).where(
            StoredAnswer.request_hash.in_(wanted[start : start + _BATCH]),
            StoredAnswer.owner == owner,
            StoredAnswer.sample == sample,
        )
        found.update((answer.request_hash, answer) for answer in session.scalars(query))
    return found


def keep(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Store answers; one that is there already stays as it is."""
    if rows:
        session.execute(insert_new(session, StoredAnswer), rows)


def log(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        session.execute(Call.__table__.insert(), rows)  # type: ignore[attr-defined]
