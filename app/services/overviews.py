"""Projects and prompt versions as pages and programs see them, put together from the boards."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.domain.answers import Label
from app.domain.goals import parse_goal
from app.domain.metrics import majority_baseline
from app.domain.prompts import placeholders
from app.errors import NotFound
from app.services.run_views import RunsPage
from app.services.scoring import settings_hash, task_sampling
from app.services.uploading import WaitingUpload, waiting
from app.settings import Settings
from app.storage import (
    boards,
    campaign_boards,
    evaluations,
    openings,
    projects,
    prompt_boards,
    prompts,
    run_boards,
    test_sets,
)
from app.storage.boards import ProjectLine, Reign, TestSetFacts
from app.storage.campaign_boards import CampaignLine, Model
from app.storage.openings import Look
from app.storage.prompt_boards import Origin, PromptLine, Score, VersionLink

ANSWERS_SHOWN = 20
TASK_MODELS_SHOWN = 4
RUNS_SHOWN = 5


@dataclass(frozen=True)
class Home:
    """Projects, newest first; `older` is what to ask for as `before` next, None at the end."""

    projects: list[ProjectLine]
    older: str | None
    uploads: list[WaitingUpload]


@dataclass(frozen=True)
class CampaignsPage:
    campaigns: list[CampaignLine]
    older: int | None


@dataclass(frozen=True)
class PromptsPage:
    prompts: list[PromptLine]
    older: int | None


@dataclass(frozen=True)
class ProjectView:
    """Everything that the page of a project shows. `task_models` are those of its campaigns and last evaluations.

    `looks` are the openings of the examples that its newest test set version seals.
    """

    id: str
    name: str
    description: str
    labels: list[Label]
    goal: str
    smallest_gain: float
    test_set: TestSetFacts | None
    looks: list[Look]
    majority_baseline: float | None
    champions: list[Reign]
    task_models: list[Model]
    campaigns: CampaignsPage
    prompts: PromptsPage
    runs: RunsPage
    unfinished_campaign: int | None
    created_at: datetime


@dataclass(frozen=True)
class PromptView:
    """Everything that the page of a prompt version shows but its answers; `leads` are campaigns where it leads on dev."""

    id: str
    project_id: str
    project: str
    number: int
    text: str
    placeholders: list[str]
    origin: Origin
    parents: list[VersionLink]
    champion_of: list[Reign]
    leads: list[CampaignLine]
    goal: str
    majority_baseline: float | None
    dev: list[Score]
    holdout: list[Score]
    created_at: datetime


@dataclass(frozen=True)
class ShownAnswer:
    """A dev example with the reply it got; `answered` is None when the reply could not be read."""

    position: int
    input: str
    expected: str
    answered: str | None
    reply: str


@dataclass(frozen=True)
class Mistake:
    """How often `expected` was answered with `answered`, None for unreadable."""

    expected: str
    answered: str | None
    count: int


@dataclass(frozen=True)
class AnswersView:
    """Right or wrong dev answers of one version on one task model, in the test set's fixed order."""

    score: Score
    labels: list[str]
    table: list[Mistake]
    right: bool
    answers: list[ShownAnswer]
    offset: int
    next_offset: int | None


def home(session: Session, before: str | None = None) -> Home:
    return Home(*boards.projects(session, campaign_boards.models(session), before), waiting(session))


def project_view(
    session: Session,
    settings: Settings,
    project_id: str,
    campaigns_before: int | None = None,
    prompts_before: int | None = None,
) -> ProjectView:
    """Raises NotFound."""
    project, named = projects.get(session, project_id), campaign_boards.models(session)
    facts = boards.test_set(session, project_id)
    version_id, key = facts.version_id if facts else None, settings_hash(task_sampling(settings.task_max_tokens))
    lately = RunsPage(*run_boards.of_project(session, named, project_id, limit=RUNS_SHOWN))
    played = campaign_boards.task_models(session, named, project_id, TASK_MODELS_SHOWN)
    return ProjectView(
        id=project.id,
        name=project.name,
        description=project.description,
        labels=list(project.label_set),
        goal=project.goal,
        smallest_gain=project.smallest_gain,
        test_set=facts,
        looks=_looks(session, project_id),
        majority_baseline=_majority(project, facts),
        champions=boards.champions(session, named, [project_id]),
        task_models=list(dict.fromkeys([*played, *(run.task_model for run in lately.runs)]))[:TASK_MODELS_SHOWN],
        campaigns=CampaignsPage(*campaign_boards.campaigns(session, named, project_id, campaigns_before)),
        prompts=PromptsPage(*prompt_boards.prompts(session, named, project_id, version_id, key, prompts_before)),
        runs=lately,
        unfinished_campaign=campaign_boards.unfinished_campaign(session, project_id),
        created_at=project.created_at,
    )


