"""Does whatever a job's row says is to be done."""

from app.services import importing, improving
from app.settings import Settings
from app.storage import jobs
from app.storage.session import Database


def work(database: Database, settings: Settings, job_id: str) -> bool:
    """Work on a job for a while; True when it must be poked again."""
    with database.read() as session:
        job = session.get(jobs.Job, job_id)
    if job is None:
        return False
    run = importing.run if job.kind == importing.KIND else improving.drive
    return run(database, settings, job_id)


def lost_jobs(database: Database) -> list[tuple[str, str]]:
    """(id, kind) of jobs whose poke was lost or whose holder died; each is named again only after a while."""
    with database.read() as session:
        found = jobs.due(session)
    if found:
        with database.write() as session:
            jobs.poked(session, [job_id for job_id, _ in found])
    return found
