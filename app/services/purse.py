"""A purse: what one holder of a job has reserved, drawn request by request, and settled as answers come."""

from time import monotonic

from sqlalchemy.orm import Session

from app.domain.budgets import NOTHING, Amount
from app.storage import jobs, ledger
from app.storage.jobs import Lease
from app.storage.session import Database

SOON = 0.25  # seconds
MOST_CHUNKS = 4


class Purse:
    """One ledger entry under one lease. What an earlier holder of the job had reserved is forfeited when it opens.

    `chunk` is how many requests it reserves for at once, more when they are soon used up; `keep` holds back an amount
    of an account's cap; `denied` is what a cap did not allow last.
    """

    def __init__(self, database: Database, lease: Lease, chunk: int) -> None:
        self._database, self._lease, self._chunk = database, lease, chunk
        self.keep: dict[str, Amount] = {}
        self._most, self._filled = MOST_CHUNKS * chunk, monotonic()
        self._left = NOTHING
        self._drawn: dict[str, Amount] = {}
        self.denied = NOTHING

    def open(self, session: Session, accounts: list[str]) -> None:
        ledger.forfeit_open(session, self._lease.subject)
        self._entry = ledger.open_entry(session, self._lease.subject, self._lease.token, accounts)

    def draw(self, key: str, unit: Amount, coming: int) -> bool:
        """Take so much for one request of those that are still `coming`; False when a cap does not allow it."""
        lacking = self._left.lacking(unit)
        if lacking != NOTHING and not self._fill(lacking, coming - len(self._drawn)):
            self.denied = unit
            return False
        self._left = self._left - unit
        self._drawn[key] = self._drawn.get(key, NOTHING) + unit
        return True

    def _fill(self, unit: Amount, coming: int) -> bool:
        """Reserve for the next requests, and for no more than there will be: others may need the rest."""
        if monotonic() - self._filled < SOON:
            self._chunk = min(2 * self._chunk, self._most)
        with self._database.write() as session:
            jobs.renew(session, self._lease)
            granted = ledger.reserve(session, self._entry, unit, max(1, min(self._chunk, coming)), self.keep)
        self._left, self._filled = self._left + unit.times(granted), monotonic()
        return granted > 0

    def settle(self, session: Session, keys: list[str], spent: Amount, unpriced: int) -> None:
        """These requests are over, and this is what they came to."""
        released = NOTHING
        for key in keys:
            released = released + self._drawn.pop(key, NOTHING)
        ledger.settle(session, self._entry, released, spent, unpriced)

    def give_back(self, session: Session) -> None:
        """Let go of what was reserved and not drawn: it may be what keeps the next request from fitting."""
        ledger.settle(session, self._entry, self._left, NOTHING)
        self._left = NOTHING

    def close(self, session: Session) -> None:
        """Give back what was not drawn; what was drawn and never settled may have been sent."""
        ledger.close_entry(session, self._entry, self._left)
        self._left = NOTHING
