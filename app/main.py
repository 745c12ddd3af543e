"""Assembles the web app: settings, secret, database and readiness in, one ASGI app out."""

import time
from collections.abc import Callable

from fastapi import Depends, FastAPI
from starlette.middleware import Middleware
from starlette.responses import FileResponse

from app.errors import Invalid
from app.jobs import Poker
from app.settings import Settings, settings
from app.storage.secrets import app_secret
from app.storage.session import Database
from app.web import api, errors
from app.web.metrics import Scrapes
from app.web.pages import (
    calls,
    campaigns,
    comparisons,
    docs,
    endpoints,
    evaluations,
    generators,
    health,
    home,
    login,
    metrics,
    openings,
    operations,
    projects,
    prompts,
    providers,
    rounds,
    rules,
    spend,
    test_sets,
    thresholds,
    uploads,
)
from app.web.rendering import STATIC, VERSION
from app.web.request_log import RequestLog
from app.web.security.bodies import BodyLimit
from app.web.security.forgery import refuse_forgery
from app.web.security.gate import Gate
from app.web.security.headers import SecurityHeaders
from app.web.security.hosts import KnownHosts, allowed_names
from app.web.security.origins import Writes
from app.web.security.sessions import Sessions
from app.web.security.throttle import Attempts
from app.web.serving import readiness
from app.web.static_files import VersionedFiles

_PAGES = (
    home, projects, rules, test_sets, uploads, prompts, campaigns, rounds, evaluations, thresholds, comparisons, openings, generators, providers,
    endpoints, calls, spend, operations, login, docs, health, metrics,
)  # fmt: skip
_ROUTERS = (*(page.router for page in _PAGES), api.router)
_PUBLIC = (
    "AGON_HOST {host} or AGON_ALLOWED_HOSTS {names} lets others reach this app: set AGON_PASSWORD, "
    "or bind to 127.0.0.1 and allow no further host."
)


def create_app(
    settings: Settings,
    secret: bytes,
    database: Database,
    ready: health.Ready,
    poke: Callable[..., None],
    clock: Callable[[], float] = time.time,
) -> FastAPI:
    """The app; raises Invalid when others could reach it and no password is set.

    `secret` signs sessions and forms; `poke` nudges the queue after a commit, with a job and its kind; `ready` gives what /readyz shows, with
    `{"ready": True}` when all is well; `clock` gives seconds since 1970.
    """
    if settings.reachable_by_others and not settings.password:
        raise Invalid(_PUBLIC.format(host=settings.host, names=",".join(settings.allowed_hosts) or "(empty)"))
    sessions = Sessions(secret, settings.password, settings.session_hours * 3600, clock)
    app = FastAPI(
        title="Agon",
        version=VERSION,
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(refuse_forgery)],
        middleware=_defences(settings, sessions),
    )
    app.state.secret, app.state.sessions, app.state.attempts = secret, sessions, Attempts()
    app.state.settings, app.state.database = settings, database
    app.state.ready, app.state.poke, app.state.scrapes = ready, poke, Scrapes(database)
    errors.register(app)
    for router in _ROUTERS:
        app.include_router(router)
    app.mount("/static", VersionedFiles(directory=STATIC), name="static")
    app.add_api_route("/favicon.ico", _favicon, include_in_schema=False)
    return app


def _defences(settings: Settings, sessions: Sessions) -> list[Middleware]:
    """From the outside in: each sees only what the ones before it let through."""
    return [
        Middleware(RequestLog),
        Middleware(SecurityHeaders),
        Middleware(KnownHosts, names=allowed_names(settings)),
        Middleware(Gate, token=settings.api_token, sessions=sessions),
        Middleware(Writes),
        Middleware(BodyLimit, limit=settings.max_upload_bytes),
    ]


def _favicon() -> FileResponse:
    """For browsers that ask without looking at the page's own link."""
    return FileResponse(STATIC / "favicon.svg", media_type="image/svg+xml")


def assemble() -> FastAPI:
    """The app of the environment's settings, as a server imports it."""
    now = settings()
    database, poker = Database(now.effective_database_url), Poker(now)
    return create_app(now, app_secret(now), database, readiness(database, poker), poker.poke)
