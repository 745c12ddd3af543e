"""What pages show of prompt versions: where each comes from, and its scores per task model; never a query per row."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, or_, select, tuple_
from sqlalchemy.orm import Session

from app.domain.metrics import Estimate
from app.storage.campaign_boards import Model, Models
from app.storage.campaigns import Campaign, HoldoutOpening
from app.storage.evaluations import Evaluation, Output
from app.storage.prompts import Prompt, PromptVersion, line_id
from app.storage.rounds import Round
from app.storage.test_sets import TestSetVersion

PROMPTS_SHOWN = 20


@dataclass(frozen=True)
class Origin:
    """Who wrote a version: person, app or generator. The generator stays hidden until its round is settled."""

    author: str
    generator: Model | None
    hidden: bool
    campaign_id: str | None
    campaign: int | None
    round: int | None


@dataclass(frozen=True)
class Score:
    """One version on one task model over a split; `right` and `unreadable` count among the `score.n` examples.

    A stale score was measured on an older version of the test set than the newest one; `version_id` says on which.
    """

    evaluation_id: str
    task_model: Model
    split: str
    goal: str
    score: Estimate
    right: int
    unreadable: int
    version_id: str
    stale: bool


@dataclass(frozen=True)
class PromptLine:
    """A version in a list, with its dev scores by task model."""

    id: str
    number: int
    origin: Origin
    characters: int
    created_at: datetime
    scores: list[Score]


@dataclass(frozen=True)
class VersionLink:
    id: str
    number: int


@dataclass(frozen=True)
class Confusion:
    """How often `expected` was read as `answered`, both label indices; `answered` is -1 for unreadable."""

    expected: int
    answered: int
    count: int


def prompts(
    session: Session,
    named: Models,
    project_id: str,
    version_id: str | None,
    settings_hash: str,
    before: int | None = None,
) -> tuple[list[PromptLine], int | None]:
    """(versions, newest first, what to ask for as `before` next); `before` is a version's number."""
    extra = (PromptVersion.number, PromptVersion.created_at, func.length(PromptVersion.text).label("length"))
    query = _origins().add_columns(*extra).where(PromptVersion.prompt_id == line_id(project_id))
    if before is not None:
        query = query.where(PromptVersion.number < before)
    query = query.order_by(PromptVersion.number.desc()).limit(PROMPTS_SHOWN + 1)
    found = session.execute(query).all()
    shown = found[:PROMPTS_SHOWN]
    scored = dev_scores(session, named, [row.id for row in shown], version_id, settings_hash)
    lines = [
        PromptLine(row.id, row.number, _origin(row, named), row.length, row.created_at, scored.get(row.id, []))
        for row in shown
    ]
    return lines, lines[-1].number if len(found) > PROMPTS_SHOWN else None


def _origins() -> Select[Any]:
    columns: tuple[Any, ...] = (
        PromptVersion.id, PromptVersion.author, PromptVersion.endpoint_id, PromptVersion.campaign_id,
        PromptVersion.round, Campaign.number.label("campaign"), Round.settled,
    )  # fmt: skip
    made_in = (Round.campaign_id == PromptVersion.campaign_id) & (Round.number == PromptVersion.round)
    return select(*columns).outerjoin(Campaign, Campaign.id == PromptVersion.campaign_id).outerjoin(Round, made_in)


def _origin(row: Row[Any], named: Models) -> Origin:
    """A generator's name comes out only when the row of its round says settled."""
    hidden = row.author == "generator" and not row.settled
    generator = named.get(row.endpoint_id) if row.author == "generator" and not hidden else None
    return Origin(row.author, generator, hidden, row.campaign_id, row.campaign, row.round)


def origin(session: Session, named: Models, version_id: str) -> Origin:
    row = session.execute(_origins().where(PromptVersion.id == version_id)).one()
    return _origin(row, named)


def dev_scores(
    session: Session, named: Models, prompt_version_ids: Collection[str], version_id: str | None, settings_hash: str
) -> dict[str, list[Score]]:
    """By prompt version, one for each task model: on the newest version of the test set that it was scored on.

    There the one of the present settings if there is one, else the longest.
    """
    ages = _ages(session, version_id)
    query = select(Evaluation).where(
        Evaluation.prompt_version_id.in_(prompt_version_ids),
        Evaluation.version_id.in_(ages),
        Evaluation.split == "dev",
        Evaluation.value.is_not(None),
    )
    return _by_version(session.scalars(query), named, settings_hash, ages)


