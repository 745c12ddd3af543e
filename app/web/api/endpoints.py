"""The JSON twin of providers and endpoints."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from app.gateway.guard import check_url, policy
from app.gateway.probe import ModelInfo
from app.services import catalogue, retiring, trying
from app.services.trying import Trial
from app.storage import endpoints
from app.storage.endpoints import Endpoint, Provider
from app.web.dependencies import Reading, Writing

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
    role: str = Field(description="task, generator, or empty for either")
    about: str
    simulated: bool
    price_in: int | None
    price_out: int | None
    prices: list[PriceView] = Field(description="every price, the newest first; some may not have begun yet")
    dropped: list[str] = Field(description="request parameters that it was found to refuse")
    renamed: dict[str, str] = Field(description="our name of a parameter -> its name there")


class ProviderView(BaseModel):
    """A base URL; its key is never told."""

    id: str
    name: str
    base_url: str
    key_set: bool
    simulated: bool
    endpoints: list[EndpointView]


class NewProvider(BaseModel):
    name: str
    base_url: str
    key: str = Field("", repr=False)


class ProviderChange(BaseModel):
    """Another base URL clears the stored key; an empty key keeps what is stored."""

    base_url: str
    key: str = Field("", repr=False)


class Prices(BaseModel):
    """Money per million tokens, null when unknown; in a change, what is left out stays."""

    price_in: float | None = None
    price_out: float | None = None
    price_cached_in: float | None = None


class PriceChange(Prices):
    starts: date | None = Field(None, description="the day, in UTC, on which it begins; now when left out")


class NewEndpoint(Prices):
    """Without any price, the shipped price list is asked, and a local server costs nothing."""

    model: str


def _endpoint(endpoint: Endpoint) -> EndpointView:
    kept = ("id", "name", "full_name", "role", "about", "simulated", "price_in", "price_out", "dropped", "renamed")
    fields: dict[str, Any] = {name: getattr(endpoint, name) for name in kept}
    told = [PriceView.model_validate(price, from_attributes=True) for price in endpoint.history]
    return EndpointView(**fields, prices=told)


def _provider(provider: Provider, own: Sequence[Endpoint]) -> ProviderView:
    return ProviderView(
        id=provider.id,
        name=provider.name,
        base_url=provider.base_url,
        key_set=provider.encrypted_key is not None,
        simulated=provider.simulated,
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
def add_endpoint(session: Writing, provider_id: str, given: NewEndpoint) -> EndpointView:
    added = catalogue.add_endpoint(session, provider_id, given.model, given.model_dump(exclude={"model"}))
    return _endpoint(added)


@router.post("/endpoints/{endpoint_id}/test")
def test(request: Request, endpoint_id: str) -> Trial:
    """One small call. When it fails, the problem's detail says what to do."""
    return trying.attempt(request.app.state.database, request.app.state.settings, endpoint_id)
