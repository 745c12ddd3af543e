"""Asks a provider what it offers, and an endpoint whether it answers; no call is made inside a transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.domain.improving.asks import Sampling
from app.gateway.calls import Purchase
from app.gateway.limits import Limits
from app.gateway.probe import ASKED, ROOM, ModelInfo, list_models, try_endpoint
from app.services.bookkeeping import Errand, Wish, call_row, target_of
from app.settings import Settings
from app.storage import answers, endpoints, spend
from app.storage.endpoints import Endpoint
from app.storage.secrets import decrypt
from app.storage.session import Database

_Learned = tuple[frozenset[str], tuple[tuple[str, str], ...]]
SECONDS = 25.0  # somebody waits for the page


@dataclass(frozen=True)
class Trial:
    """What one small call brought; `cost` is in millionths of money, None when a price is unknown."""

    endpoint: str
    simulated: bool
    reply: str
    finish_reason: str
    model: str
    latency_ms: int
    attempts: int
    tokens_in: int | None
    tokens_out: int | None
    cost: int | None
    dropped: tuple[str, ...]
    renamed: dict[str, str]
    call_id: str


def offered(database: Database, settings: Settings, provider_id: str) -> tuple[ModelInfo, ...]:
    """The models that a provider lists.

    Raises NotFound; Invalid when its key cannot be decrypted; EndpointFailure with a sentence that says what to do.
    """
    with database.read() as session:
        provider = endpoints.get_provider(session, provider_id)
        base_url, encrypted = provider.base_url, provider.encrypted_key
    key = decrypt(settings, encrypted) if encrypted else ""
    return list_models(base_url, key, _limits(settings))


def attempt(database: Database, settings: Settings, endpoint_id: str) -> Trial:
    """Make one small call, log it also when it fails, and remember what it taught. Raises as `offered` does."""
    with database.read() as session:
        endpoint = endpoints.get(session, endpoint_id)
        target = target_of(endpoint, settings)
    request_hash = Wish(endpoint_id, ASKED, Sampling(0.0, ROOM), "test").request_hash(target)
    learned: list[_Learned] = []
    bought: list[Purchase] = []
    try:
        try_endpoint(target, _limits(settings), lambda _, *found: learned.append(found), bought.extend)
    finally:
        rows = _keep(database, endpoint_id, request_hash, bought, learned, target.api_key)
    with database.read() as session:
        return _trial(endpoints.get(session, endpoint_id), bought[0], rows[0]["cost"], rows[0]["id"])


def _keep(
    database: Database,
    endpoint_id: str,
    request_hash: str,
    bought: Sequence[Purchase],
    learned: Sequence[_Learned],
    key: str,
) -> list[dict[str, object]]:
    """Write down what was bought and learned; the rows of the log."""
    with database.write() as session:
        endpoint = endpoints.get(session, endpoint_id)
        for dropped, renamed in learned:
            endpoint.dropped = sorted({*endpoint.dropped, *dropped})
            endpoint.renamed = {**endpoint.renamed, **dict(renamed)}
        wish = Wish(endpoint.id, ASKED, Sampling(0.0, ROOM), "test")
        rows = [call_row(one, request_hash, wish, Errand(), endpoint, endpoint, key) for one in bought]
        answers.log(session, rows)
        spend.add(session, rows)
        return rows


def _limits(settings: Settings) -> Limits:
    limits = Limits.of(settings)
    return replace(limits, call_deadline=min(SECONDS, limits.call_deadline))


def _trial(endpoint: Endpoint, bought: Purchase, cost: object, call_id: object) -> Trial:
    return Trial(
        endpoint=endpoint.full_name,
        simulated=endpoint.simulated,
        reply=bought.text,
        finish_reason=bought.finish_reason,
        model=bought.model,
        latency_ms=bought.latency_ms,
        attempts=bought.attempts,
        tokens_in=bought.prompt_tokens,
        tokens_out=bought.completion_tokens,
        cost=cost if isinstance(cost, int) else None,
        dropped=tuple(endpoint.dropped),
        renamed=dict(endpoint.renamed),
        call_id=str(call_id),
    )
