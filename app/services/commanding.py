"""The whole job of `agon improve`: from a file and options to a campaign, new or the unfinished one."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256

from sqlalchemy.orm import Session

from app.services import campaigns as starting
from app.services import catalogue, importing, projects
from app.services.importing import Prepared
from app.services.improving import KIND
from app.services.projects import ProjectDraft, tidied
from app.settings import Settings
from app.storage import campaigns, jobs, prompts
from app.storage import projects as stored_projects
from app.storage.campaigns import Campaign
from app.storage.endpoints import Endpoint
from app.storage.prices import PERSON


@dataclass(frozen=True)
class Command:
    """What was asked for on the command line; equal commands on an equal file go on with one campaign."""

    goal: str
    prompt: str
    task_model: str
    generators: tuple[str, ...]
    max_calls: int
    rounds: int
    smallest_gain: float
    seed: int
    split_seed: int
    input_column: str
    label_column: str
    on_conflict: str
    max_tokens: int | None = None
    max_cost: int | None = None
    kind: str | None = None
    group_column: str | None = None
    time_column: str | None = None
    plan: str | None = None
    dev_share: float | None = None
    holdout_share: float | None = None
    rule: Mapping[str, object] | None = None

    def key(self, data: bytes) -> str:
        """An option that was not used does not count, so that a newer Agon goes on with what an older began."""
        used = {name: value for name, value in asdict(self).items() if value is not None}
        options = json.dumps(used, sort_keys=True, ensure_ascii=False)
        return sha256(sha256(data).digest() + options.encode()).hexdigest()


@dataclass(frozen=True)
class Seats:
    """Who plays: resolved endpoints."""

    task: Endpoint
    generators: tuple[Endpoint, ...]

    @property
    def paid(self) -> list[Endpoint]:
        """Those that may send a bill: a server at a local address may pass calls on, unless a person said it is free."""
        return paid(dict.fromkeys((self.task, *self.generators)))


def paid(players: Iterable[Endpoint]) -> list[Endpoint]:
    """Those of the endpoints that may send a bill."""
    return [one for one in players if not one.simulated and not _known_to_be_free(one)]


def _known_to_be_free(endpoint: Endpoint) -> bool:
    price = endpoint.price
    return price is not None and price.source == PERSON and (price.price_in, price.price_out) == (0, 0)


def resolve(session: Session, task_model: str, generators: Sequence[str]) -> Seats:
    """Raises NotFound or Invalid naming the endpoint that is not there, or cannot play its part."""
    task = catalogue.named_or_added(session, task_model, "task")
    named = tuple(catalogue.named_or_added(session, name, "generator") for name in generators)
    return Seats(task, named or tuple(catalogue.default_generators(session)))


def begin(
    session: Session,
    settings: Settings,
    command: Command,
    key: str,
    prepared: Prepared,
    seats: Seats,
    name: str,
    description: str = "",
) -> tuple[Campaign, str, bool]:
    """(campaign, job to poke, whether it was resumed). Imports the file unless the same one is there."""
    known = campaigns.unfinished(session, key)
    if known is not None:
        if known.status == "paused":
            known.status, known.note = "queued", ""
        return known, jobs.want(session, KIND, known.id), True
    project_id = importing.known_project(session, prepared)
    if project_id is None:
        draft = ProjectDraft(
            name=name, description=description, goal=command.goal, smallest_gain=command.smallest_gain,
            start_prompt=command.prompt,
        )  # fmt: skip
        project_id = importing.save(session, settings, projects.check(draft), prepared)
    version_id = _start_prompt(session, project_id, tidied(command.prompt))
    draft_campaign = starting.CampaignDraft(
        project_id=project_id,
        start_version_id=version_id,
        task_endpoint_id=seats.task.id,
        generator_ids=tuple(endpoint.id for endpoint in seats.generators),
        max_calls=command.max_calls,
        max_rounds=command.rounds,
        max_tokens=command.max_tokens,
        max_cost=command.max_cost,
        seed=command.seed,
        goal=command.goal,
        smallest_gain=command.smallest_gain,
        command_key=key,
    )
    campaign, job_id = starting.start(session, settings, draft_campaign)
    return campaign, job_id, False


def _start_prompt(session: Session, project_id: str, text: str) -> str:
    project = stored_projects.get(session, project_id)
    author = "person" if text else "app"
    wanted = text or projects.start_prompt(project.description, project.answer_space)
    return prompts.add(session, prompts.line_of(session, project_id).id, wanted, author).id
