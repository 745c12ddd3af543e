"""What the form that starts a campaign offers: the project's prompts, and what was chosen last time."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, String, cast, func, or_, select
from sqlalchemy.orm import Session, defer

from app.storage.campaigns import Campaign
from app.storage.prompts import Prompt, PromptVersion, line_id
from app.storage.test_sets import Example, Placement

OFFERED = 200


@dataclass(frozen=True)
class StartPrompt:
    """A version to start from; `campaign` and `round` say where a generator's came from, never who wrote it."""

    id: str
    number: int
    author: str
    campaign: int | None
    round: int | None


def start_prompts(session: Session, project_id: str) -> list[StartPrompt]:
    """The newest versions of the project's prompts, newest first."""
    query = (
        select(PromptVersion.id, PromptVersion.number, PromptVersion.author, Campaign.number, PromptVersion.round)
        .outerjoin(Campaign, Campaign.id == PromptVersion.campaign_id)
        .where(PromptVersion.prompt_id == line_id(project_id))
        .order_by(PromptVersion.number.desc())
        .limit(OFFERED)
    )
    return [StartPrompt(*row) for row in session.execute(query)]


def has_version(session: Session, project_id: str, version_id: str) -> bool:
    """Whether this prompt version belongs to the project."""
    query = (
        select(PromptVersion.id)
        .join(Prompt, Prompt.id == PromptVersion.prompt_id)
        .where(Prompt.project_id == project_id, PromptVersion.id == version_id)
    )
    return session.scalar(query) is not None


def last_campaign(session: Session, project_id: str) -> Campaign | None:
    """The newest campaign of a project, without its snapshot and report."""
    query = select(Campaign).where(Campaign.project_id == project_id).order_by(Campaign.number.desc()).limit(1)
    return session.scalars(query.options(defer(Campaign.state), defer(Campaign.report))).first()


def longest_example(session: Session, version_id: str, reflect_on: int) -> int:
    """Characters, variables included, of the longest example that a campaign may ask about; that number alone."""
    asked = or_(Placement.split.in_(("dev", "holdout")), Placement.position < reflect_on)
    return _longest(session, Placement.version_id == version_id, asked)


def longest_of_first(session: Session, version_id: str, split: str, upto: int) -> int:
    """The same for the first examples of one split."""
    asked = Placement.split == split, Placement.position < upto
    return _longest(session, Placement.version_id == version_id, *asked)


def _longest(session: Session, *asked: ColumnElement[bool]) -> int:
    query = (
        select(func.max(func.length(Example.input) + func.length(cast(Example.variables, String))))
        .join(Placement, Placement.example_id == Example.id)
        .where(*asked)
    )
    return session.scalar(query) or 0
