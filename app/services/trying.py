"""Asks a provider what it offers, and an endpoint what it can do; no call is made inside a transaction."""

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from app.domain.capabilities import Capabilities
from app.domain.improving.asks import Sampling
from app.errors import EndpointFailure, Invalid
from app.gateway import embedding
from app.gateway.calls import Target
from app.gateway.formats import LEARNED
from app.gateway.interviewing import Asked
from app.gateway.limits import Limits
from app.gateway.probe import ROOM, ModelInfo, Probed, list_models, probe
from app.services import bookkeeping
from app.services.bookkeeping import Errand, Wish, call_row, target_of
from app.settings import Settings
from app.storage import endpoints
from app.storage.base import now
from app.storage.endpoints import Endpoint, Provider
from app.storage.secrets import decrypt
from app.storage.session import Database

SECONDS = 25.0  # somebody waits for the page
# What every probe asks anew; a length that was too large is not among it.
ASKED_AGAIN = {"temperature", "seed", embedding.FORM} | LEARNED


@dataclass(frozen=True)
class Trial:
    """What the probe of one endpoint brought: its plainest call, the number of all, and what they showed.

    `cost` is of all of them, in millionths of money, None when a price is unknown.
    """

    endpoint: str
    simulated: bool
    reply: str
    finish_reason: str
    model: str
    latency_ms: int
    attempts: int
    calls: int
    tokens_in: int | None
    tokens_out: int | None
    cost: int | None
    dropped: tuple[str, ...]
    renamed: dict[str, str]
    capabilities: Capabilities
    call_id: str


def offered(database: Database, settings: Settings, provider_id: str) -> tuple[ModelInfo, ...]:
    """The models that a provider lists.

    Raises NotFound; Invalid when its key cannot be decrypted; EndpointFailure with a sentence that says what to do.
    """
    with database.read() as session:
        provider = endpoints.get_provider(session, provider_id)
    key = decrypt(settings, provider.encrypted_key) if provider.encrypted_key else ""
    return list_models(provider.base_url, key, _limits(settings, provider))


def attempt(database: Database, settings: Settings, endpoint_id: str) -> Trial:
    """Find out what an endpoint can do, log every call, and remember what they showed.

    Raises as `offered` does, after the failure was written down at the endpoint.
    """
    with database.read() as session:
        endpoint = endpoints.get(session, endpoint_id)
    try:
        target = target_of(endpoint, settings)
        probed = probe(target, _limits(settings, endpoint.provider), embeds=endpoint.role == "embedder")
    except (EndpointFailure, Invalid) as error:
        with database.write() as session:
            _note_failure(endpoints.get(session, endpoint_id), str(error))
        raise
    rows = _keep(database, endpoint_id, target, probed)
    if probed.fault:
        raise EndpointFailure(probed.fault.sentence, lasting=probed.fault.lasting, wait=probed.fault.wait or 0.0)
    with database.read() as session:
        return _trial(endpoints.get(session, endpoint_id), probed, rows)


def look_into(database: Database, settings: Settings, endpoint_id: str) -> None:
    """Probe an endpoint that was just added; when it does not answer it stays, with the failure written down."""
    with suppress(EndpointFailure, Invalid):
        attempt(database, settings, endpoint_id)


def _keep(database: Database, endpoint_id: str, target: Target, probed: Probed) -> list[dict[str, Any]]:
    """Write down what was bought and what it showed; the rows of the log."""
    with database.write() as session:
        endpoint = endpoints.get(session, endpoint_id)
        if probed.fault:
            _note_failure(endpoint, probed.fault.sentence)
        else:
            _note(endpoint, probed)
        return _log(session, endpoint, target, probed)


def _note(endpoint: Endpoint, probed: Probed) -> None:
    """Keep what was found with its date; what calls learn of parameters starts anew from it."""
    found = probed.capabilities
    endpoint.capabilities, endpoint.probed_at = found.as_json(), now()
    endpoint.failed_at, endpoint.failure = None, ""
    asked_again = ASKED_AGAIN if found.seed is not None else ASKED_AGAIN - {"seed"}
    refused = probed.traits.dropped | ({"seed"} if found.seed is False else set())
    endpoint.dropped = sorted((set(endpoint.dropped) - asked_again) | refused)
    endpoint.renamed = dict(probed.traits.renamed)


def _note_failure(endpoint: Endpoint, sentence: str) -> None:
    endpoint.failed_at, endpoint.failure = now(), sentence


def _limits(settings: Settings, provider: Provider) -> Limits:
    limits = Limits.of(settings)
    in_flight = min(limits.in_flight, provider.in_flight or limits.in_flight)
    return replace(limits, call_deadline=min(SECONDS, limits.call_deadline), in_flight=in_flight)


def _log(session: Session, endpoint: Endpoint, target: Target, probed: Probed) -> list[dict[str, Any]]:
    rows = [_row(endpoint, target, asked) for asked in probed.asked]
    bookkeeping.log(session, rows)
    return rows


def _row(endpoint: Endpoint, target: Target, asked: Asked) -> dict[str, Any]:
    """A call that belongs to no project."""
    question = asked.question
    wish = Wish(endpoint.id, question.messages, Sampling(0.0, ROOM), "test", compared=question.compared)
    hashed = wish.request_hash(target)
    return call_row(asked.purchase, hashed, wish, Errand(), endpoint, endpoint, target.api_key)


def _trial(endpoint: Endpoint, probed: Probed, rows: list[dict[str, Any]]) -> Trial:
    first = probed.asked[0].purchase
    paid = [row for row in rows if row["ok"]]
    return Trial(
        endpoint=endpoint.full_name,
        simulated=endpoint.simulated,
        reply=first.text,
        finish_reason=first.finish_reason,
        model=first.model,
        latency_ms=first.latency_ms,
        attempts=first.attempts,
        calls=len(rows),
        tokens_in=_sum(paid, "tokens_in"),
        tokens_out=_sum(paid, "tokens_out"),
        cost=_sum(paid, "cost"),
        dropped=tuple(endpoint.dropped),
        renamed=dict(endpoint.renamed),
        capabilities=probed.capabilities,
        call_id=str(rows[0]["id"]),
    )


def _sum(rows: list[dict[str, Any]], column: str) -> int | None:
    """All of them together, None as soon as one is unknown."""
    values = [row[column] for row in rows]
    return sum(values) if None not in values else None
