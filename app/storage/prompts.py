"""Prompts and their immutable versions, with parents and author."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from sqlalchemy import ForeignKey, Index, ScalarSelect, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.domain.prompts import fingerprint
from app.errors import NotFound
from app.storage.base import Base, Owned, new_id
from app.storage.session import hold_row


class Prompt(Owned, Base):
    __tablename__ = "prompt"
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"), index=True)
    name: Mapped[str]


class PromptVersion(Owned, Base):
    """One immutable text with its answer format (empty: free text).

    `author` is person, app or generator; the latter has its endpoint and campaign round.
    """

    __tablename__ = "prompt_version"
    __table_args__ = (
        UniqueConstraint("prompt_id", "content_hash"),
        UniqueConstraint("prompt_id", "number"),
        Index("ix_prompt_version_campaign", "campaign_id", "round"),
    )
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    prompt_id: Mapped[str] = mapped_column(ForeignKey("prompt.id"))
    number: Mapped[int]
    text: Mapped[str]
    content_hash: Mapped[str]
    fingerprint: Mapped[str]
    author: Mapped[str]
    endpoint_id: Mapped[str | None] = mapped_column(ForeignKey("endpoint.id"))
    campaign_id: Mapped[str | None]
    round: Mapped[int | None]
    parents: Mapped[list[Any]]
    format: Mapped[dict[str, Any]] = mapped_column(default=dict)


def get(session: Session, version_id: str) -> PromptVersion:
    version = session.get(PromptVersion, version_id)
    if version is None:
        raise NotFound("There is no such prompt version.")
    return version


def beginning_with(session: Session, prefix: str, limit: int) -> list[str]:
    """Ids of versions that begin so."""
    query = select(PromptVersion.id).where(PromptVersion.id.startswith(prefix, autoescape=True))
    return list(session.scalars(query.order_by(PromptVersion.id).limit(limit)))


def line_id(project_id: str) -> ScalarSelect[str]:
    """The id of the project's one line of prompts, as a part of a query."""
    query = select(Prompt.id).where(Prompt.project_id == project_id).order_by(Prompt.created_at, Prompt.id)
    return query.limit(1).scalar_subquery()


def line_of(session: Session, project_id: str) -> Prompt:
    """The project's one line of prompts, made when it is first needed."""
    prompt = session.scalar(select(Prompt).where(Prompt.id == line_id(project_id)))
    if prompt is None:
        prompt = Prompt(project_id=project_id, name="main")
        session.add(prompt)
        session.flush()
    return prompt


Format = Mapping[str, Any]
PLAIN: Format = {}


def content_hash(text: str, form: Format = PLAIN) -> str:
    """The identity of a version: its text and, unless it is plain text, its answer format."""
    said = json.dumps(form, sort_keys=True, ensure_ascii=False) if form else ""
    return sha256(f"{text}\0{said}".encode() if form else text.encode()).hexdigest()


def with_text(session: Session, prompt_id: str, text: str, form: Format = PLAIN) -> PromptVersion | None:
    return session.scalar(
        select(PromptVersion).where(
            PromptVersion.prompt_id == prompt_id, PromptVersion.content_hash == content_hash(text, form)
        )
    )


def numbered(session: Session, prompt_id: str, number: int) -> PromptVersion:
    query = select(PromptVersion).where(PromptVersion.prompt_id == prompt_id, PromptVersion.number == number)
    version = session.scalar(query)
    if version is None:
        raise NotFound("There is no such prompt version.")
    return version


def add(
    session: Session,
    prompt_id: str,
    text: str,
    author: str,
    *,
    parents: Sequence[str] = (),
    endpoint_id: str | None = None,
    campaign_id: str | None = None,
    round_number: int | None = None,
    form: Format = PLAIN,
) -> PromptVersion:
    """The version with this text and format; one that the line has already is that version, not a new one."""
    hold_row(session, Prompt, prompt_id)
    known = with_text(session, prompt_id, text, form)
    if known is not None:
        return known
    last = session.scalar(select(func.max(PromptVersion.number)).where(PromptVersion.prompt_id == prompt_id)) or 0
    version = PromptVersion(
        prompt_id=prompt_id, number=last + 1, text=text, content_hash=content_hash(text, form), fingerprint=fingerprint(text), author=author,
        parents=list(parents), endpoint_id=endpoint_id, campaign_id=campaign_id, round=round_number, format=dict(form),
    )  # fmt: skip
    session.add(version)
    session.flush()
    return version
