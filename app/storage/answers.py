"""The answer store, and the log of every purchase."""

import json
import zlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, UniqueConstraint, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.storage.base import Base, BigId, new_id, now
from app.storage.session import add_rows

SHARED = ""
_BATCH = 500
_WORTH_PACKING = 200  # bytes


class StoredAnswer(Base):
    """What one call brought. `owner` is empty when any request with this hash may use it.

    `tokens` are the reply's tokens with their probabilities, packed, where they were asked for and came; `used_format`
    is what the reply was held to, empty for nothing.
    """

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
    tokens: Mapped[bytes | None] = mapped_column(LargeBinary)
    used_format: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=now)


def _rare(name: str, *columns: str, where: str, sqlite: str = "") -> Index:
    """An index of the few rows that a list is made of, which costs the many others nothing."""
    return Index(name, *columns, sqlite_where=text(sqlite or where), postgresql_where=text(where))


class Call(Base):
    """One purchase, with the prices it was bought at (micro-units per million tokens, None when unknown).

    `body` holds reply and request, compressed, until `expires_at`; the request to a task model is not in it, for it
    is made again from prompt and example. `served_by` is the endpoint that answered when it was not the one asked.
    """

    __tablename__ = "call"
    __table_args__ = (
        Index("ix_call_log", "holdout", "created_at", "id"),
        Index("ix_call_endpoint", "holdout", "endpoint_id", "created_at", "id"),
        _rare("ix_call_purpose", "holdout", "purpose", "created_at", "id", where="purpose <> 'task'"),
        _rare("ix_call_failed", "holdout", "created_at", "id", where="NOT ok", sqlite="ok = 0"),
        _rare("ix_call_campaign", "campaign_id", "holdout", "created_at", "id", where="campaign_id IS NOT NULL"),
        _rare("ix_call_run", "run_id", "holdout", "created_at", "id", where="run_id IS NOT NULL"),
        _rare("ix_call_example", "example_id", "prompt_version_id", where="example_id IS NOT NULL"),
        _rare("ix_call_expiry", "expires_at", where="expires_at IS NOT NULL"),
    )
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    request_hash: Mapped[str]
    endpoint_id: Mapped[str] = mapped_column(ForeignKey("endpoint.id"))
    project_id: Mapped[str | None] = mapped_column(ForeignKey("project.id"))
    campaign_id: Mapped[str | None] = mapped_column(ForeignKey("campaign.id"))
    run_id: Mapped[str | None] = mapped_column(ForeignKey("run.id"))
    round: Mapped[int | None]
    purpose: Mapped[str]
    prompt_version_id: Mapped[str | None] = mapped_column(ForeignKey("prompt_version.id"))
    example_id: Mapped[int | None] = mapped_column(ForeignKey("example.id"))
    sample: Mapped[int] = mapped_column(default=0)
    served_by: Mapped[str | None] = mapped_column(ForeignKey("endpoint.id"))
    holdout: Mapped[bool]
    ok: Mapped[bool]
    attempts: Mapped[int]
    latency_ms: Mapped[int]
    tokens_in: Mapped[int | None]
    tokens_out: Mapped[int | None]
    tokens_cached: Mapped[int | None]  # of those in
    price_in: Mapped[int | None] = mapped_column(BigInteger)
    price_cached_in: Mapped[int | None] = mapped_column(BigInteger)
    price_out: Mapped[int | None] = mapped_column(BigInteger)
    cost: Mapped[int | None] = mapped_column(BigInteger)
    finish_reason: Mapped[str]
    model: Mapped[str]
    request_id: Mapped[str]
    fingerprint: Mapped[str]
    error: Mapped[str]
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)


def pack_body(reply: str, request: Sequence[tuple[str, str]] | None = None) -> bytes:
    """Reply and request (role, content) as the log keeps them; a short body is not worth compressing."""
    plain = json.dumps([reply, request], ensure_ascii=False).encode()
    return zlib.compress(plain) if len(plain) > _WORTH_PACKING else plain


def unpack_body(body: bytes) -> tuple[str, list[tuple[str, str]] | None]:
    """(reply, request or None when it was not kept)."""
    reply, request = json.loads(body if body[:1] == b"[" else zlib.decompress(body))
    return reply, None if request is None else [(role, content) for role, content in request]


def forget_bodies(session: Session, moment: datetime, most: int) -> int:
    """Drop the bodies of up to `most` calls whose time is over; how many were dropped."""
    old = select(Call.id).where(Call.expires_at < moment).order_by(Call.expires_at).limit(most)
    found = list(session.scalars(old))
    dropped = update(Call).where(Call.id.in_(found)).values(body=None, expires_at=None)
    session.execute(dropped.execution_options(synchronize_session=False))
    return len(found)


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


def keep(session: Session, rows: Sequence[dict[str, Any]]) -> dict[tuple[str, str, int], int]:
    """Store answers, one that is there already stays as it is; the ids of all, by request hash, owner and sample."""
    if not rows:
        return {}
    found = add_rows(session, StoredAnswer, rows, _new_ones)
    ids = {(row.request_hash, row.owner, row.sample): row.id for row in found}
    for missing in {(row["request_hash"], row["owner"], row["sample"]) for row in rows} - ids.keys():
        ids[missing] = stored(session, [missing[0]], missing[1], missing[2])[missing[0]].id
    return ids


def _new_ones(adding: Any) -> Any:
    key = StoredAnswer.request_hash, StoredAnswer.owner, StoredAnswer.sample
    return adding.on_conflict_do_nothing().returning(StoredAnswer.id, *key)


def log(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        add_rows(session, Call, rows)
