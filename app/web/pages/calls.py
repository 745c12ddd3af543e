"""The log of calls."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from app.storage import call_log, endpoints
from app.storage.call_log import CallFilter
from app.web.dependencies import Reading
from app.web.rendering import page

router = APIRouter(include_in_schema=False)
SHOWN = 50


@router.get("/calls")
def show(
    request: Request,
    session: Reading,
    campaign: str = "",
    run: str = "",
    endpoint: str = "",
    purpose: str = "",
    failed: Annotated[str, Query()] = "",
    before: str = "",
) -> Response:
    wanted = CallFilter(campaign, endpoint, purpose, bool(failed), run)
    found, older = call_log.page(session, wanted, before, SHOWN)
    chosen = {"campaign": campaign, "run": run, "endpoint": endpoint, "purpose": purpose, "failed": failed}
    query = urlencode({name: value for name, value in chosen.items() if value})
    return page(
        request,
        "calls/list.html",
        calls=found,
        chosen=chosen,
        query=query,
        before=before,
        older=older,
        purposes=call_log.PURPOSES,
        campaigns=call_log.campaigns(session, campaign),
        endpoints=endpoints.listed(session),
    )


@router.get("/calls/{call_id}")
def detail(request: Request, session: Reading, call_id: str) -> Response:
    found = call_log.detail(session, call_id)
    return page(request, "calls/show.html", detail=found, call=found.call)
