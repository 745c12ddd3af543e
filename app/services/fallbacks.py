"""Which endpoints answer instead of another while that one cannot, in their order; chains are not followed."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.domain.roles import can_stand_in
from app.errors import Invalid, Problem
from app.services import catalogue
from app.storage import endpoints
from app.storage.endpoints import Endpoint

MOST = 3


def choices(session: Session, endpoint: Endpoint) -> list[Endpoint]:
    """Which may be chosen: real ones, as a simulated answer says nothing about the real model it would stand for.

    They play every part that the endpoint plays.
    """
    return [
        one
        for one in endpoints.listed(session)
        if not one.simulated and one.id != endpoint.id and can_stand_in(one.role, endpoint.role)
    ]


def chosen(session: Session, endpoint: Endpoint) -> list[Endpoint]:
    """Its fallbacks in their order."""
    known = {one.id: one for one in endpoints.listed(session)} if endpoint.fallbacks else {}
    return [known[one] for one in endpoint.fallbacks if one in known]


def change(session: Session, endpoint_id: str, fallbacks: Sequence[str] | None, counts: bool | None) -> Endpoint:
    """`fallbacks` are ids in order, `counts` whether rows that they answer are scored; None leaves what is there.

    Raises Invalid naming the field, Conflict for the practice models.
    """
    endpoint = endpoints.get(session, endpoint_id)
    catalogue.refuse_practice(endpoint.provider)
    if fallbacks is not None:
        if problem := _problem(session, endpoint, fallbacks):
            raise Invalid([Problem(problem, "fallbacks")])
        endpoint.fallbacks = list(fallbacks)
    if counts is not None:
        endpoint.fallback_counts = counts
    return endpoint


def relying_on(session: Session, endpoint_id: str) -> list[Endpoint]:
    """The endpoints that fall back to this one."""
    return [one for one in endpoints.listed(session) if endpoint_id in one.fallbacks]


def _problem(session: Session, endpoint: Endpoint, fallbacks: Sequence[str]) -> str:
    if len(fallbacks) > MOST:
        return f"must be {MOST} models at most"
    if endpoint.id in fallbacks:
        return "must be other models: one cannot stand in for itself"
    if len(set(fallbacks)) < len(fallbacks):
        return "must be different models: one is chosen twice"
    if endpoint.role == "embedder" and fallbacks:
        return "must be empty: another model's embeddings would mean another likeness"
    if not set(fallbacks) <= {one.id for one in choices(session, endpoint)}:
        return "must be models of the Endpoints page that are not simulated and do the same; one of these is not there"
    return ""
