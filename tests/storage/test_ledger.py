"""The ledger on both databases: accounts, caps of every kind, and what becomes of reservations."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.budgets import NOTHING, Amount
from app.services import capping
from app.storage import ledger
from app.storage.ledger import Account, LedgerEntry
from app.storage.session import Database

CALL = Amount(calls=1)


def opened(session: Session, holder: str, accounts: list[str], **caps: int) -> str:
    ledger.open_account(session, accounts[0], dict(caps))
    return ledger.open_entry(session, "job", holder, accounts)


def account(database: Database, name: str) -> Account:
    with database.read() as session:
        return session.get_one(Account, name)


def test_racing_reservations_use_a_cap_up_and_never_exceed_it(database: Database) -> None:
    with database.write() as session:
        ledger.open_account(session, "run:1", {"calls": 100})

    def reserve(number: int) -> int:
        with database.write() as session:
            entry = opened(session, f"lease {number}", ["run:1", "instance"])
        granted = 0
        for _ in range(40):
            with database.write() as session:
                granted += ledger.reserve(session, entry, CALL, 7)
        return granted

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(reserve, range(4))) == 100
    assert account(database, "run:1").reserved_calls == 100
    assert account(database, "instance").reserved_calls == 100


def test_what_a_dead_holder_had_reserved_is_forfeited_and_counts_as_used(database: Database) -> None:
    with database.write() as session:
        dead = opened(session, "dead", ["run:1"], calls=100)
        assert ledger.reserve(session, dead, CALL, 20) == 20
        ledger.settle(session, dead, CALL.times(10), CALL.times(10))
    with database.write() as session:
        ledger.forfeit_open(session, "job")
        alive = opened(session, "alive", ["run:1"])
        assert ledger.reserve(session, alive, CALL, 15) == 15
        ledger.settle(session, alive, CALL.times(5), CALL.times(5))
        ledger.close_entry(session, alive, unused=CALL.times(7))
    left = account(database, "run:1")
    assert (left.spent_calls, left.forfeited_calls, left.reserved_calls) == (15, 13, 0), (
        "three were drawn, never settled"
    )
    assert left.used("calls") == 28


@pytest.mark.parametrize(
    ("caps", "unit", "fits"),
    [
        ({"calls": 3}, Amount(1, 10, 5), 3),
        ({"tokens": 25}, Amount(1, 10, 5), 2),
        ({"cost": 4}, Amount(1, 10, 5), 0),
        ({"calls": 9, "tokens": 40, "cost": 100}, Amount(1, 10, 5), 4),
        ({}, Amount(1, 10, 5), 50),
        ({"cost": 0}, Amount(1, 10, 0), 50),
    ],
)
def test_every_kind_of_cap_is_kept(database: Database, caps: dict[str, int], unit: Amount, fits: int) -> None:
    with database.write() as session:
        entry = opened(session, "one", ["run:1", "day:2026-01-01"], **caps)
    granted = 0
    for _ in range(fits + 1):
        with database.write() as session:
            granted += ledger.reserve(session, entry, unit, 50 - granted) if granted < 50 else 0
    assert granted == fits


def test_a_cap_of_any_account_holds_and_what_is_kept_back_is_left(database: Database) -> None:
    with database.write() as session:
        ledger.open_account(session, "project:1", {"calls": 8})
        entry = opened(session, "one", ["run:1", "project:1"], calls=100)
        granted = sum(ledger.reserve(session, entry, CALL, 50, {"project:1": CALL.times(5)}) for _ in range(6))
        assert granted == 3
        ledger.settle(session, entry, CALL.times(2), CALL.times(2))
        accounts = ["run:1"]
        assert capping.blocking(session, accounts, CALL, {}) == [], "what is reserved may come back"
        found = capping.blocking(session, accounts, CALL.times(4), {"run:1": CALL.times(95)})
        assert [(one.account, one.kind) for one in found] == [("run:1", "calls")]


def test_a_failed_call_gives_its_tokens_and_money_back(database: Database) -> None:
    with database.write() as session:
        entry = opened(session, "one", ["run:1"], cost=1000)
        assert ledger.reserve(session, entry, Amount(1, 300, 40), 2) == 2
        ledger.settle(session, entry, Amount(2, 600, 80), Amount(2, 99, 3), unpriced=1)
        ledger.close_entry(session, entry)
        assert session.scalars(select(LedgerEntry)).all() == [], "an entry that lost nothing leaves no row behind"
    left = account(database, "run:1")
    assert (left.spent_calls, left.spent_tokens, left.spent_cost, left.unpriced) == (2, 99, 3, 1)
    assert (left.reserved_calls, left.reserved_tokens, left.reserved_cost) == (0, 0, 0)


def test_each_day_begins_with_the_cap_of_every_day(database: Database) -> None:
    with database.write() as session:
        ledger.open_account(session, ledger.EVERY_DAY, {"calls": 5, "tokens": None, "cost": 70})
        opened(session, "one", ["run:1", "day:2026-03-04"])
    day = account(database, "day:2026-03-04")
    assert (day.cap_calls, day.cap_tokens, day.cap_cost) == (5, None, 70)
    day.spent_calls = 4
    assert day.room(NOTHING).calls == 1
