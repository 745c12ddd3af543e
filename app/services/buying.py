"""Buys the answers a campaign asks for: under its caps, saved as they come, settled by what was spent."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from app.domain.budgets import Amount
from app.errors import AgonError, BudgetExhausted
from app.gateway.allowing import Shared, sharing_of
from app.gateway.calls import Purchase, Request, Target
from app.gateway.client import purchase
from app.gateway.limits import Limits
from app.services import bookkeeping
from app.services.bookkeeping import Errand, Wish
from app.services.purse import Purse
from app.settings import Settings
from app.storage import answers, campaigns, jobs, ledger
from app.storage.campaigns import Campaign
from app.storage.endpoints import Endpoint, get, learn
from app.storage.jobs import Lease
from app.storage.projects import Project
from app.storage.session import Database


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
        self._errand = Errand(project.id, project.body_days, campaign_id=campaign.id)
        self._accounts = [self.account_id, *ledger.general_accounts(project.id)]
        self._interrupted = False
        self._endpoints: dict[str, Endpoint] = {}
        self._targets: dict[str, Target] = {}
        self._purse = Purse(database, lease, settings.in_flight)
        self.keep(keep_calls)
        with database.write() as session:
            jobs.renew(session, lease)
            self._purse.open(session, self._accounts)

    def keep(self, calls: int) -> None:
        self.kept_calls = calls
        self._purse.keep = {self.account_id: Amount(calls)}

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

        Raises BudgetExhausted when a cap was reached before all were bought, Interrupted when a person asked for
        something, EndpointFailure when some could not be had; what was bought is stored in every case.
        """
        by_hash = {wish.request_hash(self.target(wish.endpoint_id)): wish for wish in wishes}
        if not by_hash:
            return
        self._interrupted = False
        errand = replace(self._errand, round=round_number, holdout=holdout)
        left = dict(by_hash)
        while not self._purchase(left, errand):
            if self._interrupted:
                raise Interrupted("A person asked for something.")
            if len(left) == len(by_hash) or self._why_spent():
                raise BudgetExhausted(self._why_spent() or "The cap on calls is reached.")
            by_hash = dict(left)
        if self._interrupted:
            raise Interrupted("A person asked for something.")

    def _purchase(self, left: dict[str, Wish], errand: Errand) -> bool:
        """Buy what is left, and take out of it what came; False when a cap, or a person, did not allow all."""
        return purchase(
            [bookkeeping.request_of(key, wish, self.target(wish.endpoint_id)) for key, wish in left.items()],
            limits=self._limits(list(left.values())),
            permit=lambda request: self._permit(request, left),
            record=lambda batch: self._record(batch, left, errand),
            learned=self._learned,
            shared=Shared(sharing_of(self._settings), jobs.this_process(), self._campaign),
        )

    def _why_spent(self) -> str:
        with self._database.read() as session:
            return bookkeeping.why_spent(session, self._accounts, self._purse.denied, self._purse.keep)

    def _limits(self, wishes: Sequence[Wish]) -> Limits:
        limits = Limits.of(self._settings)
        writes = any(wish.purpose == "generator" for wish in wishes)
        return replace(limits, call_deadline=self._settings.generator_deadline) if writes else limits

    def _permit(self, request: Request, wishes: dict[str, Wish]) -> bool:
        if self._interrupted:
            return False
        endpoint = self._endpoints[wishes[request.key].endpoint_id]
        return self._purse.draw(request.key, bookkeeping.at_most(request, [endpoint]), len(wishes))

    def _record(self, batch: Sequence[Purchase], wishes: dict[str, Wish], errand: Errand) -> None:
        rows = [self._row(bought, wishes[bought.key], errand) for bought in batch]
        with self._database.write() as session:
            jobs.renew(session, self._lease)
            self._interrupted = self._interrupted or campaigns.has_events(session, self._campaign)
            if not batch:
                return
            kept = [
                bookkeeping.answer_row(row, bought.text, wishes[bought.key].owner)
                for row, bought in zip(rows, batch, strict=True)
                if bought.ok
            ]
            answers.keep(session, kept)
            bookkeeping.log(session, rows)
            self._purse.settle(session, [bought.key for bought in batch], *bookkeeping.spent(rows))
        for bought in batch:
            wishes.pop(bought.key, None)

    def _row(self, bought: Purchase, wish: Wish, errand: Errand) -> dict[str, Any]:
        endpoint, target = self._endpoints[wish.endpoint_id], self.target(wish.endpoint_id)
        return bookkeeping.call_row(bought, bought.key, wish, errand, endpoint, endpoint, target.api_key)

    def _learned(self, endpoint_name: str, dropped: frozenset[str], renamed: tuple[tuple[str, str], ...]) -> None:
        """Remember which parameters an endpoint refuses, so that no later call pays for finding out."""
        with self._database.write() as session:
            learn(session, endpoint_name, dropped, renamed)
        self._targets = {key: value for key, value in self._targets.items() if value.endpoint != endpoint_name}
