"""Works on blocks: one stream of requests over block after block of a run, saved as answers come."""

import logging
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any

from app.domain.budgets import Amount
from app.errors import AgonError, EndpointFailure
from app.gateway.allowing import Shared, sharing_of
from app.gateway.calls import Purchase, Request
from app.gateway.client import purchase
from app.gateway.limits import Limits
from app.services import bookkeeping, holding
from app.services.holding import Holding
from app.services.needs import block_of
from app.services.ordering import Order, order_of
from app.services.purse import Purse
from app.settings import Settings
from app.storage import endpoints, jobs, parties, runs
from app.storage.jobs import Lease, LeaseLost, Nudge
from app.storage.runs import BLOCK
from app.storage.session import Database

WAVES = 2  # of calls in flight, that are still to be sent of a block when the next one is taken


def work(database: Database, settings: Settings, holder: str) -> list[Nudge]:
    """Take blocks, whichever come first, until the slice is over or none is due; whom to nudge afterwards."""
    until, nudges = time.monotonic() + settings.slice_seconds, list[Nudge]()
    while time.monotonic() < until:
        with database.write() as session:
            lease = parties.claim_next(session, BLOCK, settings.lease_seconds, holder)
        if lease is None:
            return nudges
        nudges += _work_on(database, settings, holder, lease, until)
    with database.read() as session:
        return [*nudges, *jobs.waiting(session, BLOCK, 1)]


def _work_on(database: Database, settings: Settings, holder: str, lease: Lease, until: float) -> list[Nudge]:
    """Work on the run of this block, beginning with it."""
    try:
        order = order_of(database, settings, lease.subject)
    except AgonError as fault:
        with database.write() as session:
            jobs.shelve(session, lease)
            return holding.pause(session, runs.of_block(session, lease.subject), str(fault))
    crew = Crew(database, settings, holder, order, until)
    try:
        crew.run(lease)
    finally:
        crew.close()
    return crew.nudges