def _looks(session: Session, project_id: str) -> list[Look]:
    version = test_sets.newest_version(session, project_id)
    return openings.looks(session, version) if version else []


def _majority(project: projects.Project, facts: TestSetFacts | None) -> float | None:
    """The dev score of always answering the commonest label."""
    if facts is None:
        return None
    counts: Mapping[str, int] = facts.label_counts.get("dev", {})
    expected = [index for index, name in enumerate(project.label_names) for _ in range(counts.get(name, 0))]
    return majority_baseline(parse_goal(project.goal), expected, len(project.labels))


def prompt_view(session: Session, settings: Settings, version_id: str) -> PromptView:
    """Raises NotFound."""
    version = prompts.get(session, version_id)
    project = projects.get(session, prompt_boards.project_of(session, version.prompt_id))
    facts = boards.test_set(session, project.id)
    set_id, key = facts.version_id if facts else None, settings_hash(task_sampling(settings.task_max_tokens))
    named = campaign_boards.models(session)
    reigns = boards.champions(session, named, [project.id])
    return PromptView(
        id=version.id,
        project_id=project.id,
        project=project.name,
        number=version.number,
        text=version.text,
        placeholders=sorted(placeholders(version.text)),
        origin=prompt_boards.origin(session, named, version_id),
        parents=prompt_boards.links(session, version.parents),
        champion_of=[reign for reign in reigns if reign.version_id == version_id],
        leads=campaign_boards.led_by(session, named, project.id, version_id),
        goal=project.goal,
        majority_baseline=_majority(project, facts),
        dev=prompt_boards.dev_scores(session, named, [version_id], set_id, key).get(version_id, []),
        holdout=prompt_boards.holdout_scores(session, named, version_id, set_id, key),
        created_at=version.created_at,
    )


def answers_view(
    session: Session, view: PromptView, task_model: str | None, *, right: bool, offset: int = 0
) -> AnswersView | None:
    """What a version answered on a task model, by default where it answered most; None before the first answer.

    Raises NotFound for a task model that it has not answered.
    """
    if not view.dev and task_model is None:
        return None
    score = _chosen(view, task_model)
    labels = list(projects.get(session, view.project_id).label_names)
    facts = boards.test_set(session, view.project_id)
    assert facts is not None, "a score has a test set"
    page = {"limit": ANSWERS_SHOWN + 1, "offset": max(0, offset)}
    rows = evaluations.shown_outputs(session, score.evaluation_id, facts.version_id, "dev", right=right, **page)
    return AnswersView(
        score=score,
        labels=labels,
        table=_table(session, score, labels),
        right=right,
        answers=[
            ShownAnswer(row.position, row.input, labels[row.label], _label(labels, row.reading), row.reply)
            for row in rows[:ANSWERS_SHOWN]
        ],
        offset=page["offset"],
        next_offset=page["offset"] + ANSWERS_SHOWN if len(rows) > ANSWERS_SHOWN else None,
    )


def _chosen(view: PromptView, task_model: str | None) -> Score:
    if task_model is None:
        return max(view.dev, key=lambda score: score.score.n)
    found = next((score for score in view.dev if score.task_model.id == task_model), None)
    if found is None:
        raise NotFound("This prompt has no answers from this task model.")
    return found


def _label(labels: list[str], reading: int) -> str | None:
    return None if reading == evaluations.UNREADABLE else labels[reading]


def _table(session: Session, score: Score, labels: list[str]) -> list[Mistake]:
    counted = prompt_boards.confusions(session, score.evaluation_id)
    return [Mistake(labels[one.expected], _label(labels, one.answered), one.count) for one in counted]
