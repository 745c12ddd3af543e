"""Generators: who writes the best prompts."""

from math import ceil

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.services.rating import board
from app.storage import projects, records
from app.web.dependencies import Reading
from app.web.rendering import page

router = APIRouter(include_in_schema=False)


@router.get("/generators")
def show(request: Request, session: Reading, project: str = "") -> Response:
    chosen = projects.get(session, project) if project else None
    found = board(session, project or None)
    rows = [row for group in found.groups for row in group]
    low, high = _domain([bound for row in rows for bound in (row.low, row.high) if bound is not None])
    return page(
        request,
        "generators/list.html",
        board=found,
        met={(meeting.row, meeting.column): meeting for meeting in found.meetings},
        chosen=chosen,
        projects=records.fought_projects(session),
        domain=(low, high),
        marks=[low, (low + 1000) / 2, 1000, (high + 1000) / 2, high],
    )


def _domain(bounds: list[float]) -> tuple[float, float]:
    """An axis in hundreds around 1000 that holds every interval, but at most 800 to either side."""
    reach = max((abs(bound - 1000) for bound in bounds), default=0.0)
    half = min(800, max(200, 100 * ceil(reach / 100)))
    return 1000.0 - half, 1000.0 + half
