"""What pages of evaluation runs show: one run, who works on it, how fast it goes, and lists; never a scan of outputs."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, or_, select
from sqlalchemy.orm import Session

from app.domain.metrics import Estimate
from app.errors import NotFound
from app.storage.answers import Call
from app.storage.base import now
from app.storage.campaign_boards import Model, Models
from app.storage.campaigns import Campaign
from app.storage.evaluations import Evaluation
from app.storage.jobs import Job
from app.storage.ledger import Account
from app.storage.projects import Project
from app.storage.prompts import PromptVersion
from app.storage.runs import BLOCK, OPEN, Block, Run

RUNS_SHOWN = 20
LATEST_CALLS = 2000
LATEST = timedelta(seconds=30)


@dataclass(frozen=True)
class RunFacts:
    """A run with what it is about; `campaign` is the number of the campaign that ordered it."""

    run: Run
    account: Account
    evaluation: Evaluation
    project: str
    version: int
    campaign: int | None


@dataclass(frozen=True)
class WorkedOn:
    """What one process did of a run: blocks it was the last to take, and answers in them; `until` when it has ended."""

    worker: str
    blocks: int
    blocks_done: int
    answers: int
    since: datetime | None
    until: datetime | None


@dataclass(frozen=True)
class Latest:
    """The newest calls of a run: answers among them, since when, and who else served some."""

    answers: int
    since: datetime | None
    served_by: list[str]


@dataclass(frozen=True)
class RunLine:
    """A run in a list. The score is the evaluation's, on its first `n` examples; None until a run of it has ended."""

    id: str
    project_id: str
    project: str
    version_id: str
    version: int
    task_model: Model
    split: str
    status: str
    note: str
    total: int
    done: int
    samples: int
    goal: str | None
    score: Estimate | None
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True)
class OpeningRun:
    """One prompt's answers for an opening of a holdout, as far as they are."""

    id: str
    version_id: str
    version: int
    status: str
    note: str
    total: int
    done: int


def of_opening(session: Session, opening_id: str) -> list[OpeningRun]:
    """In the order in which they were ordered: what is compared with first."""
    query = (
        select(Run.id, PromptVersion.id, PromptVersion.number, Run.status, Run.note, Run.total, Run.done)
        .join(Evaluation, Evaluation.id == Run.evaluation_id)
        .join(PromptVersion, PromptVersion.id == Evaluation.prompt_version_id)
        .where(Run.opening_id == opening_id)
        .order_by(Run.created_at, Run.id)
    )
    return [OpeningRun(*row) for row in session.execute(query)]


def facts(session: Session, run_id: str) -> RunFacts:
    """Raises NotFound."""
    query = (
        select(Run, Account, Evaluation, Project.name, PromptVersion.number, Campaign.number)
        .join(Account, Account.id == Run.account_id)
        .join(Evaluation, Evaluation.id == Run.evaluation_id)
        .join(Project, Project.id == Run.project_id)
        .join(PromptVersion, PromptVersion.id == Evaluation.prompt_version_id)
        .outerjoin(Campaign, Campaign.id == Run.campaign_id)
        .where(Run.id == run_id)
    )
    row = session.execute(query).first()
    if row is None:
        raise NotFound("There is no such evaluation run.")
    return RunFacts(*row)


def worked_on(session: Session, run_id: str) -> list[WorkedOn]:
    """Everybody who worked on the run, who began first first."""
    query = (
        select(
            Block.worker,
            func.count(),
            func.count(Block.finished_at),
            func.sum(Block.done),
            func.min(Block.started_at).label("since"),
            func.max(Block.finished_at),
        )
        .where(Block.run_id == run_id, Block.worker != "")
        .group_by(Block.worker)
        .order_by("since", Block.worker)
    )
    return [
        WorkedOn(worker, blocks, ended, int(answers), since, until if ended == blocks else None)
        for worker, blocks, ended, answers, since, until in session.execute(query)
    ]


def working(session: Session, run_id: str) -> dict[str, int]:
    """How many blocks of the run each process has in its hands."""
    held = (Job.kind == BLOCK, Job.status == "running", Job.party == run_id, Job.lease_until >= now())
    query = select(Job.holder, func.count()).where(*held).group_by(Job.holder)
    return {holder: count for holder, count in session.execute(query)}


