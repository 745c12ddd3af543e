"""What is looked after every second or so: jobs whose poke was lost, and those of dead workers."""

import structlog

from app.storage import jobs
from app.storage.jobs import Nudge
from app.storage.session import Database

_log = structlog.get_logger(__name__)


def lost_jobs(database: Database) -> list[Nudge]:
    """Jobs whose poke was lost or whose holder died; each is named again only after a while."""
    with database.read() as session:
        found = jobs.due(session)
    if found:
        with database.write() as session:
            jobs.poked(session, [nudge.job_id for nudge in found])
        _log.debug("poked again", jobs=len(found))
    return found
