"""Starts campaigns, and carries what people ask of them to the driver."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from app.domain import shapes
from app.domain.grading import requests_each
from app.domain.improving.state import Rules
from app.domain.roles import Part, why_not
from app.errors import Conflict, Invalid, Problem
from app.services import capping, rules
from app.services.capping import Caps
from app.services.grading import grading_of
from app.services.improving import KIND
from app.services.projects import goal_of
from app.services.questions import misfit
from app.settings import Settings
from app.storage import campaigns, endpoints, jobs, ledger, projects, prompts, test_sets
from app.storage.base import new_id
from app.storage.campaigns import Campaign
from app.storage.endpoints import Endpoint
from app.storage.projects import Project
from app.storage.session import hold_row


@dataclass(frozen=True)
class CampaignDraft:
    """What a person chooses; None means the setting's default, and no cap on tokens or money (micro-units)."""

    project_id: str
    start_version_id: str
    task_endpoint_id: str
    generator_ids: Sequence[str] = field(default_factory=tuple)
    max_calls: int | None = None
    max_rounds: int | None = None
    max_tokens: int | None = None
    max_cost: int | None = None
    seed: int = 0
    goal: str | None = None
    smallest_gain: float | None = None
    command_key: str | None = None
    id: str | None = None


def start(session: Session, settings: Settings, draft: CampaignDraft) -> tuple[Campaign, str]:
    """A queued campaign and the job to poke after the commit. Raises Invalid naming what cannot be used."""
    project = projects.get(session, draft.project_id)
    hold_row(session, Project, project.id)
    rules.require_settled(session, project.id)
    version = test_sets.newest_version(session, project.id)
    if version is None:
        raise Conflict("This project has no test set yet.")
    max_calls = settings.max_calls if draft.max_calls is None else draft.max_calls
    max_rounds = settings.rounds if draft.max_rounds is None else draft.max_rounds
    caps = Caps(max_calls, draft.max_tokens, draft.max_cost)
    _check(session, draft, caps, max_rounds)
    campaign_id = draft.id or new_id()
    account = ledger.open_account(session, ledger.account_of("campaign", campaign_id), vars(caps))
    campaign = Campaign(
        id=campaign_id,
        account_id=account.id,
        project_id=project.id,
        number=campaigns.next_number(session, project.id),
        version_id=version.id,
        start_version_id=draft.start_version_id,
        task_endpoint_id=draft.task_endpoint_id,
        generators=list(dict.fromkeys(draft.generator_ids)),
        rules=_rules(project, version.splits, settings, draft, max_rounds),
        seed=draft.seed,
        max_calls=max_calls,
        max_rounds=max_rounds,
        command_key=draft.command_key,
        best_version_id=draft.start_version_id,
    )
    session.add(campaign)
    session.flush()
    return campaign, jobs.want(session, KIND, campaign.id)


def _check(session: Session, draft: CampaignDraft, caps: Caps, max_rounds: int) -> None:
    problems = list(capping.check(caps))
    if not draft.generator_ids:
        problems.append(Problem("choose at least one generator", "generators"))
    if caps.calls == 0:
        problems.append(Problem("must be at least 1", "calls"))
    if max_rounds < 0:
        problems.append(Problem("must be 0 (for ever) or more", "rounds"))
    if problems:
        raise Invalid(problems)
    start, project = prompts.get(session, draft.start_version_id), projects.get(session, draft.project_id)
    if wrong := misfit(project, start):
        raise Invalid([Problem(f"has an answer format that does not fit: {wrong}", "start prompt")])
    seats = {
        "task_model": [endpoints.get(session, draft.task_endpoint_id)],
        "generators": [endpoints.get(session, endpoint_id) for endpoint_id in draft.generator_ids],
    }
    problems = miscast(seats)
    if grading := grading_of(session, project):
        seats["grader"] = [grading.grader]
    if problems := problems + capping.unpriced(session, draft.project_id, seats, draft.max_cost):
        raise Invalid(problems)


def miscast(seats: Mapping[str, Sequence[Endpoint]]) -> list[Problem]:
    """Who cannot play the part that he was chosen for, by the field he was chosen in."""
    parts: dict[str, Part] = {"task_model": "task", "generators": "generator"}
    return [
        Problem(why, field)
        for field, chosen in seats.items()
        for one in chosen
        if (why := why_not(one.full_name, one.role, parts[field]))
    ]


def _rules(
    project: projects.Project, splits: dict[str, int], settings: Settings, draft: CampaignDraft, max_rounds: int
) -> dict[str, object]:
    rules = Rules(
        goal=goal_of(draft.goal or project.goal, project.answer_space),
        labels=len(project.labels),
        shape=shapes.dump(shapes.shape_of(project.answer_space)),
        train_size=splits["train"],
        dev_size=splits["dev"],
        smallest_gain=project.smallest_gain if draft.smallest_gain is None else draft.smallest_gain,
        pool_size=settings.pool_size,
        reflect_on=settings.reflect_on,
        show_wrong=settings.show_wrong,
        show_right=settings.show_right,
        prompt_limit=settings.prompt_limit,
        max_rounds=max_rounds,
        patience=settings.patience,
        temperature=settings.generator_temperature,
        max_tokens=settings.generator_max_tokens,
        task_max_tokens=settings.task_max_tokens,
        show_characters=settings.show_characters,
        calls_each=1 + requests_each(project.answer_space),
    )
    return dict(vars(rules))


def change_caps(session: Session, campaign_id: str, caps: Caps) -> Campaign:
    """Other caps for a campaign that is not over; they count from its next round. Raises Invalid, Conflict."""
    campaign = campaigns.get(session, campaign_id)
    if campaign.status not in campaigns.OPEN:
        raise Conflict("This campaign is over.")
    problems = list(capping.check(caps))
    if not caps.calls:
        problems.append(Problem("must be a whole number, at least 1", "calls"))
    seats = [endpoints.get(session, one) for one in (campaign.task_endpoint_id, *campaign.generators)]
    if caps.cost is not None:
        problems += capping.unpriced(session, campaign.project_id, {"cost": list(dict.fromkeys(seats))}, caps.cost)
    if problems:
        raise Invalid(problems)
    campaign.max_calls = caps.calls or 0
    ledger.set_caps(session, campaign.account_id, vars(caps))
    return campaign


def ask(session: Session, campaign_id: str, kind: str) -> str:
    """Record a pause, resume or stop; returns the job to poke after the commit."""
    campaign = campaigns.get(session, campaign_id)
    if kind == "pause" and campaign.status == "paused":
        raise Conflict("This campaign is paused already.")
    if kind == "resume" and campaign.status != "paused":
        raise Conflict("This campaign is not paused.")
    campaigns.ask(session, campaign_id, kind)
    return jobs.want(session, KIND, campaign_id)
