"""The ledger: no call is bought that was not reserved under every cap that concerns it, whatever races."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import BigInteger, Index, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.domain.budgets import NOTHING, Amount, Room, grant
from app.storage.base import Base, new_id, now
from app.storage.session import changed, insert_new

KINDS = ("calls", "tokens", "cost")
INSTANCE = "instance"
EVERY_DAY = "day"  # holds the cap that each day's account begins with


class Account(Base):
    """What one campaign, run, project, day or the instance has used, holds reserved, and may use.

    `forfeited` is what dead holders had reserved: it may have been bought, so it counts as used. Money is in
    micro-units; `unpriced` counts the answers whose price was not known.
    """

    __tablename__ = "account"
    id: Mapped[str] = mapped_column(primary_key=True)
    spent_calls: Mapped[int] = mapped_column(BigInteger, default=0)
    spent_tokens: Mapped[int] = mapped_column(BigInteger, default=0)
    spent_cost: Mapped[int] = mapped_column(BigInteger, default=0)
    forfeited_calls: Mapped[int] = mapped_column(BigInteger, default=0)
    forfeited_tokens: Mapped[int] = mapped_column(BigInteger, default=0)
    forfeited_cost: Mapped[int] = mapped_column(BigInteger, default=0)
    reserved_calls: Mapped[int] = mapped_column(BigInteger, default=0)
    reserved_tokens: Mapped[int] = mapped_column(BigInteger, default=0)
    reserved_cost: Mapped[int] = mapped_column(BigInteger, default=0)
    cap_calls: Mapped[int | None] = mapped_column(BigInteger)
    cap_tokens: Mapped[int | None] = mapped_column(BigInteger)
    cap_cost: Mapped[int | None] = mapped_column(BigInteger)
    unpriced: Mapped[int] = mapped_column(BigInteger, default=0)

    def used(self, kind: str) -> int:
        """Calls, tokens or cost that count against the cap, without what is only reserved."""
        spent: int = getattr(self, f"spent_{kind}") + getattr(self, f"forfeited_{kind}")
        return spent

    def room(self, keep: Amount = NOTHING) -> Room:
        """What may still be reserved, less what is kept back."""
        left = {}
        for kind in KINDS:
            cap = getattr(self, f"cap_{kind}")
            taken = self.used(kind) + getattr(self, f"reserved_{kind}") + getattr(keep, kind)
            left[kind] = None if cap is None else cap - taken
        return Room(**left)


class LedgerEntry(Base):
    """What one holder of a job reserved in some accounts, and how much of it it has let go."""

    __tablename__ = "ledger_entry"
    __table_args__ = (Index("ix_ledger_open", "subject", "state"),)
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    subject: Mapped[str]
    lease_token: Mapped[str]
    accounts: Mapped[list[Any]]
    reserved_calls: Mapped[int] = mapped_column(BigInteger, default=0)
    reserved_tokens: Mapped[int] = mapped_column(BigInteger, default=0)
    reserved_cost: Mapped[int] = mapped_column(BigInteger, default=0)
    forfeited_calls: Mapped[int] = mapped_column(BigInteger, default=0)
    forfeited_tokens: Mapped[int] = mapped_column(BigInteger, default=0)
    forfeited_cost: Mapped[int] = mapped_column(BigInteger, default=0)
    state: Mapped[str] = mapped_column(default="open")


def account_of(kind: str, subject: str) -> str:
    """The id of a campaign's, run's or project's account."""
    return f"{kind}:{subject}"


def day_account(day: date) -> str:
    return f"day:{day.isoformat()}"


def general_accounts(project_id: str) -> list[str]:
    """Besides its own account, every purchase counts in those of its project, of today and of the instance."""
    return [INSTANCE, day_account(now().date()), account_of("project", project_id)]


def open_account(session: Session, account_id: str, caps: dict[str, int | None] | None = None) -> Account:
    """The account with this id, made with these caps if it is new; a day's begins with the cap of every day."""
    account = session.get(Account, account_id)
    if account is not None:
        return account
    if account_id.startswith("day:"):
        usual = session.get(Account, EVERY_DAY)
        caps = {kind: getattr(usual, f"cap_{kind}") for kind in KINDS} if usual else None
    start = dict.fromkeys([f"{name}_{kind}" for name in ("spent", "forfeited", "reserved") for kind in KINDS], 0)
    values = {**start, **{f"cap_{kind}": cap for kind, cap in (caps or {}).items()}}
    session.execute(insert_new(session, Account).values(id=account_id, unpriced=0, **values))
    return session.get_one(Account, account_id)


