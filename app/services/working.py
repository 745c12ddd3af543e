"""Does whatever a job's row says is to be done."""

from collections.abc import Sequence

import structlog

from app.services import evaluating, holding, importing, improving, looking, rereading, retuning, rules
from app.settings import Settings
from app.storage import jobs
from app.storage.jobs import Nudge
from app.storage.session import Database


def work(database: Database, settings: Settings, job_id: str) -> Sequence[Nudge]:
    """Work on a job for a while; whom to nudge afterwards. What is logged meanwhile names the job."""
    with database.read() as session:
        job = session.get(jobs.Job, job_id)
    if job is None:
        return []
    with structlog.contextvars.bound_contextvars(job=job_id, kind=job.kind, subject=job.subject):
        if job.kind == holding.RUN:
            return evaluating.conclude(database, settings, job_id)
        if job.kind == holding.OPENING:
            return looking.conclude(database, settings, job_id)
        if job.kind == retuning.KIND:
            return retuning.work(database, settings, job_id)
        if job.kind == rules.KIND:
            return rereading.work(database, settings, job_id)
        if job.kind == importing.KIND:
            again = importing.run(database, settings, job_id)
            return [Nudge(job_id, job.kind)] if again else []
        return improving.drive(database, settings, job_id)
