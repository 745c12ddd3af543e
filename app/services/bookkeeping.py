"""What is written down of a purchase: rows for the answer store, the log of calls and the ledger."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from json import dumps
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from app.domain.allowances import Rule
from app.domain.budgets import Amount, worst_case
from app.domain.improving.asks import Message, Sampling
from app.gateway.calls import Purchase, ReplyFormat, Request, Target, Token
from app.gateway.faults import masked
from app.settings import Settings
from app.storage import answers, spend, traffic
from app.storage.base import new_id, now
from app.storage.endpoints import Endpoint
from app.storage.prices import in_force
from app.storage.projects import BODY_DAYS
from app.storage.secrets import decrypt

ENVELOPE = 32  # bytes that a server may add around each message


@dataclass(frozen=True)
class Wish:
    """One answer wanted. `owner` is empty for answers that anybody may share.

    `reply_format`, `top_logprobs` and `compared` are those of the gateway's Request; without them the hash is what it
    ever was. Of two texts that are compared nothing else counts: not their order, and no message or sampling.
    """

    endpoint_id: str
    messages: tuple[Message, ...]
    sampling: Sampling
    purpose: str
    owner: str = answers.SHARED
    prompt_version_id: str | None = None
    example_id: int | None = None
    sample: int = 0
    reply_format: ReplyFormat | None = None
    top_logprobs: int | None = None
    compared: tuple[str, str] | None = None

    def request_hash(self, target: Target) -> str:
        if self.compared is not None:
            return _hashed([target.base_url, target.model, "embeddings", sorted(self.compared)])
        content = [
            target.base_url, target.model, [[m.role, m.content] for m in self.messages],
            self.sampling.temperature, self.sampling.max_tokens, self.sampling.seed,
        ]  # fmt: skip
        if self.reply_format is not None or self.top_logprobs is not None:
            content += [self.reply_format and self.reply_format.schema, self.top_logprobs]
        return _hashed(content)

    def said(self) -> list[tuple[str, str]]:
        """What the endpoint is told, part by part under a name."""
        if self.compared is not None:
            return list(zip(("first text", "second text"), self.compared, strict=True))
        return [(message.role, message.content) for message in self.messages]


def _hashed(content: list[Any]) -> str:
    return sha256(dumps(content, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Errand:
    """Whose purchase it is: the same for all its calls; nobody's when somebody tries an endpoint."""

    project_id: str | None = None
    body_days: int = BODY_DAYS
    campaign_id: str | None = None
    run_id: str | None = None
    round: int | None = None
    holdout: bool = False


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
        rule=Rule(provider.in_flight, provider.requests_per_minute, provider.tokens_per_minute),
    )


def request_of(key: str, wish: Wish, target: Target, fallbacks: tuple[Target, ...] = ()) -> Request:
    sampling = wish.sampling
    return Request(
        key=key,
        target=target,
        messages=wish.messages,
        temperature=sampling.temperature,
        max_tokens=sampling.max_tokens,
        seed=sampling.seed,
        fallbacks=fallbacks,
        response_format=wish.reply_format,
        top_logprobs=wish.top_logprobs,
        compared=wish.compared,
    )


def at_most(request: Request, endpoints: Sequence[Endpoint]) -> Amount:
    """The most that one attempt at this request can use, whichever of these endpoints serves it."""
    texts, tokens_out = [message.content for message in request.messages], request.max_tokens
    if request.compared is not None:
        texts, tokens_out = list(request.compared), 0
    sent = sum(len(text.encode("utf-8", "replace")) + ENVELOPE for text in texts)
    sent += len(request.response_format.schema.encode()) if request.response_format else 0
    prices = [one.price for one in endpoints]
    amounts = [
        worst_case(sent, tokens_out, one.price_in if one else None, one.price_out if one else None) for one in prices
    ]
    return Amount(1, amounts[0].tokens, max(amount.cost for amount in amounts))


def call_row(
    bought: Purchase, request_hash: str, wish: Wish, errand: Errand, asked: Endpoint, served: Endpoint, key: str
) -> dict[str, Any]:
    """One line of the log; `key` is the provider's, which no body may hold."""
    moment = now()
    price = in_force(served.prices, moment)
    counted = bought.prompt_tokens, bought.completion_tokens, bought.cached_tokens
    made_again = wish.example_id is not None and (wish.purpose == "task" or errand.holdout)
    said = None if made_again else [(name, masked(text, key)) for name, text in wish.said()]
    return {
        "id": new_id(),
        "request_hash": request_hash,
        "endpoint_id": asked.id,
        "project_id": errand.project_id,
        "campaign_id": errand.campaign_id,
        "run_id": errand.run_id,
        "round": errand.round,
        "purpose": wish.purpose,
        "prompt_version_id": wish.prompt_version_id,
        "example_id": wish.example_id,
        "sample": wish.sample,
        "served_by": None if served is asked else served.id,
        "holdout": errand.holdout,
        "ok": bought.ok,
        "attempts": bought.attempts,
        "latency_ms": bought.latency_ms,
        "tokens_in": bought.prompt_tokens,
        "tokens_out": bought.completion_tokens,
        "tokens_cached": bought.cached_tokens,
        "price_in": price and price.price_in,
        "price_cached_in": price and price.price_cached_in,
        "price_out": price and price.price_out,
        "cost": price.cost(*counted) if price and bought.ok else None,
        "finish_reason": bought.finish_reason,
        "model": bought.model,
        "request_id": bought.request_id,
        "fingerprint": bought.fingerprint,
        "error": bought.error,
        "body": answers.pack_body(masked(bought.text, key), said),
        "expires_at": moment + timedelta(days=errand.body_days),
        "created_at": moment,
    }


def answer_row(row: dict[str, Any], bought: Purchase, owner: str) -> dict[str, Any]:
    """The answer behind a line of the log, for the store."""
    kept = ("request_hash", "finish_reason", "tokens_in", "tokens_out", "cost", "created_at", "sample")
    tokens = None if bought.logprobs is None else tokens_packed(bought.logprobs)
    said = {"owner": owner, "text": bought.text, "tokens": tokens, "used_format": bought.used_format}
    return {**said, **{name: row[name] for name in kept}}


def tokens_packed(tokens: Sequence[Token]) -> bytes:
    """A reply's tokens as the answer store keeps them."""
    return zlib.compress(msgspec.msgpack.encode(tokens))


def log(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Write lines into the log of calls, and count them: last in a transaction, for others wait for these counts."""
    answers.log(session, rows)
    traffic.count(session, [row["ok"] for row in rows])
    spend.add(session, rows)


def spent(rows: Sequence[dict[str, Any]]) -> tuple[Amount, int]:
    """What these calls came to, and how many answers of them have no known price."""
    bought = [row for row in rows if row["ok"]]
    tokens = sum((row["tokens_in"] or 0) + (row["tokens_out"] or 0) for row in bought)
    cost = sum(row["cost"] or 0 for row in bought)
    return Amount(sum(row["attempts"] for row in rows), tokens, cost), sum(row["cost"] is None for row in bought)
