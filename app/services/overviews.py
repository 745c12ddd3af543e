"""Projects and prompt versions as pages and programs see them, put together from the boards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.domain import formats
from app.domain.answercodes import UNREADABLE, how_many
from app.domain.answers import Label
from app.domain.answerspace import Answers
from app.domain.formats import AnswerFormat
from app.domain.fronts import front
from app.domain.goals import parse_goal, parse_goals
from app.domain.metrics import majority_baseline
from app.domain.prompts import placeholders
from app.domain.shapes import shape_of
from app.errors import NotFound
from app.services import rules
from app.services.measures import Measures, measures
from app.services.measures import Score as Measure
from app.services.questions import misfit, questions_of
from app.services.rules import RuleView
from app.services.run_views import RunsPage
from app.services.scoring import settings_hash, task_sampling
from app.services.shown_answers import SHOWN, ShownAnswer, shown_answers
from app.services.uploading import WaitingUpload, waiting
from app.settings import Settings
from app.storage import (
    boards,
    campaign_boards,
    evaluations,
    fronts,
    openings,
    projects,
    prompt_boards,
    prompts,
    run_boards,
    shown,
    test_sets,
)
from app.storage.boards import ProjectLine, Reign, TestSetFacts
from app.storage.campaign_boards import CampaignLine, Model, Models
from app.storage.openings import Look
from app.storage.prompt_boards import Origin, PromptLine, Score, VersionLink
from app.storage.shown import Cell

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
class FrontLine:
    """A prompt on a task model that no other prompt on it beats in every goal; by points, which prove nothing."""

    version_id: str
    version: int
    task_model: Model
    scores: list[Measure]


@dataclass(frozen=True)
class ProjectView:
    """Everything that the page of a project shows. `task_models` are those of its campaigns and last evaluations.

    `looks` are the openings of the examples that its newest test set version seals.
    """

    id: str
    name: str
    description: str
    labels: list[Label]
    kind: str
    rule: RuleView
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
    front: list[FrontLine]
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
    format: AnswerFormat
    added: str
    misfit: str
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
class Mistake:
    """How often `expected` was answered with `answered`, None for unreadable; with the codes of both."""

    expected_code: int
    answered_code: int
    expected: str
    answered: str | None
    count: int


@dataclass(frozen=True)
class AnswersView:
    """Right or wrong dev answers of one version on one task model, in the test set's fixed order.

    `labels` and `table` are of one label out of several; `measures` of all kinds, once all was summed up.
    `held_back` dev examples are not listed, because another version of the test set has them in its holdout.
    """

    score: Score
    labels: list[str]
    table: list[Mistake]
    measures: Measures | None
    right: bool
    cell: tuple[int, int] | None
    answers: list[ShownAnswer]
    held_back: int
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
        kind=project.answer_kind,
        rule=rules.view(session, project),
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
        front=_front(session, named, project, version_id) if version_id else [],
        unfinished_campaign=campaign_boards.unfinished_campaign(session, project_id),
        created_at=project.created_at,
    )


def _front(session: Session, named: Models, project: projects.Project, version_id: str) -> list[FrontLine]:
    """The Pareto set of each task model, when the project has several goals."""
    goals = parse_goals(project.goal)
    if len(goals) < 2:
        return []
    found, lines = fronts.goal_scores(session, named, project.id, version_id, project.goal), list[FrontLine]()
    for model in dict.fromkeys(one.task_model for one in found):
        mine = [one for one in found if one.task_model == model and len(one.scores) == len(goals)]
        unbeaten = front([[score.value for score in one.scores] for one in mine])
        for one in (one for one, on_front in zip(mine, unbeaten, strict=True) if on_front):
            scores = [Measure(goal.name, score) for goal, score in zip(goals, one.scores, strict=True)]
            lines.append(FrontLine(one.version_id, one.number, model, scores))
    return lines


def _looks(session: Session, project_id: str) -> list[Look]:
    version = test_sets.newest_version(session, project_id)
    return openings.looks(session, version) if version else []


def _majority(project: projects.Project, facts: TestSetFacts | None) -> float | None:
    """The dev score of always answering the commonest label."""
    if facts is None or project.answer_kind != "label":
        return None
    counts: Mapping[str, int] = facts.label_counts.get("dev", {})
    expected = [index for index, name in enumerate(project.label_names) for _ in range(counts.get(name, 0))]
    return majority_baseline(parse_goal(project.goal), expected, shape_of(project.answer_space))


def prompt_view(session: Session, settings: Settings, version_id: str) -> PromptView:
    """Raises NotFound."""
    version = prompts.get(session, version_id)
    project = projects.get(session, prompt_boards.project_of(session, version.prompt_id))
    wrong = misfit(project, version)
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
        format=formats.load(version.format),
        added="" if wrong else questions_of(project, version).placed_after.strip(),
        misfit=wrong,
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
    session: Session,
    view: PromptView,
    task_model: str | None,
    *,
    right: bool,
    offset: int = 0,
    cell: tuple[int, int] | None = None,
) -> AnswersView | None:
    """What a version answered on a task model, by default where it answered most; None before the first answer.

    `cell` asks for the answers of one cell of the confusion table alone: (expected code, read code).
    Raises NotFound for a task model that it has not answered.
    """
    if view.misfit or (not view.dev and task_model is None):
        return None
    score = _chosen(view, task_model)
    project = projects.get(session, view.project_id)
    asking = questions_of(project, prompts.get(session, view.id))
    codes = how_many(asking.answers)
    if cell and not (0 <= cell[0] < codes and -1 <= cell[1] < codes):
        raise NotFound("The project has no such answers.")
    rows = shown.outputs(
        session,
        score.evaluation_id,
        score.version_id,
        "dev",
        show="right" if right else "wrong",
        cell=Cell(1, codes, *cell) if cell else None,
        limit=SHOWN + 1,
        offset=offset,
    )
    return AnswersView(
        score=score,
        labels=list(project.label_names) if asking.answers.kind == "label" else [],
        table=_table(session, score, asking.answers),
        measures=measures(evaluations.summary_of(session, score.evaluation_id), asking.answers),
        right=right,
        cell=cell,
        answers=shown_answers(session, score.evaluation_id, asking, view.id, rows[:SHOWN]),
        held_back=test_sets.held_back(session, score.version_id, "dev"),
        offset=offset,
        next_offset=offset + SHOWN if len(rows) > SHOWN else None,
    )


def _chosen(view: PromptView, task_model: str | None) -> Score:
    if task_model is None:
        return max(view.dev, key=lambda score: score.score.n)
    found = next((score for score in view.dev if score.task_model.id == task_model), None)
    if found is None:
        raise NotFound("This prompt has no answers from this task model.")
    return found


def _table(session: Session, score: Score, answers: Answers) -> list[Mistake]:
    """How often which label was answered; other kinds have their classes instead."""
    if answers.kind != "label":
        return []
    counted = prompt_boards.confusions(session, score.evaluation_id)
    names = answers.names
    return [
        Mistake(one.expected, one.answered, names[one.expected], _name(names, one.answered), one.count)
        for one in counted
    ]


def _name(names: Sequence[str], reading: int) -> str | None:
    return None if reading == UNREADABLE else names[reading]
