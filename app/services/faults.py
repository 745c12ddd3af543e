"""What becomes of a job that fails inside Agon: it is put off with the reason on Operations, not held until its lease ends."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.storage import jobs
from app.storage.jobs import Lease, LeaseLost
from app.storage.session import Database

AGAIN_SECONDS = 60.0


@contextmanager
def put_off(database: Database, lease: Lease) -> Iterator[None]:
    """The fault goes on to the log of whoever called."""
    try:
        yield
    except LeaseLost:
        raise
    except Exception as fault:
        with database.write() as session:
            said = f"This failed inside Agon ({type(fault).__name__}); the worker's log says where."
            jobs.put_off(session, lease, said, AGAIN_SECONDS)
        raise
