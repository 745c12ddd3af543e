"""The installation: workers, what waits, which limits hold, what is stuck and a button that lets it go on."""

from fastapi import APIRouter, BackgroundTasks, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from app.services import campaigns, operations, steering
from app.web.dependencies import Reading, Writing
from app.web.nudging import poke_later
from app.web.rendering import page
from app.web.serving import broker_answers

router = APIRouter(include_in_schema=False)


def _show(request: Request, session: Session, template: str) -> Response:
    limits = operations.limits_in_force(session, request.app.state.settings)
    found = operations.view(session, broker_answers(request), limits)
    return page(request, template, operations=found)


@router.get("/operations")
def show(request: Request, session: Reading) -> Response:
    return _show(request, session, "operations/show.html")


@router.get("/operations/live")
def live(request: Request, session: Reading) -> Response:
    """The part of the page that changes, which is all of it."""
    return _show(request, session, "operations/_live.html")


@router.post("/operations/jobs/{job_id}/retry")
def retry(request: Request, session: Writing, later: BackgroundTasks, job_id: str) -> Response:
    nudge = operations.retry(session, job_id)
    later.add_task(request.app.state.poke, nudge.job_id, nudge.kind)
    return RedirectResponse("/operations", 303)


@router.post("/operations/campaigns/{campaign_id}/retry")
def resume(request: Request, session: Writing, later: BackgroundTasks, campaign_id: str) -> Response:
    later.add_task(request.app.state.poke, campaigns.ask(session, campaign_id, "resume"))
    return RedirectResponse("/operations", 303)


@router.post("/operations/runs/{run_id}/retry")
def go_on(request: Request, session: Writing, later: BackgroundTasks, run_id: str) -> Response:
    poke_later(request, later, steering.ask(session, run_id, "resume"))
    return RedirectResponse("/operations", 303)
