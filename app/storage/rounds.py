"""Rounds of a campaign: frozen inputs, asks and their answers, candidates, battles, the pool's comings and goings."""

import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, delete, func, literal, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.domain.improving.asks import Message
from app.storage.answers import StoredAnswer
from app.storage.base import Base, now
from app.storage.evaluations import Output
from app.storage.prompts import PromptVersion
from app.storage.session import insert_new


class Round(Base):
    """One turn: its inputs are frozen before the first ask, its state is the snapshot once it is settled."""

    __tablename__ = "round"
    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    inputs: Mapped[dict[str, Any]]
    state: Mapped[dict[str, Any] | None]
    settled: Mapped[bool] = mapped_column(default=False)
    champion_version_id: Mapped[str | None] = mapped_column(ForeignKey("prompt_version.id"))
    champion_changed: Mapped[bool] = mapped_column(default=False)
    answers: Mapped[int] = mapped_column(default=0)
    calls_before: Mapped[int] = mapped_column(default=0)
    calls_after: Mapped[int] = mapped_column(default=0)
    note: Mapped[str] = mapped_column(default="")
    started_at: Mapped[datetime] = mapped_column(default=now)
    settled_at: Mapped[datetime | None]


class AskRecord(Base):
    """What an improver asked in a round, by content, and the answer that was bought for it or refused."""

    __tablename__ = "ask"
    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    round: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    seat: Mapped[str]
    request: Mapped[bytes] = mapped_column(LargeBinary)
    answer_id: Mapped[int | None] = mapped_column(ForeignKey("answer.id"))
    exhausted: Mapped[bool] = mapped_column(default=False)


class Candidate(Base):
    """What one seat proposed in a round: a version that battles, or a refusal with its rule."""

    __tablename__ = "candidate"
    __table_args__ = (
        Index("ix_candidate_version", "prompt_version_id"),
        Index("ix_candidate_endpoint", "endpoint_id"),
    )
    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    round: Mapped[int] = mapped_column(primary_key=True)
    seat: Mapped[str] = mapped_column(primary_key=True)
    endpoint_id: Mapped[str] = mapped_column(ForeignKey("endpoint.id"))
    prompt_version_id: Mapped[str | None] = mapped_column(ForeignKey("prompt_version.id"))
    fingerprint: Mapped[str | None]
    refusal_rule: Mapped[str | None]
    refusal_detail: Mapped[str] = mapped_column(default="")
    value: Mapped[float | None]
    low: Mapped[float | None]
    high: Mapped[float | None]
    n: Mapped[int] = mapped_column(default=0)
    right: Mapped[int] = mapped_column(default=0)
    unreadable: Mapped[int] = mapped_column(default=0)
    dropped_at: Mapped[int | None]
    entered: Mapped[bool] = mapped_column(default=False)


class Battle(Base):
    """Left against right on the same examples: the outcome, and the evidence beside it."""

    __tablename__ = "battle"
    __table_args__ = (Index("ix_battle_pairs", "rated", "left_endpoint_id", "right_endpoint_id", "outcome"),)
    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    round: Mapped[int] = mapped_column(primary_key=True)
    left_endpoint_id: Mapped[str] = mapped_column(ForeignKey("endpoint.id"))
    right_endpoint_id: Mapped[str] = mapped_column(ForeignKey("endpoint.id"))
    outcome: Mapped[str | None]
    rated: Mapped[bool] = mapped_column(default=False)
    walkover: Mapped[bool] = mapped_column(default=False)
    decisive: Mapped[bool | None]
    n: Mapped[int] = mapped_column(default=0)
    left_value: Mapped[float | None]
    right_value: Mapped[float | None]
    difference: Mapped[float | None]
    low: Mapped[float | None]
    high: Mapped[float | None]
    evidence: Mapped[str | None]
    only_left: Mapped[int] = mapped_column(default=0)
    only_right: Mapped[int] = mapped_column(default=0)
    both_right: Mapped[int] = mapped_column(default=0)
    both_wrong: Mapped[int] = mapped_column(default=0)


class PoolEntry(Base):
    """A version's stay in a campaign's pool, and why it ended."""

    __tablename__ = "pool_entry"
    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    prompt_version_id: Mapped[str] = mapped_column(ForeignKey("prompt_version.id"), primary_key=True)
    entered_round: Mapped[int]
    left_round: Mapped[int | None]
    why: Mapped[str] = mapped_column(default="")
    value: Mapped[float]
    low: Mapped[float]
    high: Mapped[float]
    n: Mapped[int]


class UsedAnswer(Base):
    """The distinct answers a campaign used, each with the round that used it first."""

    __tablename__ = "used_answer"
    __table_args__ = (Index("ix_used_answer_round", "campaign_id", "round"),)
    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    answer_id: Mapped[int] = mapped_column(ForeignKey("answer.id"), primary_key=True)
    round: Mapped[int]
    role: Mapped[str]


@dataclass(frozen=True)
class FoundAsk:
    exhausted: bool
    text: str
    finish_reason: str


def get_round(session: Session, campaign_id: str, number: int) -> Round | None:
    return session.get(Round, (campaign_id, number))


def find_ask(session: Session, campaign_id: str, number: int, key: str) -> FoundAsk | None:
    """The recorded answer to this ask in this round, if it was bought or refused."""
    ask = session.get(AskRecord, (campaign_id, number, key))
    if ask is None or (ask.answer_id is None and not ask.exhausted):
        return None
    answer = session.get(StoredAnswer, ask.answer_id) if ask.answer_id else None
    return FoundAsk(ask.exhausted, answer.text if answer else "", answer.finish_reason if answer else "")


