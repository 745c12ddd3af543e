"""The processes of one data folder: which of them answer, and how to start those that do not."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path
from time import monotonic, sleep
from typing import IO
from urllib.parse import urlsplit

import httpx2
from sqlalchemy.exc import OperationalError, ProgrammingError

from app.errors import AgonError, EndpointFailure
from app.gateway.limits import Limits
from app.gateway.probe import list_models
from app.jobs import CALLS_QUEUE
from app.services import catalogue
from app.settings import Settings
from app.storage import endpoints, heartbeats, migrating
from app.storage.base import now
from app.storage.session import Database
from app.supervisor import Child, Supervisor, python_module

DRIVERS, CALLERS = "drivers", "calls"
READY_SECONDS = 40.0
FRESH = timedelta(seconds=6)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def practice_port(settings: Settings) -> int:
    """The practice server's port: chosen once per data folder and kept, because stored answers name it."""
    path = settings.data_dir / "practice.port"
    if not path.exists():
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        path.write_text(str(free_port()))
    return int(path.read_text())


def practice_url(settings: Settings, database: Database) -> str:
    """Where the practice models listen: as set, else where others of this database reach them, else our own port."""
    if settings.practice_url:
        return settings.practice_url
    with database.read() as session:
        known = endpoints.provider_named(session, catalogue.PRACTICE)
    if known is not None and practice_answers(known.base_url):
        return known.base_url
    return f"http://127.0.0.1:{practice_port(settings)}/v1"


@cache
def _client() -> httpx2.Client:
    """One for every look: making it takes longer than a look, and whoever is waited for needs the processor."""
    return httpx2.Client(timeout=2, trust_env=False)


def practice_answers(url: str) -> bool:
    if not url:
        return False
    try:
        return _client().get(url.removesuffix("/v1") + "/healthz").status_code == 200
    except httpx2.HTTPError:
        return False


def pools_that_answer(database: Database) -> set[str]:
    """The pools of which a worker said lately that it lives; one of this machine must also be there still."""
    with database.read() as session:
        fresh = [one for one in heartbeats.beats(session) if now() - one.seen_at < FRESH and _alive(one.worker)]
    return {pool for pool in (DRIVERS, CALLERS) for one in fresh if one.role in (pool, heartbeats.ALL)}


def _alive(worker: str) -> bool:
    host, _, process = worker.rpartition(":")
    return host != socket.gethostname() or Path(f"/proc/{process}").exists() or not Path("/proc").exists()


def environment(settings: Settings) -> dict[str, str]:
    """What children inherit: the same settings, spelled out, and leave to reach our own practice server."""
    private = (*settings.private_endpoints, f"127.0.0.1:{practice_port(settings)}")
    return {
        **os.environ,
        "AGON_PRIVATE_ENDPOINTS": ",".join(private),
        "AGON_DATA_DIR": str(settings.data_dir.resolve()),
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "PYTHONUNBUFFERED": "1",
    }


def _log(settings: Settings, name: str) -> IO[bytes]:
    folder: Path = settings.data_dir / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    return (folder / f"{name}.log").open("ab")


def worker_command(settings: Settings, pool: str, *, beat: bool = True) -> list[str]:
    """The Celery worker of one pool: `drivers` of campaigns and imports, who also tick, or `calls`, who answer blocks.

    They are apart because a process that only makes calls needs a fraction of a driver's memory.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    drives = pool == DRIVERS
    queue = "celery" if drives else CALLS_QUEUE
    processes = settings.worker_processes + 1 if drives else settings.call_processes
    named = "--pool", pool, "--queue", queue, "--processes", str(processes), "--log-level", settings.log_level
    schedule = settings.data_dir.resolve() / "beat-schedule"
    return python_module("worker", *named, *(("--schedule", str(schedule)) if drives and beat else ()))


def workers(settings: Settings, *, beat: bool = True, logged: bool = True) -> dict[str, Child]:
    """A worker: one child for each pool."""
    names = {DRIVERS: "worker", CALLERS: "calls"}
    return {
        pool: Child(name, worker_command(settings, pool, beat=beat), _log(settings, name) if logged else None)
        for pool, name in names.items()
    }


def _children(settings: Settings, database: Database, *, web: bool, latency: float) -> list[Child]:
    children = []
    if not practice_answers(practice_url(settings, database)) and not settings.practice_url:
        command = python_module("app.practice", "--port", str(practice_port(settings)), "--latency", str(latency))
        children.append(Child("practice", command, _log(settings, "practice")))
    answering = pools_that_answer(database)
    children += [child for pool, child in workers(settings).items() if pool not in answering]
    if web:
        children.append(Child("web", python_module("app.cli", "web"), _log(settings, "web")))
    return children


@contextmanager
def stack(settings: Settings, *, web: bool = False, latency: float | None = None) -> Iterator[Database]:
    """The migrated database with a worker and the practice server answering; ends what it started."""
    migrating.upgrade(settings.effective_database_url)
    database = Database(settings.effective_database_url)
    if web:
        _check_port(settings)
    wait = settings.practice_latency if latency is None else latency
    children = _children(settings, database, web=web, latency=wait)
    try:
        with Supervisor(environment(settings), children, settings.log_bytes):
            register(settings, database)
            yield database
    finally:
        database.close()


def _check_port(settings: Settings) -> None:
    """Raises AgonError when something listens where the web server should."""
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as fault:
            raise AgonError(
                f"The pages cannot be served on {settings.host}:{settings.port} ({fault.strerror}). "
                "Another Agon may be running: end it, or set AGON_PORT."
            ) from None


def register(settings: Settings, database: Database) -> None:
    """Write the practice models and the environment's provider into the database, as soon as they answer."""
    url, limit = practice_url(settings, database), monotonic() + READY_SECONDS
    while not practice_answers(url):
        if monotonic() > limit:
            raise EndpointFailure(f"The practice server does not answer at {url}; see logs/practice.log.")
        sleep(0.05)
    offer(settings, database, url)


def offer(settings: Settings, database: Database, url: str) -> None:
    """Write down the environment's provider and, when they answer at `url`, the practice models."""
    trusting = settings.model_copy(update={"private_endpoints": (urlsplit(url).netloc,)})
    models = list_models(url, "", Limits.of(trusting)) if practice_answers(url) else ()
    with database.write() as session:
        if models:
            catalogue.keep_practice(session, url, models)
        catalogue.keep_environment_provider(session, settings)


def offer_alone(settings: Settings) -> None:
    """For a web server that no supervisor started. Raises AgonError when the database is not ready."""
    database = Database(settings.effective_database_url)
    try:
        with database.read() as session:
            endpoints.providers(session)
        offer(settings, database, settings.practice_url)
    except (OperationalError, ProgrammingError) as fault:
        raise AgonError(f"The database cannot be used ({fault.orig}); start it, and run agon migrate.") from None
    finally:
        database.close()


def wait_for_web(settings: Settings) -> str:
    """The web server's address, once it answers."""
    host = settings.host if settings.host not in {"0.0.0.0", "::"} else "127.0.0.1"  # noqa: S104
    address, limit = f"http://{host}:{settings.port}", monotonic() + READY_SECONDS
    while monotonic() < limit:
        try:
            if _client().get(f"{address}/healthz").status_code == 200:
                return address
        except httpx2.HTTPError:
            pass
        sleep(0.1)
    raise AgonError(f"The web server does not answer at {address}; see {settings.data_dir}/logs/web.log.")
