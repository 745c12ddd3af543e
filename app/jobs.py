"""Pokes the queue: a message carries one job id and nothing else, the job's row says what is to be done."""

from pathlib import Path
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError

from app.settings import Settings

WORK = "agon.work"
CALLS = "agon.calls"
CALLS_QUEUE = "calls"
TICK = "agon.tick"
BLOCK = "block"
TIDY = "agon.tidy"
TIDY_SECONDS = 600.0
_CONNECT = {"max_retries": 1, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.5}


def _broker(settings: Settings) -> dict[str, Any]:
    if settings.redis_url:
        options = {
            "visibility_timeout": 3600,
            "unacked_restore_interval": 10,
            "unacked_restore_throttle": 1,
            "socket_timeout": 30,
            "socket_connect_timeout": 3,
            "global_keyprefix": "agon:",
        }
        return {"broker_url": settings.redis_url, "broker_transport_options": options}
    queue, control = (_made(settings.data_dir.resolve() / name) for name in ("queue", "control"))
    return {
        "broker_url": "filesystem://localhost",
        "broker_transport": "worker.filebroker:Transport",
        "broker_transport_options": {
            "data_folder_in": str(queue),
            "data_folder_out": str(queue),
            "control_folder": str(control),
            "polling_interval": 0.1,
        },
    }


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def make_celery(settings: Settings) -> Celery:
    """The Celery app of these settings; only the worker gives it tasks."""
    celery = Celery("agon")
    celery.conf.update(
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_ignore_result=True,
        worker_prefetch_multiplier=1,
        accept_content=["json"],
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        broker_connection_retry_on_startup=True,
        worker_cancel_long_running_tasks_on_connection_loss=True,
        timezone="UTC",
        task_routes={CALLS: {"queue": CALLS_QUEUE}},
        beat_schedule={
            "tick": {"task": TICK, "schedule": settings.tick_seconds, "options": {"expires": 10}},
            "tidy": {"task": TIDY, "schedule": TIDY_SECONDS, "options": {"expires": 300}},
        },
        **_broker(settings),
    )
    return celery


class Poker:
    """Sends nudges. One that cannot be sent is only late: the tick finds the job by its row."""

    def __init__(self, settings: Settings) -> None:
        self._celery = make_celery(settings)

    def poke(self, job_id: str, kind: str = "") -> None:
        """Blocks have a queue, and a pool of processes, of their own."""
        try:
            self._celery.send_task(CALLS if kind == BLOCK else WORK, [job_id], retry_policy=_CONNECT)
        except (OSError, OperationalError):
            return

    def alive(self) -> bool:
        """Whether the broker can be reached."""
        try:
            with self._celery.connection_for_write() as connection:
                connection.ensure_connection(**_CONNECT)
        except Exception:
            return False
        return True
