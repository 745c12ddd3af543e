"""The ledger: no call is bought that was not reserved under the cap, whatever races."""

from typing import Any, cast

from sqlalchemy import CursorResult, ForeignKey, Index, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.storage.base import Base, new_id
from app.storage.campaigns import Campaign


class LedgerEntry(Base):
    """Calls that one holder of a campaign's job reserved, and how many of them it has used."""

    __tablename__ = "ledger_entry"
    __table_args__ = (Index("ix_ledger_open", "campaign_id", "state"),)
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaign.id"))
    lease_token: Mapped[str]
    reserved: Mapped[int] = mapped_column(default=0)
    settled: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(default="open")


def open_entry(session: Session, campaign_id: str, lease_token: str) -> str:
    entry = LedgerEntry(campaign_id=campaign_id, lease_token=lease_token)
    session.add(entry)
    session.flush()
    return entry.id


def reserve(session: Session, campaign_id: str, entry_id: str, calls: int, cap: int) -> int:
    """Reserve up to `calls` under `cap`; returns how many were granted, 0 when the cap is reached."""
    campaign = session.execute(
        select(Campaign.calls_spent, Campaign.calls_reserved).where(Campaign.id == campaign_id)
    ).one()
    granted: int = min(calls, cap - campaign.calls_spent - campaign.calls_reserved)
    if granted <= 0:
        return 0
    fits = Campaign.calls_spent + Campaign.calls_reserved + granted <= cap
    statement = (
        update(Campaign)
        .where(Campaign.id == campaign_id, fits)
        .values(calls_reserved=Campaign.calls_reserved + granted)
        .execution_options(synchronize_session=False)
    )
    if cast("CursorResult[Any]", session.execute(statement)).rowcount != 1:
        return 0
    session.execute(
        update(LedgerEntry).where(LedgerEntry.id == entry_id).values(reserved=LedgerEntry.reserved + granted)
    )
    return granted


def settle(session: Session, campaign_id: str, entry_id: str, calls: int) -> None:
    """So many reserved calls were bought."""
    session.execute(
        update(Campaign)
        .where(Campaign.id == campaign_id)
        .values(calls_spent=Campaign.calls_spent + calls, calls_reserved=Campaign.calls_reserved - calls)
        .execution_options(synchronize_session=False)
    )
    session.execute(update(LedgerEntry).where(LedgerEntry.id == entry_id).values(settled=LedgerEntry.settled + calls))


def close_entry(session: Session, entry_id: str, *, unused: int = 0) -> None:
    """Give back the `unused` of its reservation; what was handed out and never settled may have been sent: spent."""
    still_open = update(LedgerEntry).where(LedgerEntry.id == entry_id, LedgerEntry.state == "open")
    if cast("CursorResult[Any]", session.execute(still_open.values(state="closed"))).rowcount != 1:
        return
    entry = session.get_one(LedgerEntry, entry_id)
    rest = entry.reserved - entry.settled
    session.execute(
        update(Campaign)
        .where(Campaign.id == entry.campaign_id)
        .values(calls_reserved=Campaign.calls_reserved - rest, calls_spent=Campaign.calls_spent + max(0, rest - unused))
        .execution_options(synchronize_session=False)
    )


def forfeit_open(session: Session, campaign_id: str) -> None:
    """Called by whoever takes a campaign over: earlier holders are gone, their reservations are spent."""
    query = select(LedgerEntry.id).where(LedgerEntry.campaign_id == campaign_id, LedgerEntry.state == "open")
    for entry_id in session.scalars(query).all():
        close_entry(session, entry_id)
