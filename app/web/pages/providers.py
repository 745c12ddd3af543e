"""Providers: add one, change it, forget its key, list what it offers, add its models, delete it."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from app.domain.roles import suggested
from app.errors import Conflict, EndpointFailure, Invalid, Problem
from app.gateway.guard import check_url, policy
from app.gateway.listing import ModelInfo
from app.services import catalogue, retiring, trying
from app.storage import endpoints
from app.storage.endpoints import Provider
from app.storage.session import Database
from app.web.dependencies import Reading, Writing
from app.web.pages.endpoints import NO_ROLE, ROLE_CHOICES, Prices, at_fields
from app.web.rendering import page

router = APIRouter(prefix="/endpoints/providers", include_in_schema=False)
Errors = Mapping[str, str]
BY_NAME = "by name"
ROLES_OFFERED = [(BY_NAME, "What its name suggests"), *ROLE_CHOICES]


class ProviderForm(BaseModel):
    name: str = ""
    base_url: str = ""
    key: str = ""


class LimitsForm(BaseModel):
    """As typed; empty is no limit."""

    in_flight: str = ""
    requests_per_minute: str = ""
    tokens_per_minute: str = ""

    @classmethod
    def of(cls, provider: Provider) -> "LimitsForm":
        kept = {name: getattr(provider, name) for name in cls.model_fields}
        return cls(**{name: "" if limit is None else str(limit) for name, limit in kept.items()})

    def read(self) -> dict[str, int | None]:
        """Raises Invalid naming the fields."""
        typed = {name: getattr(self, name).replace(",", "").strip() for name in LimitsForm.model_fields}
        wrong = [name for name, text in typed.items() if text and not (text.isascii() and text.isdigit())]
        if wrong:
            raise Invalid([Problem("must be a whole number, or empty for no limit", name) for name in wrong])
        return {name: int(text[:20]) if text else None for name, text in typed.items()}


class EndpointForm(Prices):
    model: str = ""
    role: str = BY_NAME

    @property
    def chosen(self) -> str | None:
        """None where the name is asked."""
        return None if self.role == BY_NAME else "" if self.role == NO_ROLE else self.role


def _provider(
    request: Request,
    session: Session,
    provider_id: str,
    *,
    status: int = 200,
    change: ProviderForm | None = None,
    add: EndpointForm | None = None,
    limits: LimitsForm | None = None,
    errors: Errors | None = None,
    models: Sequence[ModelInfo] | None = None,
    fault: str = "",
) -> Response:
    provider = endpoints.get_provider(session, provider_id)
    own = catalogue.by_provider(session)[provider_id]
    kept = catalogue.from_environment(request.app.state.settings, provider)
    return page(
        request,
        "endpoints/provider.html",
        status=status,
        provider=provider,
        own=own,
        kept=catalogue.KEPT_BY_ENVIRONMENT if kept else "",
        change=change or ProviderForm(name=provider.name, base_url=provider.base_url),
        add=add or EndpointForm(),
        limits=limits or LimitsForm.of(provider),
        most=catalogue.MOST,
        errors=errors or {},
        models=[(model, suggested(model.id)) for model in models] if models is not None else None,
        roles=ROLES_OFFERED,
        fault=fault,
    )


def _check_url(request: Request, base_url: str) -> None:
    """Name an address that this server may not use at its field, before anything is saved."""
    check_url(base_url.strip(), policy(request.app.state.settings))


def _with_key(errors: Errors, typed: ProviderForm) -> Errors:
    """A key is never sent back with the form, so whoever typed one is told."""
    return {"key": "Enter the key again", **errors} if typed.key else errors


@router.get("/new")
def new_provider(request: Request) -> Response:
    return page(request, "endpoints/new.html", typed=ProviderForm(), errors={})


@router.post("/new")
def add_provider(request: Request, session: Writing, typed: Annotated[ProviderForm, Form()]) -> Response:
    settings = request.app.state.settings
    try:
        _check_url(request, typed.base_url)
        provider = catalogue.add_provider(session, settings, typed.name, typed.base_url, typed.key.strip())
    except Conflict as conflict:
        errors = {"name": str(conflict)}
    except Invalid as invalid:
        errors = at_fields(invalid, "base_url")
    else:
        return RedirectResponse(f"/endpoints/providers/{provider.id}", 303)
    return page(request, "endpoints/new.html", status=422, typed=typed, errors=_with_key(errors, typed))


@router.get("/{provider_id}")
def show_provider(request: Request, session: Reading, provider_id: str) -> Response:
    return _provider(request, session, provider_id)


@router.post("/{provider_id}")
def change_provider(
    request: Request, session: Writing, provider_id: str, typed: Annotated[ProviderForm, Form()]
) -> Response:
    settings = request.app.state.settings
    try:
        _check_url(request, typed.base_url)
        catalogue.change_provider(session, settings, provider_id, typed.base_url, typed.key.strip())
    except Invalid as invalid:
        errors = _with_key(at_fields(invalid, "base_url"), typed)
        return _provider(request, session, provider_id, status=422, change=typed, errors=errors)
    return RedirectResponse(f"/endpoints/providers/{provider_id}", 303)


@router.post("/{provider_id}/limits")
def change_limits(
    request: Request, session: Writing, provider_id: str, typed: Annotated[LimitsForm, Form()]
) -> Response:
    try:
        catalogue.change_limits(session, provider_id, typed.read())
    except Invalid as invalid:
        errors = at_fields(invalid, "in_flight")
        return _provider(request, session, provider_id, status=422, limits=typed, errors=errors)
    return RedirectResponse(f"/endpoints/providers/{provider_id}", 303)


@router.post("/{provider_id}/key/delete")
def forget_key(request: Request, session: Writing, provider_id: str) -> Response:
    catalogue.forget_key(session, request.app.state.settings, provider_id)
    return RedirectResponse(f"/endpoints/providers/{provider_id}", 303)


@router.post("/{provider_id}/delete")
def delete_provider(request: Request, session: Writing, provider_id: str) -> Response:
    retiring.delete_provider(session, request.app.state.settings, provider_id)
    return RedirectResponse("/endpoints", 303)


@router.post("/{provider_id}/models")
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


@router.post("/{provider_id}/endpoints")
def add_endpoint(request: Request, provider_id: str, typed: Annotated[EndpointForm, Form()]) -> Response:
    """Add the model and ask it a few small things, in no transaction; its page shows what came of it."""
    database: Database = request.app.state.database
    try:
        with database.write() as session:
            added = catalogue.add_endpoint(session, provider_id, typed.model, typed.read(), typed.chosen)
    except Conflict as conflict:
        errors = {"model": str(conflict)}
    except Invalid as invalid:
        errors = at_fields(invalid, "model")
    else:
        trying.look_into(database, request.app.state.settings, added.id)
        return RedirectResponse(f"/endpoints/{added.id}", 303)
    with database.read() as session:
        return _provider(request, session, provider_id, status=422, add=typed, errors=errors)
