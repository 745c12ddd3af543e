"""Changes the part that a model plays, unless it and its fallbacks would not play the same parts any more."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from app.domain.roles import can_stand_in, checked
from app.errors import Invalid, Problem
from app.services import catalogue
from app.storage import endpoints
from app.storage.endpoints import Endpoint


def change_role(session: Session, endpoint_id: str, role: str) -> Endpoint:
    """What was found out about the model is forgotten where it is asked for other things now.

    Raises Invalid naming the field, Conflict for the practice models.
    """
    endpoint = endpoints.get(session, endpoint_id)
    catalogue.refuse_practice(endpoint.provider)
    before, endpoint.role = endpoint.role, checked(role)
    for one, other in _standing_in(session, endpoint):
        if not can_stand_in(one.role, other.role):
            endpoint.role = before
            said = f"{one.full_name} answers when {other.full_name} does not, and could not any more"
            raise Invalid([Problem(f"{said}: take it out of the fallbacks of {other.full_name} first", "role")])
    if "embedder" in {before, role} and before != role:
        endpoint.forget_findings()
    return endpoint


def _standing_in(session: Session, endpoint: Endpoint) -> Iterator[tuple[Endpoint, Endpoint]]:
    """Who answers instead of whom, where this endpoint is one of the two."""
    known = {one.id: one for one in endpoints.listed(session)}
    for other in known.values():
        for one in other.fallbacks:
            if one in known and endpoint.id in (one, other.id):
                yield known[one], other
