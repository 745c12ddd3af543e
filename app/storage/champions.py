"""Champions: for each project and task model the version with the last "better" verdict, else the start."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.domain.metrics import Estimate
from app.storage.base import Base, now
from app.storage.campaigns import Campaign


class Champion(Base):
    """`proved` when a holdout said so; the score is the one of the split that is named."""

    __tablename__ = "champion"
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"), primary_key=True)
    task_endpoint_id: Mapped[str] = mapped_column(ForeignKey("endpoint.id"), primary_key=True)
    prompt_version_id: Mapped[str] = mapped_column(ForeignKey("prompt_version.id"))
    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaign.id"))
    proved: Mapped[bool]
    split: Mapped[str]
    value: Mapped[float]
    low: Mapped[float]
    high: Mapped[float]
    n: Mapped[int]
    since: Mapped[datetime] = mapped_column(default=now)


def of(session: Session, project_id: str, task_endpoint_id: str) -> Champion | None:
    return session.get(Champion, (project_id, task_endpoint_id))


def crown(session: Session, campaign: Campaign, version_id: str, split: str, score: Estimate) -> None:
    champion = of(session, campaign.project_id, campaign.task_endpoint_id)
    if champion is None:
        champion = Champion(project_id=campaign.project_id, task_endpoint_id=campaign.task_endpoint_id)
        session.add(champion)
    champion.prompt_version_id, champion.campaign_id, champion.since = version_id, campaign.id, now()
    champion.proved, champion.split = campaign.verdict == "better", split
    champion.value, champion.low, champion.high, champion.n = score.value, score.low, score.high, score.n
