"""The database that a command works on: that of the settings, or another that is named."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import OperationalError, ProgrammingError

from app.errors import AgonError
from app.settings import Settings, settings
from app.storage.session import Database


@contextmanager
def opened() -> Iterator[Database]:
    """Raises AgonError when the database is not ready."""
    database = Database(settings().effective_database_url)
    try:
        yield database
    except (OperationalError, ProgrammingError) as fault:
        raise AgonError(f"The database cannot be used ({fault.orig}); start it, and run agon migrate.") from None
    finally:
        database.close()


def use_database(url: str) -> Settings:
    """The settings, with another database when one is named."""
    if url:
        os.environ["DATABASE_URL"] = url
        settings.cache_clear()
    return settings()
