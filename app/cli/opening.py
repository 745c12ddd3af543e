"""The migrated database of the settings, for a command that needs nothing else of the stack."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import OperationalError, ProgrammingError

from app.errors import AgonError
from app.settings import settings
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
