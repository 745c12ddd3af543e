"""The JSON twin of providers and endpoints."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, StrictInt
from sqlalchemy.orm import Session

from app.domain.capabilities import Capabilities, missing
from app.gateway.guard import check_url, policy
from app.gateway.listing import ModelInfo
from app.services import casting, catalogue, fallbacks, retiring, trying
from app.services.trying import Trial
from app.storage import endpoints
from app.storage.endpoints import Endpoint, Provider
from app.storage.session import Database
from app.web.dependencies import Reading, Writing
from app.web.given import Given

router = APIRouter(tags=["endpoints"])


class PriceView(BaseModel):
    """Millionths of money per million tokens from a moment on, null when unknown."""

    valid_from: datetime
    price_in: int | None
    price_out: int | None
    price_cached_in: int | None
    source: str = Field(description="person, local, or the shipped price list with its version and date")


class EndpointView(BaseModel):
    """One language model. Prices are millionths of money per million tokens, null when unknown."""

    id: str
    name: str
    full_name: str
    role: str = Field(description="task, generator, judge, embedder, or empty for all but the last")
    about: str
    simulated: bool
    price_in: int | None
    price_out: int | None
    prices: list[PriceView] = Field(description="every price, the newest first; some may not have begun yet")
    dropped: list[str] = Field(description="request parameters that it was found to refuse")
    renamed: dict[str, str] = Field(description="our name of a parameter -> its name there")
    probed_at: datetime | None = Field(description="when its capabilities were found out, null when never")
    capabilities: Capabilities | None = Field(description="what it can do; what is null was not found out")
    missing: list[str] = Field(description="what it cannot do, and what is done instead")
    failed_at: datetime | None = Field(description="when its last test had no answer, null when it had one")
    failure: str
    fallbacks: list[str] = Field(description="ids of the endpoints that answer while it cannot, in order")
    fallback_counts: bool = Field(description="whether rows that another model answered are scored")


class ProviderView(BaseModel):
    """A base URL; its key is never told."""

    id: str
    name: str
    base_url: str
    key_set: bool
    simulated: bool
    in_flight: int | None
    requests_per_minute: int | None
    tokens_per_minute: int | None
    endpoints: list[EndpointView]


class NewProvider(Given):
    name: str
    base_url: str
    key: str = Field("", repr=False)


class ProviderChange(Given):
    """Another base URL clears the stored key; an empty key keeps what is stored."""

    base_url: str
    key: str = Field("", repr=False)


class ProviderLimits(Given):
    """Over all workers, null is no limit; in a change, what is left out stays."""

    in_flight: StrictInt | None = None
    requests_per_minute: StrictInt | None = None
    tokens_per_minute: StrictInt | None = None


class Fallbacks(Given):
    """Ids of other endpoints in their order; rows that they answer are scored only when they count."""

    fallbacks: list[str]
    fallback_counts: bool = False


class Prices(Given):
    """Money per million tokens, null when unknown; in a change, what is left out stays."""

    price_in: float | None = None
    price_out: float | None = None
    price_cached_in: float | None = None


class PriceChange(Prices):
    starts: date | None = Field(None, description="the day, in UTC, on which it begins; now when left out")


class NewEndpoint(Prices):
    """Without any price, the shipped price list is asked, and a local server costs nothing."""

    model: str
    role: str | None = Field(None, description="as in the answer; when left out, the name is asked: embedders tell it")


class RoleChange(Given):
    role: str = Field(description="task, generator, judge, embedder, or empty for all but the last")


def _endpoint(endpoint: Endpoint) -> EndpointView:
    told = EndpointView.model_fields.keys() - {"capabilities", "missing", "prices"}
    fields: dict[str, Any] = {name: getattr(endpoint, name) for name in told}
    return EndpointView(
        **fields,
        capabilities=endpoint.can if endpoint.probed_at else None,
        missing=missing(endpoint.can),
        prices=[PriceView.model_validate(price, from_attributes=True) for price in endpoint.history],
    )


def _provider(provider: Provider, own: Sequence[Endpoint]) -> ProviderView:
    return ProviderView(
        id=provider.id,
        name=provider.name,
        base_url=provider.base_url,
        key_set=provider.encrypted_key is not None,
        simulated=provider.simulated,
        in_flight=provider.in_flight,
        requests_per_minute=provider.requests_per_minute,
        tokens_per_minute=provider.tokens_per_minute,
        endpoints=[_endpoint(one) for one in own],
    )


def _told(session: Session, provider: Provider) -> ProviderView:
    return _provider(provider, catalogue.by_provider(session)[provider.id])


@router.get("/endpoints")
def show(session: Reading) -> list[ProviderView]:
    """Every provider with its endpoints."""
    owned = catalogue.by_provider(session)
    return [_provider(provider, owned[provider.id]) for provider in endpoints.providers(session)]


@router.get("/endpoints/{endpoint_id}")
def show_endpoint(session: Reading, endpoint_id: str) -> EndpointView:
    return _endpoint(endpoints.get(session, endpoint_id))


@router.patch("/endpoints/{endpoint_id}")
def change_prices(session: Writing, endpoint_id: str, given: PriceChange) -> EndpointView:
    """A price is added to the history; calls that are logged keep what they cost."""
    prices = given.model_dump(exclude_unset=True, exclude={"starts"})
    return _endpoint(catalogue.change_prices(session, endpoint_id, prices, given.starts))


@router.put("/endpoints/{endpoint_id}/role")
def change_role(session: Writing, endpoint_id: str, given: RoleChange) -> EndpointView:
    """An embedder is asked for embeddings and nothing else, so what was found out before is forgotten."""
    return _endpoint(casting.change_role(session, endpoint_id, given.role))


@router.put("/endpoints/{endpoint_id}/fallbacks")
def change_fallbacks(session: Writing, endpoint_id: str, given: Fallbacks) -> EndpointView:
    """Who answers while this one cannot; chains are not followed."""
    return _endpoint(fallbacks.change(session, endpoint_id, given.fallbacks, given.fallback_counts))


@router.delete("/endpoints/{endpoint_id}", status_code=204)
def delete_endpoint(session: Writing, endpoint_id: str) -> None:
    """Refused while anything refers to it; the problem's detail says what."""
    retiring.delete_endpoint(session, endpoint_id)


