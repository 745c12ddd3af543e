"""What confirming on the holdout goes by: codes, counts and sums of answers, nothing of what stands in an example."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, union
from sqlalchemy.orm import Session

from app.storage.answers import Call, StoredAnswer
from app.storage.campaigns import Campaign
from app.storage.evaluations import Evaluation, Output
from app.storage.prompts import Prompt, PromptVersion
from app.storage.test_sets import Placement

AT_ONCE = 500  # ids in one statement


@dataclass(frozen=True)
class Answered:
    """Answers that are there, and of them those bought by this campaign since `since`."""

    there: int
    bought: int
    since: datetime | None


@dataclass(frozen=True)
class Used:
    """Sums over `answers`: tokens of requests and replies, cost in micro-units; None where one of them is not known."""

    answers: int
    tokens_in: int | None
    tokens_out: int | None
    cost: int | None


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


def dev_order(session: Session, version_id: str) -> list[tuple[int, int]]:
    """(example id, code of the expected answer) of dev in its fixed order."""
    query = select(Placement.example_id, Placement.label).where(
        Placement.version_id == version_id, Placement.split == "dev"
    )
    return [(row.example_id, row.label) for row in session.execute(query.order_by(Placement.position))]


def evaluations_of(
    session: Session, version_ids: Sequence[str], endpoint_id: str, version_id: str, split: str, settings_hash: str
) -> dict[str, str]:
    """The ids of these prompt versions' evaluations, by prompt version, whatever goal they were summed up for."""
    found: dict[str, str] = {}
    for start in range(0, len(version_ids), AT_ONCE):
        query = select(Evaluation.prompt_version_id, Evaluation.id).where(
            Evaluation.prompt_version_id.in_(version_ids[start : start + AT_ONCE]),
            Evaluation.endpoint_id == endpoint_id,
            Evaluation.version_id == version_id,
            Evaluation.split == split,
            Evaluation.settings_hash == settings_hash,
        )
        found |= {row.prompt_version_id: row.id for row in session.execute(query)}
    return found


def scored_on_dev(session: Session, endpoint_id: str, version_id: str) -> int:
    """How many prompt versions have a score on this dev set with this task model."""
    query = select(func.count(Evaluation.prompt_version_id.distinct())).where(
        Evaluation.endpoint_id == endpoint_id,
        Evaluation.version_id == version_id,
        Evaluation.split == "dev",
        Evaluation.n > 0,
    )
    return session.scalar(query) or 0


@dataclass(frozen=True)
class DevScore:
    """What an evaluation was summed up to: its goal as text, its value, and how many examples it answered."""

    id: str
    goal: str
    value: float
    n: int


def dev_scores(session: Session, project_id: str, like: Evaluation) -> list[DevScore]:
    """Of every prompt version of a project that answered the same dev on the same task model in the same way."""
    query = (
        select(Evaluation.id, Evaluation.goal, Evaluation.value, Evaluation.n)
        .join(PromptVersion, PromptVersion.id == Evaluation.prompt_version_id)
        .join(Prompt, Prompt.id == PromptVersion.prompt_id)
        .where(
            Prompt.project_id == project_id,
            Evaluation.endpoint_id == like.endpoint_id,
            Evaluation.version_id == like.version_id,
            Evaluation.split == "dev",
            Evaluation.settings_hash == like.settings_hash,
            Evaluation.n > 0,
            Evaluation.goal.is_not(None),
            Evaluation.value.is_not(None),
        )
    )
    return [DevScore(row.id, row.goal or "", row.value or 0.0, row.n) for row in session.execute(query)]


def used(session: Session, evaluation_id: str) -> Used:
    """Sums over the first samples of an evaluation that count."""
    known = (StoredAnswer.tokens_in, StoredAnswer.tokens_out, StoredAnswer.cost)
    columns = [column for one in known for column in (func.sum(one), func.count(one))]
    query = (
        select(func.count(), *columns)
        .select_from(Output)
        .join(StoredAnswer, StoredAnswer.id == Output.answer_id)
        .where(Output.evaluation_id == evaluation_id, Output.sample == 0, Output.counts)
    )
    n, *rest = session.execute(query).one()
    return Used(
        n, *((int(total) if count == n and n else None) for total, count in zip(rest[::2], rest[1::2], strict=True))
    )
