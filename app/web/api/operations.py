"""The JSON twin of the operations page."""

from fastapi import APIRouter, BackgroundTasks, Request
from pydantic import BaseModel

from app.services import campaigns, operations, steering
from app.services.operations import Operations
from app.web.dependencies import Reading, Writing
from app.web.nudging import poke_later
from app.web.serving import broker_answers

router = APIRouter(tags=["operations"])


class Retried(BaseModel):
    """The job that was made due."""

    job_id: str


class Resumed(BaseModel):
    """The run that goes on."""

    run_id: str


@router.get("/operations")
def show(request: Request, session: Reading) -> Operations:
    """Workers, queues, the pace of the last minutes, limits in force, and what is stuck and why."""
    limits = operations.limits_in_force(session, request.app.state.settings)
    return operations.view(session, broker_answers(request), limits)


@router.post("/operations/jobs/{job_id}/retry", status_code=202)
def retry(request: Request, session: Writing, later: BackgroundTasks, job_id: str) -> Retried:
    """Make a job that waits, or whose worker is gone, due now."""
    nudge = operations.retry(session, job_id)
    later.add_task(request.app.state.poke, nudge.job_id, nudge.kind)
    return Retried(job_id=nudge.job_id)


@router.post("/operations/campaigns/{campaign_id}/retry", status_code=202)
def resume(request: Request, session: Writing, later: BackgroundTasks, campaign_id: str) -> Retried:
    """Let a paused campaign go on."""
    wanted = campaigns.ask(session, campaign_id, "resume")
    later.add_task(request.app.state.poke, wanted)
    return Retried(job_id=wanted)


@router.post("/operations/runs/{run_id}/retry", status_code=202)
def go_on(request: Request, session: Writing, later: BackgroundTasks, run_id: str) -> Resumed:
    """Let a run that a fault paused or a cap stopped go on."""
    poke_later(request, later, steering.ask(session, run_id, "resume"))
    return Resumed(run_id=run_id)