def open_entry(session: Session, subject: str, lease_token: str, accounts: Iterable[str]) -> str:
    """An entry for a holder; its accounts are there afterwards."""
    wanted = sorted(set(accounts))
    for account_id in wanted:
        open_account(session, account_id)
    entry = LedgerEntry(subject=subject, lease_token=lease_token, accounts=wanted)
    session.add(entry)
    session.flush()
    return entry.id


def reserve(session: Session, entry_id: str, unit: Amount, wanted: int, keep: dict[str, Amount] | None = None) -> int:
    """Reserve up to `wanted` units in every account of the entry; how many were granted, 0 when a cap is reached.

    `keep` holds back an amount of an account's cap.
    """
    entry = session.get_one(LedgerEntry, entry_id)
    kept = keep or {}
    query = select(Account).where(Account.id.in_(entry.accounts)).order_by(Account.id).with_for_update()
    held = list(session.scalars(query.execution_options(populate_existing=True)))
    granted = grant((account.room(kept.get(account.id, NOTHING)) for account in held), unit, wanted)
    if granted:
        _add(session, entry.accounts, {"reserved": unit.times(granted)})
        _add_to_entry(session, entry_id, "reserved", unit.times(granted))
    return granted


def settle(session: Session, entry_id: str, released: Amount, spent: Amount, unpriced: int = 0) -> None:
    """So much of the reservation is done with, and this is what it really came to."""
    entry = session.get_one(LedgerEntry, entry_id)
    _add(session, entry.accounts, {"reserved": NOTHING - released, "spent": spent}, unpriced)
    _add_to_entry(session, entry_id, "reserved", NOTHING - released)


def close_entry(session: Session, entry_id: str, unused: Amount = NOTHING) -> None:
    """Give back the `unused` of its reservation; what was handed out and never settled may have been sent: forfeited."""
    still_open = update(LedgerEntry).where(LedgerEntry.id == entry_id, LedgerEntry.state == "open")
    if changed(session, still_open.values(state="closed")) != 1:
        return
    entry = session.get_one(LedgerEntry, entry_id, populate_existing=True)
    rest = Amount(*(getattr(entry, f"reserved_{kind}") for kind in KINDS))
    if rest == NOTHING:
        session.delete(entry)
        return
    lost = Amount(*(max(0, getattr(rest - unused, kind)) for kind in KINDS))
    _add(session, entry.accounts, {"reserved": NOTHING - rest, "forfeited": lost})
    if lost == NOTHING:
        session.delete(entry)
    else:
        _add_to_entry(session, entry_id, "forfeited", lost)


def forfeit_open(session: Session, subject: str) -> None:
    """Called by whoever takes a job over: earlier holders are gone, their reservations count as used."""
    query = select(LedgerEntry.id).where(LedgerEntry.subject == subject, LedgerEntry.state == "open")
    for entry_id in session.scalars(query).all():
        close_entry(session, entry_id)


def set_caps(session: Session, account_id: str, caps: Mapping[str, int | None]) -> Account:
    """Give an account these caps, None for none; those of every day hold for the day that has begun too."""
    account = open_account(session, account_id)
    today = session.get(Account, day_account(now().date())) if account_id == EVERY_DAY else None
    for one in filter(None, (account, today)):
        for kind in KINDS:
            setattr(one, f"cap_{kind}", caps.get(kind))
    session.flush()
    return account


def found(session: Session, account_ids: Iterable[str]) -> dict[str, Account]:
    """Those of the accounts that were opened, by id."""
    query = select(Account).where(Account.id.in_(list(account_ids)))
    return {account.id: account for account in session.scalars(query)}


def _add(session: Session, account_ids: Sequence[str], changes: dict[str, Amount], unpriced: int = 0) -> None:
    values: dict[str, Any] = {
        f"{name}_{kind}": getattr(Account, f"{name}_{kind}") + getattr(amount, kind)
        for name, amount in changes.items()
        for kind in KINDS
        if getattr(amount, kind)
    }
    if unpriced:
        values["unpriced"] = Account.unpriced + unpriced
    if values:
        held = select(Account.id).where(Account.id.in_(account_ids)).order_by(Account.id).with_for_update()
        session.execute(held)
        adding = update(Account).where(Account.id.in_(account_ids)).values(**values)
        session.execute(adding.execution_options(synchronize_session=False))


def _add_to_entry(session: Session, entry_id: str, name: str, amount: Amount) -> None:
    values = {f"{name}_{kind}": getattr(LedgerEntry, f"{name}_{kind}") + getattr(amount, kind) for kind in KINDS}
    adding = update(LedgerEntry).where(LedgerEntry.id == entry_id).values(**values)
    session.execute(adding.execution_options(synchronize_session=False))
