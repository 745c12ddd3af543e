"""Starts a campaign from what a person chose on a form, and offers what was chosen last as defaults."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.errors import Conflict, Invalid, Problem
from app.services import campaigns, capping, catalogue, quoting
from app.services.campaigns import CampaignDraft
from app.services.capping import Caps
from app.services.improving import KIND
from app.services.quoting import Quote
from app.settings import Settings
from app.storage import champions, endpoints, jobs, starts, test_sets
from app.storage.base import id_for, new_id
from app.storage.campaigns import Campaign
from app.storage.endpoints import Endpoint
from app.storage.projects import Project
from app.storage.session import hold_row

MOST_CALLS = 100_000_000
MOST_ROUNDS = 1_000_000
LARGEST_SEED = 2**31 - 1


@dataclass(frozen=True)
class Chosen:
    """A whole choice; everything in it has a value, None where there is no cap (`max_cost` in micro-units)."""

    start_version_id: str
    task_endpoint_id: str
    generator_ids: tuple[str, ...]
    max_calls: int
    max_rounds: int
    seed: int
    max_tokens: int | None = None
    max_cost: int | None = None

    @property
    def caps(self) -> Caps:
        return Caps(self.max_calls, self.max_tokens, self.max_cost)


def task_models(session: Session) -> list[Endpoint]:
    return endpoints.playing(session, "task")


def generators(session: Session) -> list[Endpoint]:
    return endpoints.playing(session, "generator")


def defaults(session: Session, settings: Settings, project_id: str) -> Chosen:
    """What the project's last campaign had, from its champion on, with another seed; else the settings' defaults."""
    last = starts.last_campaign(session, project_id)
    tasks, writers = task_models(session), generators(session)
    task = _task(session, last, tasks)
    champion = champions.of(session, project_id, task) if task else None
    offered = starts.start_prompts(session, project_id)
    start = champion.prompt_version_id if champion else offered[-1].id if offered else ""
    known = {endpoint.id for endpoint in writers}
    seated = [one for one in last.generators if one in known] if last else []
    return Chosen(
        start_version_id=start,
        task_endpoint_id=task,
        generator_ids=tuple(seated or [endpoint.id for endpoint in catalogue.default_generators(session)]),
        max_calls=settings.max_calls,
        max_rounds=settings.rounds,
        seed=last.seed + 1 if last and last.seed < LARGEST_SEED else 0,
    )


def _task(session: Session, last: Campaign | None, offered: Sequence[Endpoint]) -> str:
    known = {endpoint.id for endpoint in offered}
    if last and last.task_endpoint_id in known:
        return last.task_endpoint_id
    usual = endpoints.named(session, catalogue.DEFAULT_TASK_MODEL)
    return usual.id if usual else offered[0].id if offered else ""


def check(session: Session, project_id: str, chosen: Chosen) -> None:
    """Raises Invalid naming every field that cannot be used."""
    problems = [problem for problem in capping.check(chosen.caps) if problem.where != "calls"]
    if not 1 <= chosen.max_calls <= MOST_CALLS:
        problems.append(Problem(f"must be a whole number from 1 to {MOST_CALLS:,}", "calls"))
    if not 0 <= chosen.max_rounds <= MOST_ROUNDS:
        problems.append(Problem(f"must be 0 (for ever) or a whole number up to {MOST_ROUNDS:,}", "rounds"))
    if not 0 <= chosen.seed <= LARGEST_SEED:
        problems.append(Problem(f"must be a whole number from 0 to {LARGEST_SEED}", "seed"))
    seats = _seats(session, chosen)
    if not seats["task_model"]:
        problems.append(Problem("choose an endpoint that answers prompts", "task_model"))
    if not seats["generators"] or len(seats["generators"]) < len(chosen.generator_ids):
        problems.append(Problem("choose at least one generator", "generators"))
    problems += campaigns.miscast(seats)
    if not starts.has_version(session, project_id, chosen.start_version_id):
        problems.append(Problem("choose a prompt of this project", "start"))
    problems += capping.unpriced(session, project_id, seats, chosen.max_cost)
    if problems:
        raise Invalid(problems)


def _seats(session: Session, chosen: Chosen) -> dict[str, list[Endpoint]]:
    """Who was chosen, by the field of the form."""
    known = {endpoint.id: endpoint for endpoint in endpoints.listed(session)}
    fields = {"task_model": [chosen.task_endpoint_id], "generators": chosen.generator_ids}
    return {field: [known[one] for one in ids if one in known] for field, ids in fields.items()}


def begin(
    session: Session, settings: Settings, project_id: str, chosen: Chosen, once: str = ""
) -> tuple[Campaign, str]:
    """The queued campaign and the job to poke after the commit. Raises Invalid, NotFound, Conflict.

    What is sent again with the same `once`, unless that is empty, leads to the campaign that was made first.
    """
    check(session, project_id, chosen)
    campaign_id = id_for(f"{project_id} {once}") if once else new_id()
    hold_row(session, Project, project_id)
    known = session.get(Campaign, campaign_id)
    if known is not None:
        return known, jobs.want(session, KIND, known.id)
    draft = CampaignDraft(
        id=campaign_id,
        project_id=project_id,
        start_version_id=chosen.start_version_id,
        task_endpoint_id=chosen.task_endpoint_id,
        generator_ids=chosen.generator_ids,
        max_calls=chosen.max_calls,
        max_rounds=chosen.max_rounds,
        max_tokens=chosen.max_tokens,
        max_cost=chosen.max_cost,
        seed=chosen.seed,
    )
    return campaigns.start(session, settings, draft)


def quote(session: Session, settings: Settings, project_id: str, chosen: Chosen) -> Quote:
    """What this choice may buy. Raises Invalid as `check` does, Conflict when there is no test set yet."""
    check(session, project_id, chosen)
    version = test_sets.newest_version(session, project_id)
    if version is None:
        raise Conflict("This project has no test set yet.")
    seats = _seats(session, chosen)
    task, writers = seats["task_model"][0], seats["generators"]
    limits = chosen.caps, chosen.max_rounds
    return quoting.quote(session, settings, project_id, version, chosen.start_version_id, task, writers, *limits)