def latest(session: Session, run_id: str) -> Latest:
    """What the newest calls tell; of those, never more than LATEST_CALLS are looked at."""
    mine = (Call.run_id == run_id, Call.holdout.is_(False))
    query = select(Call.created_at, Call.ok, Call.served_by).where(*mine)
    rows = session.execute(query.order_by(Call.created_at.desc(), Call.id.desc()).limit(LATEST_CALLS)).all()
    begin = now() - LATEST
    fresh = [row for row in rows if row.created_at > begin]
    served_by = sorted({row.served_by for row in rows if row.served_by is not None})
    if len(fresh) < LATEST_CALLS:
        return Latest(sum(row.ok for row in fresh), begin if fresh else None, served_by)
    oldest = fresh[-1].created_at
    return Latest(sum(row.ok for row in fresh if row.created_at > oldest), oldest, served_by)


def of_project(
    session: Session, named: Models, project_id: str, before: str | None = None, limit: int = RUNS_SHOWN
) -> tuple[list[RunLine], str | None]:
    """(runs that people ordered, newest first, what to ask for as `before` next); `before` is a run's id."""
    wanted = [Run.project_id == project_id, Run.campaign_id.is_(None)]
    last = session.get(Run, before) if before else None
    if last is not None:
        wanted += [Run.created_at <= last.created_at, or_(Run.created_at < last.created_at, Run.id < last.id)]
    found = _lines(session, named, wanted, limit + 1)
    return found[:limit], found[limit - 1].id if len(found) > limit else None


def open_runs(session: Session, named: Models, limit: int = 100) -> list[RunLine]:
    """Runs that are not over, newest first. Each of them has blocks with jobs, so nothing that is over is looked at."""
    return _lines(session, named, [Run.id.in_(_with_jobs()), Run.status.in_(OPEN)], limit)


def halted(session: Session, limit: int) -> list[Row[Any]]:
    """(id, version, project, status, note) of runs that a fault paused or a cap stopped, newest first.

    Those of campaigns are not among them: their campaign is paused too, and lets them go on.
    """
    fault = (Run.status == "paused") & (Run.note != "")
    query = (
        select(Run.id, PromptVersion.number, Project.name, Run.status, Run.note)
        .join(Evaluation, Evaluation.id == Run.evaluation_id)
        .join(PromptVersion, PromptVersion.id == Evaluation.prompt_version_id)
        .join(Project, Project.id == Run.project_id)
        .where(Run.id.in_(_with_jobs()), Run.campaign_id.is_(None), or_(fault, Run.status == "exhausted"))
        .order_by(Run.created_at.desc(), Run.id.desc())
        .limit(limit)
    )
    return list(session.execute(query))


def score_of(evaluation: Evaluation) -> Estimate | None:
    """What was summed up last; nothing of a holdout, which its campaign alone tells of."""
    return None if evaluation.split == "holdout" else _score(evaluation)


def _with_jobs() -> Select[str]:
    return select(Job.party).where(Job.kind == BLOCK, Job.status.in_(("queued", "running", "idle"))).distinct()  # type: ignore[return-value]


def _lines(session: Session, named: Models, wanted: list[ColumnElement[bool]], limit: int) -> list[RunLine]:
    columns = (
        Run.id, Run.project_id, Project.name.label("project"), Evaluation.prompt_version_id, PromptVersion.number,
        Evaluation.endpoint_id, Evaluation.split, Run.status, Run.note, Run.total, Run.done, Run.samples,
        Evaluation.goal, Evaluation.value, Evaluation.low, Evaluation.high, Evaluation.n, Run.created_at,
        Run.finished_at,
    )  # fmt: skip
    query = (
        select(*columns)
        .join(Evaluation, Evaluation.id == Run.evaluation_id)
        .join(PromptVersion, PromptVersion.id == Evaluation.prompt_version_id)
        .join(Project, Project.id == Run.project_id)
        .where(*wanted)
        .order_by(Run.created_at.desc(), Run.id.desc())
        .limit(limit)
    )
    return [_line(row, named) for row in session.execute(query)]


def _line(row: Any, named: Models) -> RunLine:
    return RunLine(
        id=row.id,
        project_id=row.project_id,
        project=row.project,
        version_id=row.prompt_version_id,
        version=row.number,
        task_model=named[row.endpoint_id],
        split=row.split,
        status=row.status,
        note=row.note,
        total=row.total,
        done=row.done,
        samples=row.samples,
        goal=row.goal,
        score=None if row.split == "holdout" else _score(row),
        created_at=row.created_at,
        finished_at=row.finished_at,
    )


def _score(row: Any) -> Estimate | None:
    return None if row.value is None else Estimate(row.value, row.low, row.high, row.n)
