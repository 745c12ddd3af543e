"""Thresholds worked out anew by a worker, when somebody asks: at many answers that takes seconds."""

from sqlalchemy.orm import Session

from app.errors import Conflict
from app.services import faults, threshold_views, tuning
from app.settings import Settings
from app.storage import heartbeats, jobs, runs
from app.storage.jobs import Nudge
from app.storage.session import Database

KIND = "tuning"
LEASE_SECONDS = 600.0


def request(session: Session, run_id: str) -> list[Nudge]:
    """Whom to nudge after the commit. Raises NotFound, and Conflict for a holdout or without probabilities."""
    evaluation = threshold_views.evaluation_of(session, run_id)
    if not threshold_views.has_probabilities(session, evaluation):
        raise Conflict("No answer of this evaluation has probabilities yet.")
    return [Nudge(jobs.want(session, KIND, run_id), KIND)]


def pending(session: Session, run_id: str) -> bool:
    """Whether it was asked for and is not done yet."""
    return jobs.open_of(session, KIND, run_id)


def worker_missing(session: Session) -> bool:
    """Whether nobody lives who could do it."""
    return not heartbeats.alive_by_role(heartbeats.beats(session))["drivers"]


def work(database: Database, settings: Settings, job_id: str) -> list[Nudge]:
    """Work out what this job asks for; it is asked for again when somebody did so meanwhile."""
    with database.write() as session:
        lease = jobs.claim(session, job_id, max(settings.lease_seconds, LEASE_SECONDS))
    if lease is None:
        return []
    with database.read() as session:
        evaluation_id = runs.get(session, lease.subject).evaluation_id
    with faults.put_off(database, lease):
        tuning.keep(database, evaluation_id)
    with database.write() as session:
        return [Nudge(job_id, KIND)] if jobs.release(session, lease) else []
