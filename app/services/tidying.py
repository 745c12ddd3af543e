"""Throws away what nobody needs any more, so that an installation that is left alone does not grow."""

from app.settings import Settings
from app.storage import jobs, traffic, uploads
from app.storage.session import Database


def tidy(database: Database, settings: Settings) -> None:
    """Forget drafts of uploads, jobs that are long done, and calls by the minute of earlier hours."""
    with database.write() as session:
        uploads.forget_drafts(session, settings.draft_days)
    with database.write() as session:
        jobs.forget_idle(session)
        traffic.forget_old(session)
