"""Buys the answers a campaign asks for: under its caps, saved as they come, settled by what was spent."""

from collections.abc import Sequence
from dataclasses import replace
from time import sleep
from typing import Any

from app.domain.budgets import Amount
from app.errors import AgonError, BudgetExhausted, CapReached, EndpointFailure
from app.gateway.allowing import Shared, sharing_of
from app.gateway.calls import Purchase, Request, Target
from app.gateway.client import purchase
from app.gateway.limits import Limits
from app.services import bookkeeping, capping
from app.services.bookkeeping import Errand, Wish
from app.services.purse import Purse
from app.settings import Settings
from app.storage import answers, asking, campaigns, jobs, ledger
from app.storage.campaigns import Campaign
from app.storage.endpoints import Endpoint, get, learn
from app.storage.jobs import Lease
from app.storage.ledger import Account
from app.storage.projects import Project
from app.storage.session import Database

AWAITED_SECONDS = 0.3  # before looking again whether others have an answer
HELD_SECONDS = 5.0  # after which what others hold reserved may be free again


class Interrupted(AgonError):
    """A person asked for something while calls were under way: stop between two asks."""


class Buyer:
    """One holder's purchases for one campaign, under its lease and its account's caps.

    `keep_calls` are left to others of the account: those that the holdout will need.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        lease: Lease,
        campaign: Campaign,
        project: Project,
        keep_calls: int,
    ) -> None:
        self._database, self._settings, self._lease = database, settings, lease
        self._campaign, self.account_id = campaign.id, campaign.account_id
        self._accounts = [self.account_id, *ledger.general_accounts(project.id)]
        self._average = _average(campaign.account)
        self._errand = Errand(project.id, project.body_days, campaign_id=campaign.id)
        self._interrupted = False
        self._endpoints: dict[str, Endpoint] = {}
        self._targets: dict[str, Target] = {}
        self._purse = Purse(database, lease, settings.in_flight)
        self.keep(keep_calls)
        with database.write() as session:
            jobs.renew(session, lease)
            self._purse.open(session, self._accounts)

    def keep(self, calls: int) -> None:
        """Leave so many calls, and what they cost on average so far, to others of the campaign's own account."""
        self.kept_calls = calls
        tokens, cost = self._average
        self._purse.keep = {self.account_id: Amount(calls, round(calls * tokens), round(calls * cost))}

    def close(self) -> None:
        with self._database.write() as session:
            self._purse.close(session)

    def target(self, endpoint_id: str) -> Target:
        if endpoint_id not in self._targets:
            with self._database.read() as session:
                self._endpoints[endpoint_id] = get(session, endpoint_id)
            self._targets[endpoint_id] = bookkeeping.target_of(self._endpoints[endpoint_id], self._settings)
        return self._targets[endpoint_id]

    def buy(self, wishes: Sequence[Wish], round_number: int, *, holdout: bool = False) -> None:
        """Buy these answers, equal requests once, and store them.

        Raises BudgetExhausted when the campaign's own cap was reached before all were bought, CapReached when one was
        that others share, Interrupted when a person asked for something, EndpointFailure when some could not be had;
        what was bought is stored in every case.
        """
        by_hash = {wish.request_hash(self.target(wish.endpoint_id)): wish for wish in wishes}
        self._interrupted = False
        self._kept: set[str] = set()
        try:
            self._buy_all(by_hash, replace(self._errand, round=round_number, holdout=holdout))
        finally:
            with self._database.write() as session:
                asking.end(session, self._campaign)

    def _buy_all(self, by_hash: dict[str, Wish], errand: Errand) -> None:
        in_vain = 0
        while missing := {key: wish for key, wish in by_hash.items() if key not in self._kept}:
            mine = self._not_asked_by_others(missing)
            if self._interrupted:
                raise Interrupted("A person asked for something.")
            if not mine:
                sleep(AWAITED_SECONDS)
                continue
            complete = self._purchase(mine, errand)
            if self._interrupted:
                raise Interrupted("A person asked for something.")
            if not complete:
                in_vain = 0 if mine.keys() & self._kept else in_vain + 1
                if in_vain > 1:
                    raise self._refusal()
                self._free_reserve()

    def _not_asked_by_others(self, missing: dict[str, Wish]) -> dict[str, Wish]:
        """What is ours to buy: shared answers that came meanwhile are kept, those that others are buying awaited."""
        shared = [key for key, wish in missing.items() if wish.owner == answers.SHARED]
        with self._database.write() as session:
            jobs.renew(session, self._lease)
            self._interrupted = self._interrupted or campaigns.has_events(session, self._campaign)
            mine = asking.begin(session, shared, self._campaign)
            known = answers.stored(session, shared)  # last: answers are stored before their requests are given up
        self._kept.update(known)
        left = mine - known.keys()
        return {key: wish for key, wish in missing.items() if wish.owner != answers.SHARED or key in left}

    def _free_reserve(self) -> None:
        """What a call may cost at most is far above what it costs: some may fit now that others are settled."""
        with self._database.write() as session:
            jobs.renew(session, self._lease)
            self._purse.give_back(session)

    def _purchase(self, wishes: dict[str, Wish], errand: Errand) -> bool:
        """Buy what the caps allow; False when they refused some."""
        return purchase(
            [bookkeeping.request_of(key, wish, self.target(wish.endpoint_id)) for key, wish in wishes.items()],
            limits=self._limits(list(wishes.values())),
            permit=lambda request: self._permit(request, wishes),
            record=lambda batch: self._record(batch, wishes, errand),
            learned=self._learned,
            shared=Shared(sharing_of(self._settings), jobs.this_process(), self._campaign),
        )

    def _refusal(self) -> AgonError:
        """Why nothing more can be bought: the own cap ends a round, a shared one is waited for."""
        with self._database.read() as session:
            found = capping.blocking(session, self._accounts, self._purse.denied, self._purse.keep)
        if any(use.account == self.account_id for use in found):
            return BudgetExhausted(capping.refusal(found, self._purse.denied))
        if found:
            return CapReached(capping.refusal(found, self._purse.denied))
        return EndpointFailure("Other work holds what is left under a cap.", wait=HELD_SECONDS)

    def _limits(self, wishes: Sequence[Wish]) -> Limits:
        limits = Limits.of(self._settings)
        writes = any(wish.purpose == "generator" for wish in wishes)
        return replace(limits, call_deadline=self._settings.generator_deadline) if writes else limits

    def _permit(self, request: Request, wishes: dict[str, Wish]) -> bool:
        if self._interrupted:
            return False
        unit = bookkeeping.at_most(request, [self._endpoints[wishes[request.key].endpoint_id]])
        return self._purse.draw(request.key, unit, len(wishes))

    def _record(self, batch: Sequence[Purchase], wishes: dict[str, Wish], errand: Errand) -> None:
        rows = [self._row(bought, wishes[bought.key], errand) for bought in batch]
        with self._database.write() as session:
            jobs.renew(session, self._lease)
            self._interrupted = self._interrupted or campaigns.has_events(session, self._campaign)
            if not batch:
                return
            kept = [
                bookkeeping.answer_row(row, bought, wishes[bought.key].owner)
                for row, bought in zip(rows, batch, strict=True)
                if bought.ok
            ]
            answers.keep(session, kept)
            self._kept.update(bought.key for bought in batch if bought.ok)
            bookkeeping.log(session, rows)
            self._purse.settle(session, [bought.key for bought in batch], *bookkeeping.spent(rows))

    def _row(self, bought: Purchase, wish: Wish, errand: Errand) -> dict[str, Any]:
        endpoint, target = self._endpoints[wish.endpoint_id], self.target(wish.endpoint_id)
        return bookkeeping.call_row(bought, bought.key, wish, errand, endpoint, endpoint, target.api_key)

    def _learned(self, endpoint_name: str, dropped: frozenset[str], renamed: tuple[tuple[str, str], ...]) -> None:
        """Remember which parameters an endpoint refuses, so that no later call pays for finding out."""
        with self._database.write() as session:
            learn(session, endpoint_name, dropped, renamed)
        self._targets = {key: value for key, value in self._targets.items() if value.endpoint != endpoint_name}


def _average(account: Account) -> tuple[float, float]:
    """Tokens and cost of one call so far; nothing before the first."""
    calls = max(1, account.spent_calls)
    return account.spent_tokens / calls, account.spent_cost / calls