class Crew:
    """One process's work on one run: as many of its blocks as it gets to, over one purchase."""

    def __init__(self, database: Database, settings: Settings, holder: str, order: Order, until: float) -> None:
        self._database, self._settings, self._holder = database, settings, holder
        self._order, self._until = order, until
        self._held: dict[str, Holding] = {}
        self._purse: Purse | None = None
        self._halted = self._progressed = False
        self._beside = ThreadPoolExecutor(2, "beside")
        self._taking: Future[Holding | None] | None = None
        self._saving: Future[None] | None = None
        self.nudges: list[Nudge] = []

    def run(self, lease: Lease) -> None:
        """Work until nothing is left for us; what could not be finished is let go with its reason."""
        try:
            complete = purchase(
                self._requests(lease),
                limits=replace(Limits.of(self._settings), save_every=self._settings.block_save_every),
                permit=self._permit,
                record=self._record,
                learned=self._learned,
                shared=Shared(
                    sharing_of(self._settings), self._holder, self._order.run.campaign_id or self._order.run.id
                ),
            )
            self._let_go(spent=not complete and not self._halted)
        except LeaseLost:
            self._let_go()
        except EndpointFailure as failure:
            self._let_go(str(failure), lasting=failure.lasting, wait=failure.wait)
        except (KeyboardInterrupt, SystemExit):
            self._let_go()
            raise
        except Exception as fault:
            self._let_go(f"A fault inside Agon ({type(fault).__name__}); the worker's log has it.")
            raise

    def close(self) -> None:
        self._beside.shutdown()

    def _requests(self, lease: Lease) -> Iterator[Request]:
        """Block after block; the next one is taken beside the calls while the last of this one are still to be sent."""
        held: Holding | None = self._take(lease)
        while held is not None:
            wanted = list(held.open.items())
            soon = max(len(wanted) // 2, len(wanted) - WAVES * self._settings.in_flight)
            for place, (key, asked) in enumerate(wanted):
                if place == soon:
                    self._taking = self._beside.submit(self._take_another)
                first, *others = self._order.route(asked.wish).targets
                yield bookkeeping.request_of(key, asked.wish, first, tuple(others))
            ahead, self._taking = self._taking, None
            held = ahead.result() if ahead else self._take_another()

    def _take_another(self) -> Holding | None:
        lease = None if self._halted else self._another()
        return self._take(lease) if lease else None

    def _take(self, lease: Lease) -> Holding:
        purse = Purse(self._database, lease, self._settings.in_flight, self._purse.chunk if self._purse else 0)
        purse.keep = {self._order.run.account_id: Amount(self._order.run.keep_calls)}
        held = Holding(self._order, lease, purse, self._settings.block_attempts)
        with self._database.write() as session:
            jobs.renew(session, lease)
            status = runs.status(session, self._order.run.id)
            if status in holding.WORKING:
                self.nudges += held.take(session, self._holder)
            else:
                self._halted = True
                holding.shelve(session, lease, status)
        if held.open:
            self._held[lease.subject], self._purse = held, purse
        return held

    def _another(self) -> Lease | None:
        """The next block of this run, unless somebody else's turn has come."""
        run, past = self._order.run, time.monotonic() > self._until
        with self._database.write() as session:
            if parties.others_first(session, BLOCK, run.id, run.priority, past):
                return None
            return parties.claim_next(session, BLOCK, self._settings.lease_seconds, self._holder, run.id)

    def _permit(self, request: Request) -> bool:
        if self._halted:
            return False
        held = self._held[block_of(request.key)]
        held.asked = True
        unit = bookkeeping.at_most(request, self._order.route(held.open[request.key].wish).endpoints)
        return held.purse.draw(request.key, unit, len(held.open))

    def _record(self, batch: Sequence[Purchase]) -> None:
        """Save what came beside the calls, one batch at a time: the wire need not wait for the database."""
        self._wait_for_save()
        self._saving = self._beside.submit(self._save, batch)

    def _wait_for_save(self) -> None:
        """Until the last batch is saved; raises what it raised."""
        saving, self._saving = self._saving, None
        if saving is not None:
            saving.result()

    def _save(self, batch: Sequence[Purchase]) -> None:
        """Save what came, block by block; each time also hear whether the run goes on."""
        sorted_out: dict[str, list[Purchase]] = {block_id: [] for block_id in list(self._held)}
        for bought in batch:
            sorted_out[block_of(bought.key)].append(bought)
        for block_id, mine in sorted_out.items():
            held = self._held[block_id]
            with self._database.write() as session:
                jobs.renew(session, held.lease)
                self._halted = self._halted or runs.status(session, self._order.run.id) not in holding.WORKING
                if mine:
                    self.nudges += held.save(session, mine)
            self._progressed = self._progressed or held.progressed
            if held.done:
                del self._held[block_id]

    def _let_go(self, reason: str = "", **why: Any) -> None:
        """Give back every block that we still hold; a lease that was lost is somebody else's already.

        A reason is that of the blocks whose calls were made, and of one at least; the others are free as before.
        """
        self._wait_for_taking()
        try:
            with suppress(LeaseLost):
                self._wait_for_save()
        except Exception:
            logging.getLogger(__name__).exception("what came last could not be saved; it counts as used")
        every = list(self._held.values())
        asked = [held for held in every if held.asked] or every[:1]
        spared = [held for held in every if held not in asked] if reason else []
        for held in spared:
            self._give_back(held)
        for held in every:
            held.for_all = held is asked[0] and not self._progressed
            if held not in spared:
                self._give_back(held, reason, **why)
        self._held.clear()

    def _give_back(self, held: Holding, reason: str = "", **why: Any) -> None:
        with suppress(LeaseLost), self._database.write() as session:
            self.nudges += held.let_go(session, reason, **why)

    def _wait_for_taking(self) -> None:
        """Until nothing is being taken; what went wrong there is nobody else's to tell."""
        if self._taking is not None and (fault := self._taking.exception()) and not isinstance(fault, LeaseLost):
            logging.getLogger(__name__).error("a block could not be taken; its lease runs out", exc_info=fault)

    def _learned(self, endpoint: str, dropped: frozenset[str], renamed: tuple[tuple[str, str], ...]) -> None:
        with self._database.write() as session:
            endpoints.learn(session, endpoint, dropped, renamed)
