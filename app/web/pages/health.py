"""Whether the process is alive, and whether what it needs answers."""

from collections.abc import Callable, Mapping

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from app.web.rendering import VERSION

Ready = Callable[[], Mapping[str, object]]
router = APIRouter(include_in_schema=False)


@router.get("/healthz")
def alive() -> dict[str, str]:
    return {"status": "alive", "version": VERSION}


@router.get("/readyz")
def ready(request: Request) -> Response:
    """What the assembler's check found: 200, or 503 when its `ready` is not true."""
    check: Ready = request.app.state.ready
    found = dict(check())
    return JSONResponse(found, 200 if found.get("ready") is True else 503)
