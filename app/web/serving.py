"""What the assembled app needs at run time: whether everything it leans on answers."""

from collections.abc import Callable, Mapping

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request

from app.jobs import Poker
from app.storage import heartbeats
from app.storage.base import now
from app.storage.session import Database


def readiness(database: Database, poker: Poker) -> Callable[[], Mapping[str, object]]:
    """A check of database, broker and worker: the age of the last heartbeat in seconds, None when there was none."""

    def check() -> Mapping[str, object]:
        try:
            with database.read() as session:
                session.execute(text("SELECT 1"))
                seen = heartbeats.last_beat(session)
        except SQLAlchemyError:
            return {"ready": False, "database": False}
        age = None if seen is None else (now() - seen).total_seconds()
        broker, worker = poker.alive(), age is not None and age < heartbeats.ALIVE.total_seconds()
        return {"ready": broker and worker, "database": True, "broker": broker, "worker_seen_seconds_ago": age}

    return check


def broker_answers(request: Request) -> bool:
    """Whether the queue can be reached, as readiness finds it."""
    return request.app.state.ready().get("broker", True) is True
