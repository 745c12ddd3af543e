"""Providers and endpoints: add, change, test with one call."""

from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from app.errors import Conflict, EndpointFailure, Invalid, Problem
from app.gateway.guard import check_url, policy
from app.gateway.probe import ModelInfo
from app.services import catalogue, trying
from app.services.trying import Trial
from app.storage import endpoints
from app.web.dependencies import Reading, Writing
from app.web.kinds import is_fragment
from app.web.rendering import page

router = APIRouter(include_in_schema=False)
Errors = Mapping[str, str]


class ProviderForm(BaseModel):
    name: str = ""
    base_url: str = ""
    key: str = ""


class EndpointForm(BaseModel):
    model: str = ""
    price_in: str = ""
    price_out: str = ""


class Tested(NamedTuple):
    """What the test of one endpoint brought: a trial, or the sentence that says why there is none."""

    endpoint_id: str = ""
    trial: Trial | None = None
    fault: str = ""


_UNTESTED = Tested()


def _list(request: Request, session: Session, tested: Tested = _UNTESTED) -> Response:
    """Every provider with its endpoints."""
    known = endpoints.listed(session)
    by_provider = {
        provider.id: [endpoint for endpoint in known if endpoint.provider_id == provider.id]
        for provider in endpoints.providers(session)
    }
    providers = endpoints.providers(session)
    return page(request, "endpoints/list.html", providers=providers, owned=by_provider, tested=tested)


def _provider(
    request: Request,
    session: Session,
    provider_id: str,
    *,
    status: int = 200,
    change: ProviderForm | None = None,
    add: EndpointForm | None = None,
    errors: Errors | None = None,
    models: Sequence[ModelInfo] | None = None,
    fault: str = "",
) -> Response:
    provider = endpoints.get_provider(session, provider_id)
    own = [endpoint for endpoint in endpoints.listed(session) if endpoint.provider_id == provider_id]
    return page(
        request,
        "endpoints/provider.html",
        status=status,
        provider=provider,
        own=own,
        change=change or ProviderForm(name=provider.name, base_url=provider.base_url),
        add=add or EndpointForm(),
        errors=errors or {},
        models=models,
        fault=fault,
    )


def _check_url(request: Request, base_url: str) -> None:
    """Name an address that this server may not use at its field, before anything is saved."""
    check_url(base_url.strip(), policy(request.app.state.settings))


def _at_fields(error: Invalid, unnamed: str) -> dict[str, str]:
    """What is wrong, by the field it is wrong with."""
    return {problem.where or unnamed: problem.message for problem in error.problems}


@router.get("/endpoints")
def show(request: Request, session: Reading) -> Response:
    return _list(request, session)


@router.get("/endpoints/providers/new")
def new_provider(request: Request) -> Response:
    return page(request, "endpoints/new.html", typed=ProviderForm(), errors={})


@router.post("/endpoints/providers/new")
def add_provider(request: Request, session: Writing, typed: Annotated[ProviderForm, Form()]) -> Response:
    settings = request.app.state.settings
    try:
        _check_url(request, typed.base_url)
        provider = catalogue.add_provider(session, settings, typed.name, typed.base_url, typed.key.strip())
    except Conflict as conflict:
        errors = {"name": str(conflict)}
    except Invalid as invalid:
        errors = _at_fields(invalid, "base_url")
    else:
        return RedirectResponse(f"/endpoints/providers/{provider.id}", 303)
    return page(request, "endpoints/new.html", status=422, typed=typed, errors=errors)


@router.get("/endpoints/providers/{provider_id}")
def show_provider(request: Request, session: Reading, provider_id: str) -> Response:
    return _provider(request, session, provider_id)


@router.post("/endpoints/providers/{provider_id}")
def change_provider(
    request: Request, session: Writing, provider_id: str, typed: Annotated[ProviderForm, Form()]
) -> Response:
    settings = request.app.state.settings
    try:
        _check_url(request, typed.base_url)
        catalogue.change_provider(session, settings, provider_id, typed.base_url, typed.key.strip())
    except Invalid as invalid:
        errors = _at_fields(invalid, "base_url")
        return _provider(request, session, provider_id, status=422, change=typed, errors=errors)
    return RedirectResponse(f"/endpoints/providers/{provider_id}", 303)


@router.post("/endpoints/providers/{provider_id}/models")
def list_models(request: Request, provider_id: str) -> Response:
    """What the provider offers, as suggestions; no transaction is open while it is asked."""
    database, settings = request.app.state.database, request.app.state.settings
    models: Sequence[ModelInfo] | None = None
    fault = ""
    try:
        models = trying.offered(database, settings, provider_id)
    except (EndpointFailure, Invalid) as error:
        fault = str(error)
    with database.read() as session:
        return _provider(request, session, provider_id, models=models, fault=fault)


@router.post("/endpoints/providers/{provider_id}/endpoints")
def add_endpoint(
    request: Request, session: Writing, provider_id: str, typed: Annotated[EndpointForm, Form()]
) -> Response:
    try:
        prices = {field: _price(getattr(typed, field), field) for field in ("price_in", "price_out")}
        catalogue.add_endpoint(session, provider_id, typed.model, **prices)
    except Conflict as conflict:
        errors = {"model": str(conflict)}
    except Invalid as invalid:
        errors = _at_fields(invalid, "model")
    else:
        return RedirectResponse(f"/endpoints/providers/{provider_id}", 303)
    return _provider(request, session, provider_id, status=422, add=typed, errors=errors)


def _price(text: str, field: str) -> float | None:
    """Money per million tokens; empty is unknown. Raises Invalid naming the field."""
    if not text.strip():
        return None
    try:
        price = float(text.strip())
    except ValueError:
        price = -1.0
    if not 0 <= price < 1_000_000:
        raise Invalid([Problem("must be a price per million tokens, 0 or more, or empty when it is unknown", field)])
    return price


@router.post("/endpoints/{endpoint_id}/test")
def test(request: Request, endpoint_id: str) -> Response:
    """One small call; no transaction is open while it is made."""
    database, settings = request.app.state.database, request.app.state.settings
    try:
        tested = Tested(endpoint_id, trying.attempt(database, settings, endpoint_id))
    except (EndpointFailure, Invalid) as error:
        tested = Tested(endpoint_id, fault=str(error))
    if is_fragment(request):
        return page(request, "endpoints/_trial.html", tested=tested)
    with database.read() as session:
        return _list(request, session, tested)
