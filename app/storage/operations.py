"""What operations pages, metrics and `agon status` read: a fixed number of look-ups, none of them in the log of calls."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Session

from app.storage import run_boards
from app.storage.base import now
from app.storage.campaigns import OPEN, Campaign, CampaignEvent
from app.storage.jobs import Job
from app.storage.projects import Project
from app.storage.runs import Block
from app.storage.uploads import Upload

SHOWN = 50
# An expired lease is taken over by the next tick; one that was not after this long is stuck.
TAKEN_OVER_WITHIN = timedelta(seconds=15)
# A due job is claimed within a second or two while a process is free.
CLAIMED_WITHIN = timedelta(seconds=60)


@dataclass(frozen=True)
class Depth:
    """Jobs of one kind: `due` could run now, `running` do, `lost` have an expired lease, `waiting` are put off."""

    kind: str
    due: int = 0
    running: int = 0
    lost: int = 0
    waiting: int = 0
    oldest_due: datetime | None = None
    next_waiting: datetime | None = None


@dataclass(frozen=True)
class HeldJob:
    id: str
    kind: str
    subject: str
    holder: str


@dataclass(frozen=True)
class TroubledJob:
    """A job that does not go on by itself: `state` is lost (lease expired), overdue, or put off after an error."""

    id: str
    kind: str
    subject: str
    state: str
    attempts: int
    last_error: str
    since: datetime


@dataclass(frozen=True)
class Named:
    """A thing as people know it, and its address."""

    text: str
    href: str


@dataclass(frozen=True)
class PausedCampaign:
    id: str
    name: Named
    note: str


@dataclass(frozen=True)
class HaltedRun:
    """A run that a fault paused, or a cap stopped when it is `exhausted`."""

    id: str
    name: Named
    exhausted: bool
    note: str


def depths(session: Session) -> list[Depth]:
    """How many jobs of each kind wait and run, kinds in order."""
    moment = now()
    due, queued = Job.next_at <= moment, Job.status == "queued"
    state = case((queued & due, "due"), (queued, "waiting"), (Job.lease_until < moment, "lost"), else_="running")
    query = select(Job.kind, state, func.count(), func.min(Job.next_at)).group_by(Job.kind, state)
    found: dict[str, dict[str, object]] = {}
    for kind, name, count, first in session.execute(query.where(Job.status.in_(("queued", "running")))):
        facts = found.setdefault(kind, {})
        facts[name] = count
        facts |= {"oldest_due": first} if name == "due" else {"next_waiting": first} if name == "waiting" else {}
    return [Depth(kind, **facts) for kind, facts in sorted(found.items())]  # type: ignore[arg-type]


def held(session: Session) -> list[HeldJob]:
    """Jobs that a worker has now."""
    query = select(Job.id, Job.kind, Job.subject, Job.holder).where(Job.status == "running", Job.lease_until >= now())
    return [HeldJob(*row) for row in session.execute(query.order_by(Job.next_at).limit(SHOWN))]


def troubled(session: Session) -> list[TroubledJob]:
    """Jobs that are stuck or were put off after an error, the longest first."""
    moment = now()
    lost = (Job.status == "running") & (Job.lease_until < moment - TAKEN_OVER_WITHIN)
    put_off = (Job.status == "queued") & (Job.last_error != "") & (Job.next_at > moment)
    overdue = (Job.status == "queued") & (Job.next_at < moment - CLAIMED_WITHIN) & Job.party.is_(None)
    state = case((lost, "lost"), (put_off, "put off"), else_="overdue")
    since = case((lost, Job.lease_until), else_=Job.next_at)
    query = select(Job.id, Job.kind, Job.subject, state, Job.attempts, Job.last_error, since)
    found = [session.execute(query.where(one).order_by(since).limit(SHOWN)).all() for one in (lost, put_off, overdue)]
    return [TroubledJob(*row) for rows in found for row in rows][:SHOWN]


def paused_by_fault(session: Session) -> list[PausedCampaign]:
    """Campaigns that no person paused and of which nothing was asked since, newest first."""
    asked = select(CampaignEvent.id).where(CampaignEvent.campaign_id == Campaign.id, ~CampaignEvent.handled).exists()
    fault = (Campaign.status == "paused", Campaign.note != "", ~asked)
    query = _campaigns().add_columns(Campaign.note).where(*fault)
    rows = session.execute(query.order_by(Campaign.created_at.desc()).limit(SHOWN))
    return [PausedCampaign(id_, _named(id_, number, project), note) for id_, number, project, note in rows]


def halted_runs(session: Session) -> list[HaltedRun]:
    """Runs that people ordered and that do not go on, but for those that a person paused; newest first."""
    rows = run_boards.halted(session, SHOWN)
    return [
        HaltedRun(
            row.id,
            Named(f"evaluation of v{row.number} of {row.name}", f"/evaluations/{row.id}"),
            row.status == "exhausted",
            row.note,
        )
        for row in rows
    ]


def campaign_names(session: Session, ids: Collection[str]) -> dict[str, Named]:
    rows = session.execute(_campaigns().where(Campaign.id.in_(ids)))
    return {id_: _named(id_, number, project) for id_, number, project in rows}


def block_names(session: Session, ids: Collection[str]) -> dict[str, Named]:
    query = select(Block.id, Block.first, Block.upto, Block.run_id).where(Block.id.in_(ids))
    return {
        id_: Named(f"examples {first + 1} to {upto} of an evaluation", f"/evaluations/{run_id}")
        for id_, first, upto, run_id in session.execute(query)
    }


def run_names(session: Session, ids: Collection[str]) -> dict[str, Named]:
    return {id_: Named("an evaluation", f"/evaluations/{id_}") for id_ in ids}


def threshold_names(session: Session, ids: Collection[str]) -> dict[str, Named]:
    return {id_: Named("thresholds of an evaluation", f"/evaluations/{id_}/thresholds") for id_ in ids}


def opening_names(session: Session, ids: Collection[str]) -> dict[str, Named]:
    return {id_: Named("an opening of a holdout", f"/openings/{id_}") for id_ in ids}


def upload_names(session: Session, ids: Collection[str]) -> dict[str, Named]:
    rows = session.execute(select(Upload.id, Upload.filename).where(Upload.id.in_(ids)))
    return {id_: Named(f"import of {filename}", f"/uploads/{id_}") for id_, filename in rows}


def project_names(session: Session, ids: Collection[str]) -> dict[str, Named]:
    rows = session.execute(select(Project.id, Project.name).where(Project.id.in_(ids)))
    return {id_: Named(f"outputs of {name} to read again", f"/projects/{id_}") for id_, name in rows}


def open_campaigns(session: Session) -> dict[str, int]:
    """How many campaigns are queued, running or paused; those that ended are not counted: they only grow."""
    query = select(Campaign.status, func.count()).where(Campaign.status.in_(OPEN)).group_by(Campaign.status)
    found = {status: count for status, count in session.execute(query)}
    return {status: found.get(status, 0) for status in OPEN}


def _campaigns() -> Select[str, int, str]:
    return select(Campaign.id, Campaign.number, Project.name).join(Project, Project.id == Campaign.project_id)


def _named(campaign_id: str, number: int, project: str) -> Named:
    return Named(f"campaign {number} of {project}", f"/campaigns/{campaign_id}")
