"""What is looked after every second or so: jobs that were lost, and what has had its time."""

from app.storage import answers, jobs
from app.storage.base import now
from app.storage.jobs import Nudge
from app.storage.session import Database

BODIES_AT_ONCE = 500


def lost_jobs(database: Database) -> list[Nudge]:
    """Jobs whose poke was lost or whose holder died; each is named again only after a while."""
    with database.read() as session:
        found = jobs.due(session)
    if found:
        with database.write() as session:
            jobs.poked(session, [nudge.job_id for nudge in found])
    return found


def forget(database: Database) -> None:
    """Drop what the log of calls keeps for a time only."""
    with database.read() as session:
        due = answers.bodies_due(session, now())
    if due:
        with database.write() as session:
            answers.forget_bodies(session, now(), BODIES_AT_ONCE)
