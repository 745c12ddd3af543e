"""What lists of projects show: their champions, last campaigns and test sets; never a query per row."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ScalarSelect, func, or_, select
from sqlalchemy.orm import Session, aliased

from app.domain.metrics import Estimate
from app.storage.campaign_boards import CampaignLine, Model, Models, last_campaigns
from app.storage.campaigns import Campaign
from app.storage.champions import Champion
from app.storage.projects import Project
from app.storage.prompts import PromptVersion
from app.storage.test_sets import TestSet, TestSetVersion

PROJECTS_SHOWN = 50


@dataclass(frozen=True)
class Reign:
    """A champion. `proved` when a holdout said so, else it is the start prompt; the score is the named split's.

    It is stale when the test set has a newer version than the one of its campaign.
    """

    project_id: str
    task_model: Model
    version_id: str
    version: int
    campaign_id: str
    campaign: int
    proved: bool
    split: str
    goal: str
    score: Estimate
    since: datetime
    stale: bool


@dataclass(frozen=True)
class ProjectLine:
    """A project in the list of all; `splits` are example counts, empty without a test set."""

    id: str
    name: str
    description: str
    goal: str
    labels: int
    splits: dict[str, int]
    champions: list[Reign]
    last_campaign: CampaignLine | None
    created_at: datetime


@dataclass(frozen=True)
class TestSetFacts:
    """A test set version: the file it came from, what became of its rows, how its labels lie in the splits."""

    version_id: str
    test_set_id: str
    versions: int
    file: str
    splits: dict[str, int]
    label_counts: dict[str, dict[str, int]]
    imported: dict[str, int]
    variables: list[str]
    split_seed: int
    created_at: datetime


def projects(session: Session, named: Models, before: str | None = None) -> tuple[list[ProjectLine], str | None]:
    """(projects, newest first, what to ask for as `before` next); `before` is a project's id."""
    query = select(Project).order_by(Project.created_at.desc(), Project.id.desc())
    last = session.get(Project, before) if before else None
    if last is not None:
        earlier = or_(Project.created_at < last.created_at, Project.id < last.id)
        query = query.where(Project.created_at <= last.created_at, earlier)
    found = list(session.scalars(query.limit(PROJECTS_SHOWN + 1)))
    shown = found[:PROJECTS_SHOWN]
    return _lines(session, named, shown), shown[-1].id if len(found) > PROJECTS_SHOWN else None


def _lines(session: Session, named: Models, shown: list[Project]) -> list[ProjectLine]:
    ids = [project.id for project in shown]
    reigns, latest = champions(session, named, ids), last_campaigns(session, named, ids)
    splits = _splits(session, ids)
    return [
        ProjectLine(
            id=project.id,
            name=project.name,
            description=project.description,
            goal=project.goal,
            labels=len(project.labels),
            splits=splits.get(project.id, {}),
            champions=[reign for reign in reigns if reign.project_id == project.id],
            last_campaign=latest.get(project.id),
            created_at=project.created_at,
        )
        for project in shown
    ]


def _splits(session: Session, project_ids: Collection[str]) -> dict[str, dict[str, int]]:
    """The newest test set version's sizes by project."""
    query = (
        select(TestSet.project_id, TestSetVersion.splits)
        .join(TestSetVersion, TestSetVersion.test_set_id == TestSet.id)
        .where(TestSet.project_id.in_(project_ids))
        .order_by(TestSetVersion.created_at)
    )
    return {project_id: splits for project_id, splits in session.execute(query)}


def champions(session: Session, named: Models, project_ids: Collection[str]) -> list[Reign]:
    """By task model's name within each project, real models first."""
    query = (
        select(Champion, PromptVersion.number, Campaign.number, Campaign.rules, Campaign.version_id)
        .join(PromptVersion, PromptVersion.id == Champion.prompt_version_id)
        .join(Campaign, Campaign.id == Champion.campaign_id)
        .where(Champion.project_id.in_(project_ids))
    )
    newest = _newest(session, project_ids)
    found = [
        _reign(row, version, number, rules, named, stale=newest.get(row.project_id) != version_id)
        for row, version, number, rules, version_id in session.execute(query)
    ]
    return sorted(found, key=lambda reign: (reign.project_id, reign.task_model.simulated, reign.task_model.name))


def _newest(session: Session, project_ids: Collection[str]) -> dict[str, str]:
    """The newest test set version's id by project."""
    query = (
        select(TestSet.project_id, TestSetVersion.id)
        .join(TestSetVersion, TestSetVersion.test_set_id == TestSet.id)
        .where(TestSet.project_id.in_(project_ids))
        .order_by(TestSetVersion.created_at, TestSetVersion.id.desc())
    )
    return {project_id: version_id for project_id, version_id in session.execute(query)}


def _reign(row: Champion, version: int, number: int, rules: dict[str, Any], named: Models, *, stale: bool) -> Reign:
    return Reign(
        project_id=row.project_id,
        task_model=named[row.task_endpoint_id],
        version_id=row.prompt_version_id,
        version=version,
        campaign_id=row.campaign_id,
        campaign=number,
        proved=row.proved,
        split=row.split,
        goal=rules["goal"],
        score=Estimate(row.value, row.low, row.high, row.n),
        since=row.since,
        stale=stale,
    )


def _versions() -> ScalarSelect[int]:
    """How many versions a test set has."""
    other = aliased(TestSetVersion)
    return select(func.count()).where(other.test_set_id == TestSet.id).scalar_subquery()


def test_set(session: Session, project_id: str) -> TestSetFacts | None:
    """The newest version of a project's test set."""
    columns = (
        TestSetVersion.id, TestSet.id, _versions(), TestSet.name, TestSetVersion.splits, TestSetVersion.label_counts, TestSetVersion.imported,
        TestSetVersion.variables, TestSetVersion.split_seed, TestSetVersion.created_at,
    )  # fmt: skip
    query = (
        select(*columns)
        .join(TestSet, TestSet.id == TestSetVersion.test_set_id)
        .where(TestSet.project_id == project_id)
        .order_by(TestSetVersion.created_at.desc(), TestSetVersion.id)
        .limit(1)
    )
    row = session.execute(query).first()
    return TestSetFacts(*row) if row else None
