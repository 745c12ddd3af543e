"""The JSON twin of calls."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from app.storage import call_log
from app.storage.call_log import CallDetail, CallFilter, LoggedCall
from app.web.dependencies import Reading

router = APIRouter(tags=["calls"])


class CallsPage(BaseModel):
    """Calls, newest first; go on with `before` = `older`, which is empty at the end."""

    calls: list[LoggedCall]
    older: str


@router.get("/calls")
def show(
    session: Reading,
    campaign: str = "",
    run: str = "",
    endpoint: str = "",
    purpose: str = "",
    failed: bool = False,
    before: str = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> CallsPage:
    """Calls that were bought, but for those of a holdout; who wrote for an undecided round is null."""
    found, older = call_log.page(session, CallFilter(campaign, endpoint, purpose, failed, run), before, limit)
    return CallsPage(calls=found, older=older)


@router.get("/calls/{call_id}")
def detail(session: Reading, call_id: str) -> CallDetail:
    return call_log.detail(session, call_id)
