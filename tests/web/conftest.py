"""An app with a few routes of every kind, a client to it, a real server of it, and a real browser."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
import uvicorn
from fastapi import APIRouter, FastAPI, Form, Request, UploadFile
from markupsafe import Markup
from pydantic import BaseModel
from sqlalchemy import text
from starlette.responses import Response
from starlette.testclient import TestClient

from app.errors import BudgetExhausted, Conflict, EndpointFailure, Invalid, NotFound, Problem
from app.main import create_app
from app.settings import Settings
from app.storage.session import Database
from app.web.dependencies import Reading, Writing
from app.web.rendering import environment, page
from tests.web.arena_world import Played, World, played

CHROMIUM = Path("/usr/bin/chromium")
SECRET = b"a secret of the tests, thirty-two"
TROUBLES: dict[str, Exception] = {
    "missing": NotFound("There is no such prompt."),
    "conflict": Conflict("This campaign has already ended."),
    "spent": BudgetExhausted("No call is left under the cap."),
    "invalid": Invalid([Problem("It is empty.", "line 4, column label"), Problem("Unknown label.", "line 9")]),
    "away": EndpointFailure("The endpoint does not answer."),
    "wrong-key": EndpointFailure("The key was refused.", lasting=True),
    "bug": RuntimeError("a secret detail"),
}
_PAGE = """{% extends "base.html" %}{% from "macros/forms.html" import csrf, field %}{% block title %}Things{% endblock %}
{% block main %}<div class="head"><h1>Things</h1></div>
<form method="post" action="/things">{{ csrf(csrf_token) }}{{ field("name", "Name", "ring") }}
<button class="btn" id="send">Send</button></form>
{% if beat %}<div id="live" hx-get="/beat" hx-trigger="every 150ms" hx-swap="innerHTML">{{ beat }}</div>{% endif %}
<button id="swap" hx-post="/things" hx-vals='{"name": "bell"}' hx-target="#out">Send a part</button>
<button id="fail" hx-post="/refusals" hx-target="#out">Send nonsense</button><div id="out"></div>{% endblock %}"""
_BEAT = """<details id="why"><summary>Why</summary>Because</details><b data-live="n">{count}</b>
<i data-announce="Round {count} is decided"></i>"""


class Thing(BaseModel):
    name: str


def routes() -> APIRouter:
    """Pages, forms, uploads, fragments and an API, none of them with any defence of their own."""
    router = APIRouter()
    beats = {"count": 0}

    @router.get("/things")
    def show(request: Request, simulated: bool = False, still: bool = False) -> Response:
        beat = "" if still else Markup(_BEAT.format(count=0))
        return page(request, environment().from_string(_PAGE), beat=beat, simulated=simulated)

    @router.post("/things")
    def make(name: Annotated[str, Form()]) -> dict[str, str]:
        return {"made": name}

    @router.post("/files")
    def upload(file: UploadFile) -> dict[str, int | None]:
        return {"size": file.size}

    @router.get("/beat")
    def beat() -> Response:
        beats["count"] += 1
        return Response(_BEAT.format(**beats), 500 if beats["count"] > 3 else 200)

    @router.post("/refusals")
    def never() -> None:
        raise Conflict("This campaign has already ended.")

    @router.get("/trouble/{kind}")
    @router.get("/api/v1/trouble/{kind}")
    def trouble(kind: str) -> None:
        raise TROUBLES[kind]

    @router.get("/api/v1/things")
    def things() -> list[str]:
        return ["ring"]

    @router.post("/api/v1/things")
    def make_thing(thing: Thing) -> dict[str, str]:
        return {"made": thing.name}

    @router.post("/rows")
    def add_row(session: Writing, fail: bool = False) -> None:
        session.execute(text("insert into seen values (1)"))
        if fail:
            raise Conflict("Not now.")

    @router.get("/rows")
    def count_rows(session: Reading) -> int:
        return int(session.execute(text("select count(*) from seen")).scalar_one())

    return router


MakeApp = Callable[..., FastAPI]
MakeClient = Callable[..., TestClient]
Serve = Callable[..., str]


@pytest.fixture
def arena() -> Played:
    """Two campaigns that were driven once, to read."""
    return played()


@pytest.fixture
def own(arena: Played, tmp_path: Path) -> Iterator[World]:
    """A copy of the arena that a test may change."""
    world = arena.world.copied(tmp_path)
    yield world
    world.close()


@pytest.fixture
def make_app(tmp_path: Path) -> Iterator[MakeApp]:
    databases: list[Database] = []

    def build(clock: Callable[[], float] = time.time, secret: bytes = SECRET, **chosen: Any) -> FastAPI:
        databases.append(Database(f"sqlite:///{tmp_path / 'agon.sqlite3'}"))
        with databases[-1].write() as session:
            session.execute(text("create table if not exists seen (n integer)"))
        settings = Settings(data_dir=tmp_path, **chosen)
        app = create_app(settings, secret, databases[-1], lambda: {"ready": True, "database": "answers"}, print, clock)
        app.include_router(routes())
        return app

    yield build
    for database in databases:
        database.close()


@pytest.fixture
def make_client(make_app: MakeApp) -> MakeClient:
    """A client like a person's program: it follows nothing and sees the 500 page instead of the exception."""

    def build(base_url: str = "http://localhost:8000", **chosen: Any) -> TestClient:
        return TestClient(make_app(**chosen), base_url, raise_server_exceptions=False, follow_redirects=False)

    return build


@pytest.fixture
def serve(make_app: MakeApp) -> Iterator[Serve]:
    """Start a real server on a free port of the loopback; gives its address."""
    servers: list[tuple[uvicorn.Server, threading.Thread]] = []

    def start(**chosen: Any) -> str:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        config = uvicorn.Config(make_app(**chosen), port=port, log_level="critical", timeout_graceful_shutdown=2)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        servers.append((server, thread))
        deadline = time.monotonic() + 10
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.02)
        return f"http://127.0.0.1:{port}"

    yield start
    for server, thread in servers:
        server.should_exit = True
        thread.join(5)
