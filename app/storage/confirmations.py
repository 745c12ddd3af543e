"""How far the holdout of a campaign is answered: counts alone, nothing of what stands in it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, union
from sqlalchemy.orm import Session

from app.storage.answers import Call
from app.storage.campaigns import Campaign
from app.storage.evaluations import Evaluation, Output


@dataclass(frozen=True)
class Answered:
    """Answers that are there, and of them those bought by this campaign since `since`."""

    there: int
    bought: int
    since: datetime | None


def answered(session: Session, campaign: Campaign, version_ids: Collection[str]) -> Answered:
    """What these versions have answered of the holdout, bought by this campaign or known from earlier ones."""
    mine = (Call.campaign_id == campaign.id, Call.holdout, Call.ok)
    bought = select(Call.prompt_version_id, Call.example_id).where(*mine)
    known = (
        select(Evaluation.prompt_version_id, Output.example_id)
        .join(Output, Output.evaluation_id == Evaluation.id)
        .where(
            Evaluation.prompt_version_id.in_(version_ids),
            Evaluation.endpoint_id == campaign.task_endpoint_id,
            Evaluation.version_id == campaign.version_id,
            Evaluation.split == "holdout",
        )
    )
    there = session.scalar(select(func.count()).select_from(union(bought, known).subquery())) or 0
    count, since = session.execute(select(func.count(), func.min(Call.created_at)).where(*mine)).one()
    return Answered(there, count, since)
