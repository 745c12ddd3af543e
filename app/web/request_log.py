"""Names each request and says in the log what came of it; the name goes back to whoever asked."""

import time

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.storage.base import new_id
from app.web.kinds import is_fragment

HEADER = "x-request-id"
_QUIET = frozenset({"/healthz", "/readyz", "/metrics", "/favicon.ico"})
_log = structlog.get_logger(__name__)


def request_id(request: Request) -> str:
    return str(getattr(request.state, "request_id", ""))


class RequestLog:
    """Every line that is logged meanwhile carries the `request_id`. Addresses are logged by their pattern alone."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        request, started, status = Request(scope), time.perf_counter(), 500
        request.state.request_id = new_id()

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = request.state.request_id
            await send(message)

        # Never unbound: a server gives each request a context of its own, and logs there what broke out of the app.
        structlog.contextvars.bind_contextvars(request_id=request.state.request_id)
        try:
            await self.app(scope, receive, named)
        finally:
            _tell(request, status, time.perf_counter() - started)


def _tell(request: Request, status: int, seconds: float) -> None:
    say = _log.error if status >= 500 else _log.debug if _quiet(request) else _log.info
    say("request", method=request.method, path=_pattern(request), status=status, ms=round(seconds * 1000, 1))


def _quiet(request: Request) -> bool:
    """What machines ask again and again: files, health, and the parts of a page that ask for themselves."""
    path: str = request.scope["path"]
    return path in _QUIET or path.startswith("/static/") or (request.method == "GET" and is_fragment(request))


def _pattern(request: Request) -> str:
    """`/campaigns/{campaign_id}` and never what a person typed after it."""
    if request.scope["path"].startswith("/static/"):
        return "/static"
    return str(getattr(request.scope.get("route"), "path", "none"))
