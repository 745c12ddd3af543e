"""What lists of campaigns show: state, who leads on dev, verdict; never a query per row."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, select, tuple_
from sqlalchemy.orm import Session, aliased

from app.domain.metrics import Estimate
from app.storage import endpoints
from app.storage.campaigns import OPEN, Campaign
from app.storage.ledger import Account
from app.storage.projects import Project
from app.storage.prompts import PromptVersion
from app.storage.rounds import PoolEntry

CAMPAIGNS_SHOWN = 10


@dataclass(frozen=True)
class Model:
    """An endpoint by its name; `simulated` must show wherever the name does."""

    id: str
    name: str
    simulated: bool


Models = Mapping[str, Model]  # by id


@dataclass(frozen=True)
class CampaignLine:
    """A campaign in a list. `leader` leads on dev, which proves nothing; its score is None until the start has one."""

    id: str
    project_id: str
    number: int
    status: str
    task_model: Model
    goal: str
    verdict: str | None
    stopped_because: str | None
    settled_rounds: int
    start_version_id: str
    start_version: int
    leader_version_id: str
    leader_version: int
    leader_is_start: bool
    leader_score: Estimate | None
    calls_spent: int
    max_calls: int
    created_at: datetime
    finished_at: datetime | None


def models(session: Session) -> Models:
    """Every endpoint by its name: a page reads them once."""
    return {one.id: Model(one.id, one.full_name, one.simulated) for one in endpoints.listed(session)}


def campaigns(
    session: Session, named: Models, project_id: str, before: int | None = None
) -> tuple[list[CampaignLine], int | None]:
    """(campaigns, newest first, what to ask for as `before` next); `before` is a campaign's number."""
    older = [Campaign.number < before] if before is not None else []
    found = _campaign_lines(session, named, Campaign.project_id == project_id, *older, limit=CAMPAIGNS_SHOWN + 1)
    shown = found[:CAMPAIGNS_SHOWN]
    return shown, shown[-1].number if len(found) > CAMPAIGNS_SHOWN else None


def last_campaigns(session: Session, named: Models, project_ids: Collection[str]) -> dict[str, CampaignLine]:
    """The newest campaign of each project that has one."""
    other = aliased(Campaign)
    newest = select(func.max(other.number)).where(other.project_id == Project.id).scalar_subquery()
    last = select(Project.id, newest).where(Project.id.in_(project_ids))
    found = _campaign_lines(session, named, tuple_(Campaign.project_id, Campaign.number).in_(last))
    return {line.project_id: line for line in found}


def led_by(session: Session, named: Models, project_id: str, version_id: str) -> list[CampaignLine]:
    """The newest campaigns in which a version that was not their start leads on dev."""
    led = (Campaign.best_version_id == version_id, Campaign.start_version_id != version_id)
    return _campaign_lines(session, named, Campaign.project_id == project_id, *led, limit=CAMPAIGNS_SHOWN)


def unfinished_campaign(session: Session, project_id: str) -> int | None:
    """The number of a campaign that is queued, running or paused."""
    query = select(Campaign.number).where(Campaign.project_id == project_id, Campaign.status.in_(OPEN))
    return session.scalar(query.order_by(Campaign.number.desc()).limit(1))


def task_models(session: Session, named: Models, project_id: str, most: int) -> list[Model]:
    """Those that a project's campaigns had, the one used last first."""
    query = (
        select(Campaign.task_endpoint_id)
        .where(Campaign.project_id == project_id)
        .group_by(Campaign.task_endpoint_id)
        .order_by(func.max(Campaign.number).desc())
        .limit(most)
    )
    return [named[endpoint_id] for endpoint_id in session.scalars(query)]


def _campaign_lines(
    session: Session, named: Models, *wanted: ColumnElement[bool], limit: int | None = None
) -> list[CampaignLine]:
    query = _campaign_query().where(*wanted).order_by(Campaign.number.desc(), Campaign.id).limit(limit)
    return [_campaign_line(row, named) for row in session.execute(query)]


def _campaign_query() -> Select[Any]:
    """Without snapshots and reports, which hold whole prompts."""
    start, leader = aliased(PromptVersion), aliased(PromptVersion)
    stay = (PoolEntry.campaign_id == Campaign.id) & (PoolEntry.prompt_version_id == leader.id)
    columns = (
        Campaign.id, Campaign.project_id, Campaign.number, Campaign.status, Campaign.task_endpoint_id, Campaign.rules,
        Campaign.verdict, Campaign.stopped_because, Campaign.settled_rounds, Campaign.max_calls,
        (Account.spent_calls + Account.forfeited_calls).label("calls_spent"),
        Campaign.created_at, Campaign.finished_at, start.id.label("start_id"), start.number.label("start"),
        leader.id.label("leader_id"), leader.number.label("leader"), PoolEntry.value, PoolEntry.low, PoolEntry.high,
        PoolEntry.n,
    )  # fmt: skip
    return (
        select(*columns)
        .join(start, start.id == Campaign.start_version_id)
        .join(Account, Account.id == Campaign.account_id)
        .join(leader, leader.id == func.coalesce(Campaign.best_version_id, Campaign.start_version_id))
        .outerjoin(PoolEntry, stay)
    )


def _campaign_line(row: Row[Any], named: Models) -> CampaignLine:
    return CampaignLine(
        id=row.id,
        project_id=row.project_id,
        number=row.number,
        status=row.status,
        task_model=named[row.task_endpoint_id],
        goal=row.rules["goal"],
        verdict=row.verdict,
        stopped_because=row.stopped_because,
        settled_rounds=row.settled_rounds,
        start_version_id=row.start_id,
        start_version=row.start,
        leader_version_id=row.leader_id,
        leader_version=row.leader,
        leader_is_start=row.leader_id == row.start_id,
        leader_score=Estimate(row.value, row.low, row.high, row.n) if row.value is not None else None,
        calls_spent=row.calls_spent,
        max_calls=row.max_calls,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )
