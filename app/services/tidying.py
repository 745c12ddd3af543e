"""Throws away what nobody needs any more, so that an installation that is left alone does not grow."""

from app.settings import Settings
from app.storage import answers, jobs, traffic, uploads
from app.storage.base import now
from app.storage.session import Database

BODIES_AT_ONCE = 1000


def tidy(database: Database, settings: Settings) -> None:
    """Forget drafts of uploads, jobs that are long done, calls by the minute of earlier hours, and old calls' texts."""
    with database.write() as session:
        uploads.forget_drafts(session, settings.draft_days)
    with database.write() as session:
        jobs.forget_idle(session)
        traffic.forget_old(session)
    while _forget_bodies(database) == BODIES_AT_ONCE:
        pass


def _forget_bodies(database: Database) -> int:
    """Some texts whose time in the log is over, in a transaction short enough for others to get in between."""
    with database.write() as session:
        return answers.forget_bodies(session, now(), BODIES_AT_ONCE)