@router.post("/providers", status_code=201)
def add_provider(request: Request, session: Writing, given: NewProvider) -> ProviderView:
    settings = request.app.state.settings
    check_url(given.base_url.strip(), policy(settings))
    return _told(session, catalogue.add_provider(session, settings, given.name, given.base_url, given.key.strip()))


@router.get("/providers/{provider_id}")
def show_provider(session: Reading, provider_id: str) -> ProviderView:
    return _told(session, endpoints.get_provider(session, provider_id))


@router.put("/providers/{provider_id}")
def change_provider(request: Request, session: Writing, provider_id: str, given: ProviderChange) -> ProviderView:
    settings = request.app.state.settings
    check_url(given.base_url.strip(), policy(settings))
    changed = catalogue.change_provider(session, settings, provider_id, given.base_url, given.key.strip())
    return _told(session, changed)


@router.patch("/providers/{provider_id}")
def change_limits(session: Writing, provider_id: str, given: ProviderLimits) -> ProviderView:
    return _told(session, catalogue.change_limits(session, provider_id, given.model_dump(exclude_unset=True)))


@router.delete("/providers/{provider_id}/key")
def forget_key(request: Request, session: Writing, provider_id: str) -> ProviderView:
    return _told(session, catalogue.forget_key(session, request.app.state.settings, provider_id))


@router.delete("/providers/{provider_id}", status_code=204)
def delete_provider(request: Request, session: Writing, provider_id: str) -> None:
    """Refused while it has endpoints."""
    retiring.delete_provider(session, request.app.state.settings, provider_id)


@router.get("/providers/{provider_id}/models")
def list_models(request: Request, provider_id: str) -> list[ModelInfo]:
    """What the provider says it offers; one request to it."""
    return list(trying.offered(request.app.state.database, request.app.state.settings, provider_id))


@router.post("/providers/{provider_id}/endpoints", status_code=201)
def add_endpoint(request: Request, provider_id: str, given: NewEndpoint) -> EndpointView:
    """Adds the model and asks it a few small things; when it does not answer it is there too, with the `failure`."""
    database: Database = request.app.state.database
    with database.write() as session:
        added = catalogue.add_endpoint(
            session, provider_id, given.model, given.model_dump(exclude={"model", "role"}), given.role
        )
    trying.look_into(database, request.app.state.settings, added.id)
    with database.read() as session:
        return _endpoint(endpoints.get(session, added.id))


@router.post("/endpoints/{endpoint_id}/test")
def test(request: Request, endpoint_id: str) -> Trial:
    """A few small calls. When the first fails, the problem's detail says what to do."""
    return trying.attempt(request.app.state.database, request.app.state.settings, endpoint_id)
