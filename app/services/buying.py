"""Buys answers: reserves each request under the cap, saves what came as it comes, settles what was spent."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from app.domain.improving.asks import Message, Sampling
from app.errors import AgonError, BudgetExhausted
from app.gateway.calls import Purchase, Request, Target
from app.gateway.client import purchase
from app.gateway.limits import Limits
from app.settings import Settings
from app.storage import answers, campaigns, jobs, ledger, traffic
from app.storage.base import new_id, now
from app.storage.endpoints import Endpoint, get
from app.storage.jobs import Lease
from app.storage.rounds import pack_messages
from app.storage.secrets import decrypt
from app.storage.session import Database


class Interrupted(AgonError):
    """A person asked for something while calls were under way: stop between two asks."""


@dataclass(frozen=True)
class Wish:
    """One answer wanted. `owner` is empty for answers that any campaign may share."""

    endpoint_id: str
    messages: tuple[Message, ...]
    sampling: Sampling
    purpose: str
    owner: str = answers.SHARED
    prompt_version_id: str | None = None
    example_id: int | None = None

    def request_hash(self, target: Target) -> str:
        content = [
            target.base_url, target.model, [[m.role, m.content] for m in self.messages],
            self.sampling.temperature, self.sampling.max_tokens, self.sampling.seed,
        ]  # fmt: skip
        return sha256(json.dumps(content, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def target_of(endpoint: Endpoint, settings: Settings) -> Target:
    provider = endpoint.provider
    key = decrypt(settings, provider.encrypted_key) if provider.encrypted_key else ""
    return Target(
        endpoint=endpoint.full_name,
        base_url=provider.base_url,
        api_key=key,
        model=endpoint.name,
        dropped=frozenset(endpoint.dropped),
        renamed=tuple(sorted(endpoint.renamed.items())),
    )


class Buyer:
    """One holder's purse for one campaign: a lease, a ledger entry, and a cap it never exceeds."""

    def __init__(self, database: Database, settings: Settings, lease: Lease, campaign_id: str, cap: int) -> None:
        self._database, self._settings, self._lease, self._campaign = database, settings, lease, campaign_id
        self.cap = cap
        self._permits = 0
        self._interrupted = False
        self._endpoints: dict[str, Endpoint] = {}
        self._targets: dict[str, Target] = {}
        with database.write() as session:
            jobs.renew(session, lease)
            ledger.forfeit_open(session, campaign_id)
            self._entry = ledger.open_entry(session, campaign_id, lease.token)

    def close(self) -> None:
        with self._database.write() as session:
            ledger.close_entry(session, self._entry, unused=self._permits)

    def target(self, endpoint_id: str) -> Target:
        if endpoint_id not in self._targets:
            with self._database.read() as session:
                self._endpoints[endpoint_id] = get(session, endpoint_id)
            self._targets[endpoint_id] = target_of(self._endpoints[endpoint_id], self._settings)
        return self._targets[endpoint_id]

    def buy(self, wishes: Sequence[Wish], round_number: int, *, holdout: bool = False) -> None:
        """Buy these answers, equal requests once, and store them.

        Raises BudgetExhausted when the cap was reached before all were bought, Interrupted when a person asked for
        something, EndpointFailure when some could not be had; what was bought is stored in every case.
        """
        by_hash = {wish.request_hash(self.target(wish.endpoint_id)): wish for wish in wishes}
        if not by_hash:
            return
        self._interrupted = False
        requests = [self._request(key, wish) for key, wish in by_hash.items()]
        complete = purchase(
            requests,
            limits=self._limits(wishes),
            permit=self._permit,
            record=lambda batch: self._record(batch, by_hash, round_number, holdout),
            learned=self._learned,
        )
        if self._interrupted:
            raise Interrupted("A person asked for something.")
        if not complete:
            raise BudgetExhausted("The cap on calls is reached.")

    def _limits(self, wishes: Sequence[Wish]) -> Limits:
        limits = Limits.of(self._settings)
        writes = any(wish.purpose == "generator" for wish in wishes)
        return replace(limits, call_deadline=self._settings.generator_deadline) if writes else limits

    def _request(self, key: str, wish: Wish) -> Request:
        sampling = wish.sampling
        return Request(
            key=key,
            target=self.target(wish.endpoint_id),
            messages=wish.messages,
            temperature=sampling.temperature,
            max_tokens=sampling.max_tokens,
            seed=sampling.seed,
        )

    def _permit(self) -> bool:
        if self._interrupted:
            return False
        if self._permits == 0:
            with self._database.write() as session:
                jobs.renew(session, self._lease)
                wanted = self._settings.in_flight
                self._permits = ledger.reserve(session, self._campaign, self._entry, wanted, self.cap)
        if self._permits == 0:
            return False
        self._permits -= 1
        return True

    def _record(self, batch: Sequence[Purchase], wishes: dict[str, Wish], round_number: int, holdout: bool) -> None:
        rows = [self._row(bought, wishes[bought.key], round_number, holdout) for bought in batch]
        with self._database.write() as session:
            jobs.renew(session, self._lease)
            self._interrupted = self._interrupted or campaigns.has_events(session, self._campaign)
            if not batch:
                return
            answers.keep(session, [self._answer(row, wishes[row["request_hash"]].owner) for row in rows if row["ok"]])
            answers.log(session, rows)
            traffic.count(session, [row["ok"] for row in rows])
            ledger.settle(session, self._campaign, self._entry, sum(row["attempts"] for row in rows))
            self._add_usage(session, rows)

    def _add_usage(self, session: Any, rows: Sequence[dict[str, Any]]) -> None:
        bought = [row for row in rows if row["ok"]]
        if not bought:
            return
        costs = [row["cost"] for row in bought]
        tokens = sum((row["tokens_in"] or 0) + (row["tokens_out"] or 0) for row in bought)
        known = [cost for cost in costs if cost is not None]
        campaigns.add_usage(session, self._campaign, tokens, sum(known) if len(known) == len(costs) else None)

    def _row(self, bought: Purchase, wish: Wish, round_number: int, holdout: bool) -> dict[str, Any]:
        endpoint = self._endpoints[wish.endpoint_id]
        told = wish.example_id is not None
        return {
            "id": new_id(),
            "request_hash": bought.key,
            "endpoint_id": wish.endpoint_id,
            "campaign_id": self._campaign,
            "round": round_number,
            "purpose": wish.purpose,
            "prompt_version_id": wish.prompt_version_id,
            "example_id": wish.example_id,
            "holdout": holdout,
            "ok": bought.ok,
            "attempts": bought.attempts,
            "latency_ms": bought.latency_ms,
            "tokens_in": bought.prompt_tokens,
            "tokens_out": bought.completion_tokens,
            "cost": endpoint.cost(bought.prompt_tokens, bought.completion_tokens) if bought.ok else None,
            "finish_reason": bought.finish_reason,
            "model": bought.model,
            "request_id": bought.request_id,
            "fingerprint": bought.fingerprint,
            "error": bought.error,
            "request": None if told else pack_messages(wish.messages),
            "reply": bought.text,
            "created_at": now(),
        }

    @staticmethod
    def _answer(row: dict[str, Any], owner: str) -> dict[str, Any]:
        kept = ("request_hash", "finish_reason", "tokens_in", "tokens_out", "cost", "created_at")
        return {**{name: row[name] for name in kept}, "owner": owner, "sample": 0, "text": row["reply"]}

    def _learned(self, endpoint_name: str, dropped: frozenset[str], renamed: tuple[tuple[str, str], ...]) -> None:
        """Remember which parameters an endpoint refuses, so that no later call pays for finding out."""
        for endpoint_id, target in self._targets.items():
            if target.endpoint != endpoint_name:
                continue
            with self._database.write() as session:
                endpoint = get(session, endpoint_id)
                endpoint.dropped = sorted({*endpoint.dropped, *dropped})
                endpoint.renamed = {**endpoint.renamed, **dict(renamed)}
        self._targets = {key: value for key, value in self._targets.items() if value.endpoint != endpoint_name}
