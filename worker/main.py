"""The worker: a Celery app whose processes open their own database, and whose parent says that it lives."""

import os
import signal
import threading
import time
from typing import Any

from billiard.process import active_children
from celery.bootsteps import RUN
from celery.signals import setup_logging, worker_process_init, worker_ready

from app.ending import end_with_parent
from app.jobs import CALLS_QUEUE, make_celery
from app.logs import configure
from app.settings import settings
from worker.beating import begin_beating, bind_worker

celery = make_celery(settings())
celery.autodiscover_tasks(["worker"], related_name="tasks", force=True)
GRACE_SECONDS = 2.5
ENDINGS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)


@setup_logging.connect
def log_our_way(**kwargs: Any) -> None:
    """That somebody listens here keeps Celery from setting up logs of its own."""
    configure(settings())


@worker_process_init.connect
def end_as_asked(**kwargs: Any) -> None:
    """In each process of the pool: a job that is asked to end saves what it bought and lets its lease go."""
    signal.signal(signal.SIGTERM, _leave)
    bind_worker(os.getppid())


def _leave(*told: Any) -> None:
    raise SystemExit(0)


@worker_ready.connect
def begin(sender: Any, **kwargs: Any) -> None:
    """Runs once, in the parent of the pool."""
    for number in ENDINGS:
        signal.signal(number, _end)
    end_with_parent()
    pool = "calls" if CALLS_QUEUE in sender.app.amqp.queues.consume_from else "drivers"
    begin_beating(sender.pool.num_processes, pool)
    threading.Thread(target=_end_with, args=(sender.controller,), daemon=True, name="ending").start()


def _end_with(controller: Any) -> None:
    """End when Celery gives up, as on an error while the broker goes away; whoever watches over us starts another."""
    while controller.blueprint.state == RUN:
        time.sleep(0.5)
    _end_pool()
    os._exit(1)


def _end(*told: Any) -> None:
    _end_pool()
    os._exit(0)


def _end_pool() -> None:
    """Ask every process of the pool to end, then make it: Celery's own ways take seconds or wait for whole jobs."""
    for process in active_children():
        process.terminate()
    limit = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < limit and any(process.is_alive() for process in active_children()):
        time.sleep(0.02)
    for process in active_children():
        os.kill(process.pid, signal.SIGKILL)
