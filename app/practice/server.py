"""The practice server: simulated models behind OpenAI's completions and embeddings, with trouble on request."""

import asyncio
import contextlib
import json
import socket
from collections.abc import Awaitable, Callable

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.practice.chat import Request, complete, listing, read_request
from app.practice.embeddings import Texts, embed, read_texts
from app.practice.requests import Refused, error_body
from app.practice.tally import Tally
from app.practice.troubles import Options, Trouble, trouble_of

_CLIENT_LEFT = 499
Asked = Request | Texts


class Practice:
    """One server's state: its options, its counts, and whether it is closing."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.tally = Tally()
        self.closing = asyncio.Event()

    async def chat(self, http: HttpRequest) -> Response:
        return await self._counted(http, read_request)

    async def embeddings(self, http: HttpRequest) -> Response:
        return await self._counted(http, read_texts)

    async def _counted(self, http: HttpRequest, read: Callable[[bytes], Asked]) -> Response:
        """Count, fail as drawn, else answer; the number is taken on arrival, before anything is awaited."""
        number = self.tally.total
        self.tally.total += 1
        status = _CLIENT_LEFT
        try:
            response = await self._answer(http, number, read)
            status = response.status_code
            return response
        finally:
            self.tally.by_status[str(status)] += 1

    async def _answer(self, http: HttpRequest, number: int, read: Callable[[bytes], Asked]) -> Response:
        try:
            request = read(await http.body())
        except Refused as refused:
            self.tally.by_name["refused"] += 1
            return JSONResponse(refused.body, refused.status)
        self.tally.by_name[request.name] += 1
        trouble = trouble_of(self.options, number)
        if trouble:
            self.tally.troubles[trouble] += 1
            if trouble == "rate_limited":
                return self._rate_limited()
        if await self._closed_within(self.options.latency):
            return _closing()
        return await self._served(http, request, trouble)

    async def _served(self, http: HttpRequest, request: Asked, trouble: Trouble | None) -> Response:
        if trouble == "failing":
            return JSONResponse(error_body("The practice server fails, as asked to.", "server_error"), 500)
        if trouble == "hanging":
            return await self._hang(http)
        told = complete(request) if isinstance(request, Request) else embed(request)
        body = json.dumps(told, ensure_ascii=False).encode()
        return Response(body[: len(body) // 2] if trouble == "broken" else body, media_type="application/json")

    def _rate_limited(self) -> Response:
        body = error_body("Too many requests, as asked to.", "requests", code="rate_limit_exceeded")
        return JSONResponse(body, 429, {"Retry-After": f"{self.options.retry_after:g}"})

    async def _hang(self, http: HttpRequest) -> Response:
        """Wait until the client leaves or the server closes, whichever comes first."""
        waits = {asyncio.ensure_future(_left(http)), asyncio.ensure_future(self.closing.wait())}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return _closing() if self.closing.is_set() else Response(status_code=_CLIENT_LEFT)

    async def _closed_within(self, seconds: float) -> bool:
        """Let time pass; true as soon as the server closes."""
        if seconds > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.closing.wait(), seconds)
        return self.closing.is_set()

    async def stats(self, _: HttpRequest) -> Response:
        return JSONResponse(self.tally.as_json())


async def _left(http: HttpRequest) -> None:
    while (await http.receive())["type"] != "http.disconnect":
        pass


def _closing() -> Response:
    return JSONResponse(error_body("The practice server is closing.", "server_error"), 503)


async def _models(_: HttpRequest) -> Response:
    return JSONResponse(listing())


async def _health(_: HttpRequest) -> Response:
    return JSONResponse({"status": "ok"})


def create_app(options: Options | None = None) -> Starlette:
    """The practice server as an ASGI application; its state is its own, so several can run side by side."""
    practice = Practice(options or Options())
    routes: list[tuple[str, str, Callable[[HttpRequest], Awaitable[Response]]]] = [
        ("/v1/chat/completions", "POST", practice.chat),
        ("/v1/embeddings", "POST", practice.embeddings),
        ("/v1/models", "GET", _models),
        ("/stats", "GET", practice.stats),
        ("/healthz", "GET", _health),
    ]
    app = Starlette(routes=[Route(path, endpoint, methods=[method]) for path, method, endpoint in routes])
    app.state.practice = practice
    return app


class _Server(uvicorn.Server):
    """Uvicorn that wakes waiting requests when it closes, so that closing takes no longer than a blink."""

    def __init__(self, config: uvicorn.Config, practice: Practice) -> None:
        super().__init__(config)
        self._practice = practice

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._practice.closing.set()
        await super().shutdown(sockets)


def serve(host: str, port: int, options: Options | None = None) -> None:
    """Serve until SIGTERM or SIGINT; returns, or dies of the signal, within two seconds of it."""
    app = create_app(options)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        lifespan="off",
        access_log=False,
        log_level="warning",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
    with contextlib.suppress(KeyboardInterrupt):
        _Server(config, app.state.practice).run()