def asked_otherwise(session: Session, campaign_id: str, number: int, seat: str, key: str) -> bool:
    """Whether this seat asked something with another content in this round."""
    query = select(AskRecord.key).where(
        AskRecord.campaign_id == campaign_id, AskRecord.round == number, AskRecord.seat == seat, AskRecord.key != key
    )
    return session.scalar(query.limit(1)) is not None


def forget_asks(session: Session, campaign_id: str, number: int) -> None:
    """Let an unsettled round be asked anew; the answers themselves stay in the store."""
    session.execute(delete(AskRecord).where(AskRecord.campaign_id == campaign_id, AskRecord.round == number))
    session.execute(delete(Candidate).where(Candidate.campaign_id == campaign_id, Candidate.round == number))


def pack_messages(messages: Sequence[Message]) -> bytes:
    return zlib.compress(json.dumps([[m.role, m.content] for m in messages], ensure_ascii=False).encode())


def unpack_messages(packed: bytes) -> list[tuple[str, str]]:
    return [(role, content) for role, content in json.loads(zlib.decompress(packed))] if packed else []


def tried_before(session: Session, campaign_id: str, number: int, fingerprints: Iterable[str]) -> frozenset[str]:
    """Which of these were proposed in an earlier round of this campaign, or are its start."""
    wanted = list(fingerprints)
    earlier = select(Candidate.fingerprint).where(
        Candidate.campaign_id == campaign_id, Candidate.round < number, Candidate.fingerprint.in_(wanted)
    )
    pooled = (
        select(PromptVersion.fingerprint)
        .join(PoolEntry, PoolEntry.prompt_version_id == PromptVersion.id)
        .where(
            PoolEntry.campaign_id == campaign_id,
            PoolEntry.entered_round < number,
            PromptVersion.fingerprint.in_(wanted),
        )
    )
    return frozenset(found for found in session.scalars(earlier.union(pooled)) if found)


def use_outputs(
    session: Session, campaign_id: str, number: int, evaluation_id: str, example_ids: Sequence[int], role: str
) -> None:
    """Count the answers behind these outputs as used by the campaign, unless an earlier round used them."""
    for start in range(0, len(example_ids), 500):
        rows = (
            select(literal(campaign_id), Output.answer_id, literal(number), literal(role))
            .where(Output.evaluation_id == evaluation_id, Output.example_id.in_(example_ids[start : start + 500]))
            .distinct()
        )
        names = ["campaign_id", "answer_id", "round", "role"]
        session.execute(insert_new(session, UsedAnswer).from_select(names, rows))


def use_answer(session: Session, campaign_id: str, number: int, answer_id: int, role: str) -> None:
    row = {"campaign_id": campaign_id, "answer_id": answer_id, "round": number, "role": role}
    session.execute(insert_new(session, UsedAnswer).values(**row))


def used_by_role(session: Session, campaign_id: str) -> dict[str, int]:
    query = select(UsedAnswer.role, func.count()).where(UsedAnswer.campaign_id == campaign_id)
    return {role: count for role, count in session.execute(query.group_by(UsedAnswer.role))}


def settled(session: Session, campaign_id: str) -> list[tuple[Round, Battle]]:
    query = (
        select(Round, Battle)
        .join(Battle, (Battle.campaign_id == Round.campaign_id) & (Battle.round == Round.number))
        .where(Round.campaign_id == campaign_id, Round.settled)
        .order_by(Round.number)
    )
    return [(row, battle) for row, battle in session.execute(query)]


def candidates(session: Session, campaign_id: str) -> list[Candidate]:
    query = select(Candidate).where(Candidate.campaign_id == campaign_id).order_by(Candidate.round, Candidate.seat)
    return list(session.scalars(query))


def pool(session: Session, campaign_id: str) -> list[tuple[PoolEntry, PromptVersion]]:
    query = (
        select(PoolEntry, PromptVersion)
        .join(PromptVersion, PromptVersion.id == PoolEntry.prompt_version_id)
        .where(PoolEntry.campaign_id == campaign_id)
        .order_by(PoolEntry.left_round.is_(None).desc(), PoolEntry.value.desc(), PromptVersion.number)
    )
    return [(entry, version) for entry, version in session.execute(query)]


def rated_battles(session: Session, campaign_id: str) -> list[tuple[str, str, str, int]]:
    """(left endpoint, right endpoint, outcome, how often) of one campaign."""
    query = (
        select(Battle.left_endpoint_id, Battle.right_endpoint_id, Battle.outcome, func.count())
        .where(Battle.rated, Battle.campaign_id == campaign_id)
        .group_by(Battle.left_endpoint_id, Battle.right_endpoint_id, Battle.outcome)
    )
    return [(left, right, outcome or "none", count) for left, right, outcome, count in session.execute(query)]


def refusals(session: Session, campaign_id: str) -> dict[str, int]:
    """How many proposals of each endpoint were refused; those of an undecided round would tell who sits in it."""
    query = (
        select(Candidate.endpoint_id, func.count())
        .join(Round, (Round.campaign_id == Candidate.campaign_id) & (Round.number == Candidate.round))
        .where(Candidate.campaign_id == campaign_id, Candidate.refusal_rule.is_not(None), Round.settled)
        .group_by(Candidate.endpoint_id)
    )
    return {endpoint: count for endpoint, count in session.execute(query)}