def _ages(session: Session, version_id: str | None) -> dict[str, int]:
    """How many versions of its test set came after each version, the one given being the newest: 0."""
    if version_id is None:
        return {}
    of_set = select(TestSetVersion.test_set_id).where(TestSetVersion.id == version_id).scalar_subquery()
    query = select(TestSetVersion.id).where(TestSetVersion.test_set_id == of_set)
    found = session.scalars(query.order_by(TestSetVersion.created_at.desc(), TestSetVersion.id)).all()
    return {one: age for age, one in enumerate(found[found.index(version_id) :] if found else [version_id])}


def holdout_scores(
    session: Session, named: Models, prompt_version_id: str, version_id: str | None, settings_hash: str
) -> list[Score]:
    """Summaries only, and only where the holdout was opened for this version: by a campaign, or by a person."""
    ages = _ages(session, version_id)
    asked = select(HoldoutOpening.endpoint_id, HoldoutOpening.version_id).where(
        HoldoutOpening.version_id.in_(ages),
        HoldoutOpening.finished_at.is_not(None),
        or_(
            HoldoutOpening.prompt_version_id == prompt_version_id,
            HoldoutOpening.against_version_id == prompt_version_id,
        ),
    )
    opened = (
        select(Campaign.task_endpoint_id, HoldoutOpening.version_id)
        .join(HoldoutOpening, HoldoutOpening.campaign_id == Campaign.id)
        .where(
            HoldoutOpening.version_id.in_(ages),
            or_(Campaign.start_version_id == prompt_version_id, Campaign.best_version_id == prompt_version_id),
        )
    )
    query = select(Evaluation).where(
        Evaluation.prompt_version_id == prompt_version_id,
        Evaluation.split == "holdout",
        Evaluation.value.is_not(None),
        or_(
            tuple_(Evaluation.endpoint_id, Evaluation.version_id).in_(opened),
            tuple_(Evaluation.endpoint_id, Evaluation.version_id).in_(asked),
        ),
    )
    return _by_version(session.scalars(query), named, settings_hash, ages).get(prompt_version_id, [])


def _by_version(
    found: Iterable[Evaluation], named: Models, settings_hash: str, ages: Mapping[str, int]
) -> dict[str, list[Score]]:
    """Real models first, by name."""
    chosen: dict[tuple[str, str], Evaluation] = {}
    for one in sorted(
        found, key=lambda row: (-ages[row.version_id], row.settings_hash == settings_hash, row.n, row.id)
    ):
        chosen[one.prompt_version_id, one.endpoint_id] = one
    scores: dict[str, list[Score]] = {}
    for (prompt_version_id, _), one in chosen.items():
        score = _score(one, named[one.endpoint_id], stale=ages[one.version_id] > 0)
        scores.setdefault(prompt_version_id, []).append(score)
    for listed in scores.values():
        listed.sort(key=lambda score: (score.task_model.simulated, score.task_model.name))
    return scores


def _score(row: Evaluation, model: Model, *, stale: bool) -> Score:
    estimate = Estimate(row.value or 0.0, row.low or 0.0, row.high or 0.0, row.n)
    goal = row.goal or ""
    return Score(row.id, model, row.split, goal, estimate, row.right, row.unreadable, row.version_id, stale)


def links(session: Session, prompt_version_ids: Collection[str]) -> list[VersionLink]:
    query = select(PromptVersion.id, PromptVersion.number).where(PromptVersion.id.in_(prompt_version_ids))
    return [VersionLink(*row) for row in session.execute(query.order_by(PromptVersion.number))]


def project_of(session: Session, prompt_id: str) -> str:
    return session.scalars(select(Prompt.project_id).where(Prompt.id == prompt_id)).one()


def confusions(session: Session, evaluation_id: str) -> list[Confusion]:
    """Counted in the database over the outputs of one evaluation."""
    query = (
        select(Output.label, Output.reading, func.count())
        .where(Output.evaluation_id == evaluation_id, Output.sample == 0, Output.counts)
        .group_by(Output.label, Output.reading)
        .order_by(Output.label, Output.reading)
    )
    return [Confusion(*row) for row in session.execute(query)]
