"""What generators have done in settled rounds, counted in the database."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.orm import Session

from app.storage.campaigns import Campaign
from app.storage.projects import Project
from app.storage.rounds import Battle, Candidate, Round


@dataclass(frozen=True)
class Proposals:
    """How many proposals a generator made, how many were refused, how many entered a pool."""

    made: int
    refused: int
    entered: int


def battles(session: Session, project_id: str | None = None) -> dict[tuple[str, str, str], int]:
    """How often each (left endpoint, right endpoint, outcome) of a rated battle occurred."""
    query = (
        select(Battle.left_endpoint_id, Battle.right_endpoint_id, Battle.outcome, func.count())
        .join(Campaign, Campaign.id == Battle.campaign_id)
        .where(Battle.rated, _within(project_id))
        .group_by(Battle.left_endpoint_id, Battle.right_endpoint_id, Battle.outcome)
    )
    return {(left, right, outcome or "none"): count for left, right, outcome, count in session.execute(query)}


def proposals(session: Session, project_id: str | None = None) -> dict[str, Proposals]:
    """By endpoint. A round under way does not count: it would tell who sits in its seats."""
    query = (
        select(
            Candidate.endpoint_id,
            func.count(),
            func.count(Candidate.refusal_rule),
            func.count().filter(Candidate.entered),
        )
        .join(Round, (Round.campaign_id == Candidate.campaign_id) & (Round.number == Candidate.round))
        .join(Campaign, Campaign.id == Candidate.campaign_id)
        .where(Round.settled, _within(project_id))
        .group_by(Candidate.endpoint_id)
    )
    return {row[0]: Proposals(row[1], row[2], row[3]) for row in session.execute(query)}


def _within(project_id: str | None) -> ColumnElement[bool]:
    return true() if project_id is None else Campaign.project_id == project_id


def fought_projects(session: Session) -> list[tuple[str, str]]:
    """(id, name) of the projects that have had a battle, by name."""
    fought = select(Campaign.project_id).join(Battle, Battle.campaign_id == Campaign.id).where(Battle.rated)
    query = select(Project.id, Project.name).where(Project.id.in_(fought))
    return sorted(
        ((row.id, row.name) for row in session.execute(query)), key=lambda pair: (pair[1].casefold(), pair[0])
    )
