"""Takes providers and endpoints out of the catalogue again: only those that nothing but a test refers to."""

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.errors import Conflict
from app.services import catalogue, fallbacks
from app.settings import Settings
from app.storage import endpoints, rules, spend, tables
from app.storage.answers import Call
from app.storage.campaigns import Campaign
from app.storage.endpoints import Endpoint
from app.storage.spend import Spend

_NAMES = {
    "campaign": ("campaign", "campaigns"),
    "champion": ("champion", "champions"),
    "prompt_version": ("prompt", "prompts"),
    "grader": ("project whose answers it grades", "projects whose answers it grades"),
    "fallback": ("model that falls back to it", "models that fall back to it"),
}
_CALLS = ("logged call", "logged calls")
_COUNTED = ("call", "output", "price", "spend")  # what has many rows is read from the sums of spend, prices go with it
_RECORDS = ("record of a battle or a score", "records of battles or scores")


def uses(session: Session, endpoint_id: str) -> list[str]:
    """What refers to an endpoint, in words with counts; empty when it may go."""
    counts: dict[tuple[str, str], int] = {_NAMES["campaign"]: _as_generator(session, endpoint_id)}
    for table in tables.metadata.sorted_tables:
        for key in table.foreign_keys:
            if key.target_fullname == "endpoint.id" and table.name not in _COUNTED:
                query = select(func.count()).where(key.parent == endpoint_id)
                names = _NAMES.get(table.name, _RECORDS)
                counts[names] = counts.get(names, 0) + (session.scalar(query) or 0)
    counts[_NAMES["fallback"]] = len(fallbacks.relying_on(session, endpoint_id))
    counts[_NAMES["grader"]] = len(rules.graded_by(session, endpoints.get(session, endpoint_id).full_name))
    counts[_CALLS] = spend.logged(session, endpoint_id) or _asked_in_vain(session, endpoint_id)
    return [f"{count:,} {one if count == 1 else many}" for (one, many), count in counts.items() if count]


def _asked_in_vain(session: Session, endpoint_id: str) -> int:
    """1 when it was asked for anything but a test and only others served, else 0: its own calls are then few."""
    query = select(Call.id).where(Call.endpoint_id == endpoint_id, Call.holdout.in_((False, True)))
    return 0 if session.scalar(query.where(Call.purpose != "test").limit(1)) is None else 1


def _as_generator(session: Session, endpoint_id: str) -> int:
    """Campaigns that let this endpoint write; where it also answers, it is counted as task model."""
    query = select(Campaign.generators).where(Campaign.task_endpoint_id != endpoint_id)
    return sum(endpoint_id in chosen for chosen in session.scalars(query))


def delete_endpoint(session: Session, endpoint_id: str) -> Endpoint:
    """It and its test calls. Raises Conflict with what else uses it."""
    endpoint = endpoints.get(session, endpoint_id)
    catalogue.refuse_practice(endpoint.provider)
    used = uses(session, endpoint_id)
    if used:
        raise Conflict(f"{endpoint.full_name} is used by {_listed(used)}, so it cannot be deleted.")
    tests = (Call.endpoint_id == endpoint_id, Call.holdout.in_((False, True)), Call.purpose == "test")
    session.execute(delete(Call).where(*tests))
    session.execute(delete(Spend).where(Spend.endpoint_id == endpoint_id))
    session.delete(endpoint)
    session.flush()
    return endpoint


def delete_provider(session: Session, settings: Settings, provider_id: str) -> None:
    """Raises Conflict while it has models, or while something else keeps it."""
    provider = endpoints.get_provider(session, provider_id)
    catalogue.refuse_kept(settings, provider)
    own = [endpoint.name for endpoint in catalogue.by_provider(session)[provider.id]]
    if own:
        raise Conflict(f"{provider.name} still has {_listed(own)}: delete its models first.")
    session.delete(provider)
    session.flush()


def _listed(parts: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
