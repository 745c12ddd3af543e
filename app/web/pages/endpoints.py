"""Endpoints: all of them by provider, and one: what it can do, its prices, its fallbacks, its end."""

from datetime import date
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from app.domain.roles import DOES, ROLES
from app.errors import EndpointFailure, Invalid, Problem
from app.services import casting, catalogue, fallbacks, retiring, trying
from app.services.tariffs import PRICED
from app.services.trying import Trial
from app.storage import endpoints
from app.storage.base import now
from app.storage.endpoints import Endpoint
from app.web.dependencies import Reading, Writing
from app.web.kinds import is_fragment
from app.web.rendering import page

router = APIRouter(prefix="/endpoints", include_in_schema=False)
NO_ROLE = "any"
ROLE_CHOICES = [(role or NO_ROLE, DOES[role].capitalize()) for role in ROLES]


class Prices(BaseModel):
    """Money per million tokens as it was typed; empty is unknown."""

    price_in: str = ""
    price_out: str = ""
    price_cached_in: str = ""

    def read(self) -> dict[str, float | None]:
        """Raises Invalid naming the field."""
        return {field: _price(getattr(self, field), field) for field in PRICED}


class PriceChange(Prices):
    """The same, and the day it begins; empty is now."""

    starts: str = ""

    def day(self) -> date | None:
        """Raises Invalid."""
        try:
            return date.fromisoformat(self.starts.strip()) if self.starts.strip() else None
        except ValueError:
            raise Invalid([Problem("must be a day, written YYYY-MM-DD, or empty for now", "starts")]) from None


class FallbackForm(BaseModel):
    """Ids in order, empty where none was chosen, and a yes when their rows count."""

    fallback: list[str] = []
    counts: str = ""

    @classmethod
    def of(cls, endpoint: Endpoint) -> "FallbackForm":
        return cls(fallback=endpoint.fallbacks, counts="yes" if endpoint.fallback_counts else "")

    @property
    def chosen(self) -> list[str]:
        return [one for one in self.fallback if one]


class RoleForm(BaseModel):
    """A form cannot tell an empty value from a missing one, so no role has a name here."""

    role: str = NO_ROLE


class Tested(NamedTuple):
    """What the test of one endpoint brought: a trial, or the sentence that says why there is none."""

    endpoint_id: str = ""
    trial: Trial | None = None
    fault: str = ""


_UNTESTED = Tested()


def at_fields(error: Invalid, unnamed: str) -> dict[str, str]:
    """What is wrong, by the field it is wrong with."""
    return {problem.where or unnamed: problem.message for problem in error.problems}


def _price(text: str, field: str) -> float | None:
    if not text.strip():
        return None
    try:
        price = float(text.strip())
    except ValueError:
        price = -1.0
    if not 0 <= price < 1_000_000:
        raise Invalid([Problem("must be a price per million tokens, 0 or more, or empty when it is unknown", field)])
    return price


def _show(
    request: Request,
    session: Session,
    endpoint: Endpoint,
    typed: PriceChange | None = None,
    errors: dict[str, str] | None = None,
    instead: FallbackForm | None = None,
    tested: Tested = _UNTESTED,
    role: str = "",
) -> Response:
    return page(
        request,
        "endpoints/endpoint.html",
        status=422 if errors else 200,
        endpoint=endpoint,
        typed=typed or _now(endpoint),
        history=endpoint.history,
        today=now().date(),
        errors=errors or {},
        tested=tested,
        instead=instead or FallbackForm.of(endpoint),
        choices=fallbacks.choices(session, endpoint),
        most_fallbacks=fallbacks.MOST,
        uses=retiring.uses(session, endpoint.id),
        role_now=role or endpoint.role or NO_ROLE,
        roles=ROLE_CHOICES,
    )


def _now(endpoint: Endpoint) -> PriceChange:
    """The form with what is in force."""
    return PriceChange(**{field: _typed(getattr(endpoint.price, field, None)) for field in PRICED})


def _typed(price: int | None) -> str:
    return "" if price is None else f"{price / 1_000_000:.6f}".rstrip("0").rstrip(".")


@router.get("")
def show(request: Request, session: Reading) -> Response:
    owned, providers = catalogue.by_provider(session), endpoints.providers(session)
    return page(request, "endpoints/list.html", providers=providers, owned=owned)


@router.get("/{endpoint_id}")
def show_endpoint(request: Request, session: Reading, endpoint_id: str) -> Response:
    return _show(request, session, endpoints.get(session, endpoint_id))


@router.post("/{endpoint_id}")
def change_prices(
    request: Request, session: Writing, endpoint_id: str, typed: Annotated[PriceChange, Form()]
) -> Response:
    try:
        catalogue.change_prices(session, endpoint_id, typed.read(), typed.day())
    except Invalid as invalid:
        endpoint = endpoints.get(session, endpoint_id)
        return _show(request, session, endpoint, typed, at_fields(invalid, "price_in"))
    return RedirectResponse(f"/endpoints/{endpoint_id}", 303)


@router.post("/{endpoint_id}/role")
def change_role(request: Request, session: Writing, endpoint_id: str, typed: Annotated[RoleForm, Form()]) -> Response:
    try:
        casting.change_role(session, endpoint_id, "" if typed.role == NO_ROLE else typed.role)
    except Invalid as invalid:
        endpoint, errors = endpoints.get(session, endpoint_id), at_fields(invalid, "role")
        return _show(request, session, endpoint, errors=errors, role=typed.role)
    return RedirectResponse(f"/endpoints/{endpoint_id}", 303)


@router.post("/{endpoint_id}/fallbacks")
def change_fallbacks(
    request: Request, session: Writing, endpoint_id: str, typed: Annotated[FallbackForm, Form()]
) -> Response:
    try:
        fallbacks.change(session, endpoint_id, typed.chosen, bool(typed.counts))
    except Invalid as invalid:
        endpoint = endpoints.get(session, endpoint_id)
        return _show(request, session, endpoint, errors=at_fields(invalid, "fallbacks"), instead=typed)
    return RedirectResponse(f"/endpoints/{endpoint_id}", 303)


@router.post("/{endpoint_id}/delete")
def delete(session: Writing, endpoint_id: str) -> Response:
    gone = retiring.delete_endpoint(session, endpoint_id)
    return RedirectResponse(f"/endpoints/providers/{gone.provider_id}", 303)


@router.post("/{endpoint_id}/test")
def test(request: Request, endpoint_id: str) -> Response:
    """A few small calls; no transaction is open while they are made."""
    database, settings = request.app.state.database, request.app.state.settings
    try:
        tested = Tested(endpoint_id, trying.attempt(database, settings, endpoint_id))
    except (EndpointFailure, Invalid) as error:
        tested = Tested(endpoint_id, fault=str(error))
    if is_fragment(request):
        return page(request, "endpoints/_trial.html", tested=tested)
    with database.read() as session:
        return _show(request, session, endpoints.get(session, endpoint_id), tested=tested)
