"""The worker: a Celery app whose processes open their own database, and whose parent says that it lives."""

import logging
import os
import signal
import socket
import threading
import time
from typing import Any

from billiard.process import active_children
from celery.signals import worker_process_init, worker_ready

from app.jobs import make_celery
from app.settings import settings
from app.storage import jobs
from app.storage.session import Database
from app.supervisor import end_with_parent

celery = make_celery(settings())
celery.autodiscover_tasks(["worker"], related_name="tasks", force=True)
logging.basicConfig(level=settings().log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
for noisy in ("httpx2", "httpcore2", "openai", "kombu", "celery.beat", "celery.app.trace", "celery.worker.strategy"):
    logging.getLogger(noisy).setLevel(logging.WARNING)

BEAT_SECONDS = 2.0
GRACE_SECONDS = 2.5
ENDINGS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)


@worker_process_init.connect
def end_as_asked(**kwargs: Any) -> None:
    """In each process of the pool: a job that is asked to end saves what it bought and lets its lease go."""
    signal.signal(signal.SIGTERM, _leave)


def _leave(*told: Any) -> None:
    raise SystemExit(0)


@worker_ready.connect
def begin(**kwargs: Any) -> None:
    """Runs once, in the parent of the pool."""
    for number in ENDINGS:
        signal.signal(number, _end)
    end_with_parent()
    threading.Thread(target=_beat, daemon=True, name="heartbeat").start()


def _beat() -> None:
    name, database = f"{socket.gethostname()}:{os.getpid()}", Database(settings().effective_database_url)
    while True:
        try:
            with database.write() as session:
                jobs.beat(session, name)
        except Exception:
            logging.getLogger(__name__).warning("the heartbeat could not be written", exc_info=True)
        time.sleep(BEAT_SECONDS)


def _end(*told: Any) -> None:
    """Ask every process of the pool to end, then make it: Celery's own ways take seconds or wait for whole jobs."""
    for process in active_children():
        process.terminate()
    limit = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < limit and any(process.is_alive() for process in active_children()):
        time.sleep(0.02)
    for process in active_children():
        os.kill(process.pid, signal.SIGKILL)
    os._exit(0)
