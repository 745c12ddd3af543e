"""Campaigns: one improvement run, what people asked of it, and the openings of the holdout."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from app.errors import Conflict, NotFound
from app.storage.base import OWNER, Base, BigId, Owned, new_id, now
from app.storage.ledger import Account
from app.storage.projects import Project
from app.storage.session import hold_row

OPEN = ("queued", "running", "paused")


class Campaign(Owned, Base):
    """`rules` and `seed` never change; `state` is the snapshot after the last settled round."""

    __tablename__ = "campaign"
    __table_args__ = (
        UniqueConstraint("project_id", "number"),
        Index("ix_campaign_command", "command_key", "status"),
        Index("ix_campaign_newest", "created_at", "id"),
        Index("ix_campaign_status", "status", "created_at"),
    )
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"))
    number: Mapped[int]
    version_id: Mapped[str] = mapped_column(ForeignKey("test_set_version.id"))
    start_version_id: Mapped[str] = mapped_column(ForeignKey("prompt_version.id"))
    task_endpoint_id: Mapped[str] = mapped_column(ForeignKey("endpoint.id"))
    generators: Mapped[list[Any]]
    rules: Mapped[dict[str, Any]]
    seed: Mapped[int]
    max_calls: Mapped[int]
    max_rounds: Mapped[int]
    command_key: Mapped[str | None]
    status: Mapped[str] = mapped_column(default="queued")
    stopped_because: Mapped[str | None]
    note: Mapped[str] = mapped_column(default="")
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id"))
    settled_rounds: Mapped[int] = mapped_column(default=0)
    state: Mapped[dict[str, Any] | None]
    report: Mapped[dict[str, Any] | None]
    verdict: Mapped[str | None]
    best_version_id: Mapped[str | None] = mapped_column(ForeignKey("prompt_version.id"))
    seconds: Mapped[float] = mapped_column(default=0.0)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    account: Mapped[Account] = relationship(lazy="joined", innerjoin=True)

    @property
    def calls_spent(self) -> int:
        """Bought calls, and those that dead holders may have bought."""
        return self.account.used("calls")

    @property
    def calls_reserved(self) -> int:
        return self.account.reserved_calls

    @property
    def tokens(self) -> int:
        return self.account.spent_tokens

    @property
    def cost(self) -> int | None:
        """Micro-units of money; None when the price of an answer was not known."""
        return None if self.account.unpriced else self.account.spent_cost


class CampaignEvent(Base):
    """Something a person asked of a campaign: pause, resume, stop."""

    __tablename__ = "campaign_event"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaign.id"), index=True)
    kind: Mapped[str]
    asked_by: Mapped[str] = mapped_column(ForeignKey("person.id"), default=OWNER)
    asked_at: Mapped[datetime] = mapped_column(default=now)
    handled: Mapped[bool] = mapped_column(default=False)


class HoldoutOpening(Base):
    """One look at a sealed holdout: who, when, why, and which look it was for these examples.

    A campaign opens it at its end; a person opens it for one prompt version on one task model, compared with another
    version, and says why. `finished_at` and `report` of such an opening are there once both have answered.
    """

    __tablename__ = "holdout_opening"
    __table_args__ = (
        UniqueConstraint("campaign_id"),
        UniqueConstraint("version_id", "number"),
        Index("ix_holdout_opening_holdout", "holdout_hash", "number"),
    )
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    version_id: Mapped[str] = mapped_column(ForeignKey("test_set_version.id"))
    campaign_id: Mapped[str | None] = mapped_column(ForeignKey("campaign.id"))
    prompt_version_id: Mapped[str | None] = mapped_column(ForeignKey("prompt_version.id"))
    against_version_id: Mapped[str | None] = mapped_column(ForeignKey("prompt_version.id"))
    endpoint_id: Mapped[str | None] = mapped_column(ForeignKey("endpoint.id"))
    holdout_hash: Mapped[str] = mapped_column(default="")
    report: Mapped[dict[str, Any] | None]
    opened_by: Mapped[str] = mapped_column(ForeignKey("person.id"), default=OWNER)
    reason: Mapped[str]
    number: Mapped[int]
    opened_at: Mapped[datetime] = mapped_column(default=now)
    finished_at: Mapped[datetime | None]


def get(session: Session, campaign_id: str) -> Campaign:
    campaign = session.get(Campaign, campaign_id)
    if campaign is None:
        raise NotFound("There is no such campaign.")
    return campaign


def next_number(session: Session, project_id: str) -> int:
    """The project's next number; nobody else gets it before this transaction ends."""
    hold_row(session, Project, project_id)
    return (session.scalar(select(func.max(Campaign.number)).where(Campaign.project_id == project_id)) or 0) + 1


def unfinished(session: Session, command_key: str) -> Campaign | None:
    query = select(Campaign).where(Campaign.command_key == command_key, Campaign.status.in_(OPEN))
    return session.scalars(query.order_by(Campaign.created_at.desc()).limit(1)).first()


def finished(session: Session, command_key: str) -> Campaign | None:
    query = select(Campaign).where(Campaign.command_key == command_key, Campaign.status == "finished")
    return session.scalars(query.order_by(Campaign.created_at.desc()).limit(1)).first()


def ask(session: Session, campaign_id: str, kind: str) -> None:
    """Record what a person wants of a campaign that is not over."""
    campaign = get(session, campaign_id)
    if campaign.status not in OPEN:
        raise Conflict("This campaign is over.")
    session.add(CampaignEvent(campaign_id=campaign_id, kind=kind))


def take_events(session: Session, campaign_id: str) -> list[str]:
    """What was asked since the last look, in order; each is taken once."""
    query = select(CampaignEvent).where(CampaignEvent.campaign_id == campaign_id, ~CampaignEvent.handled)
    events = list(session.scalars(query.order_by(CampaignEvent.id)))
    for event in events:
        event.handled = True
    return [event.kind for event in events]


def has_events(session: Session, campaign_id: str) -> bool:
    query = select(CampaignEvent.id).where(CampaignEvent.campaign_id == campaign_id, ~CampaignEvent.handled)
    return session.scalar(query.limit(1)) is not None
