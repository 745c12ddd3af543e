"""Does whatever a job's row says is to be done."""

import structlog

from app.services import importing, improving
from app.settings import Settings
from app.storage import jobs
from app.storage.session import Database

_log = structlog.get_logger(__name__)


def work(database: Database, settings: Settings, job_id: str) -> bool:
    """Work on a job for a while; True when it must be poked again. What is logged meanwhile names the job."""
    with database.read() as session:
        job = session.get(jobs.Job, job_id)
    if job is None:
        return False
    run = importing.run if job.kind == importing.KIND else improving.drive
    with structlog.contextvars.bound_contextvars(job=job_id, kind=job.kind, subject=job.subject):
        return run(database, settings, job_id)


def lost_jobs(database: Database) -> list[str]:
    """Jobs whose poke was lost or whose holder died; each is named again only after a while."""
    with database.read() as session:
        found = jobs.due(session)
    if found:
        with database.write() as session:
            jobs.poked(session, found)
        _log.debug("poked again", jobs=len(found))
    return found
