"""Pokes the queue once a request's transaction is committed."""

from collections.abc import Iterable

from fastapi import BackgroundTasks, Request

from app.storage.jobs import Nudge


def poke_later(request: Request, later: BackgroundTasks, nudges: Iterable[Nudge]) -> None:
    for nudge in nudges:
        later.add_task(request.app.state.poke, nudge.job_id, nudge.kind)
