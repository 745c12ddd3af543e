"""What every test can lean on: real databases built by the migrations, and sets that are found or honestly missing."""

import asyncio
import os
import uuid
from asyncio import AbstractEventLoop
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import create_engine, text

from app.settings import Settings
from app.storage.session import Database
from tests.databases import Emptied, emptying, migrated_file

CHROMIUM = Path("/usr/bin/chromium")
QUIET = (
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
JOURNEYS = ("flows", "browser")
ROOT = Path(__file__).resolve().parents[1]
POSTGRES = os.environ.get("TEST_DATABASE_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres")
REDIS = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/9")


hypothesis_settings.register_profile("agon", deadline=None)  # a machine may be busy
hypothesis_settings.load_profile("agon")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Journeys first: they mostly wait for processes of their own, and one that began last would be waited for alone."""
    items.sort(key=lambda item: item.path.parent.name not in JOURNEYS)


def missing(what: str) -> None:
    """Skip for want of something; under CI nothing may be missing."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing, and CI must not skip")
    pytest.skip(f"{what} is missing")


def data_folder() -> Path:
    """The folder of real labelled sets."""
    named = os.environ.get("AGON_TEST_DATA")
    places = [Path(named)] if named else [ROOT.parent / "shared" / "data", ROOT / "shared" / "data"]
    for place in places:
        if place.is_dir():
            return place
    missing("the folder of labelled sets (AGON_TEST_DATA)")
    raise AssertionError


def postgres_url() -> str:
    """A new empty PostgreSQL database."""
    engine = create_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    name = f"agon_test_{uuid.uuid4().hex[:12]}"
    try:
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
    except Exception:
        missing("PostgreSQL (TEST_DATABASE_URL)")
    finally:
        engine.dispose()
    return engine.url.set(database=name).render_as_string(hide_password=False)


def drop_postgres(url: str) -> None:
    engine = create_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {url.rsplit('/', 1)[1]} WITH (FORCE)"))
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'agon.sqlite3'}"
        return
    url = postgres_url()
    yield url
    drop_postgres(url)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Emptied]:
    """One migrated PostgreSQL database for the whole process; calling it empties it and gives its address."""
    url = postgres_url()
    with emptying(url) as emptied:
        yield emptied
    drop_postgres(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A migrated database of each kind, with no row but those of the migrations."""
    kind = request.param
    url = migrated_file(tmp_path / "agon.sqlite3") if kind == "sqlite" else request.getfixturevalue("postgres")()
    database = Database(url)
    yield database
    database.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture(scope="session")
def chromium() -> Iterator[tuple[Browser, AbstractEventLoop]]:
    """One Chromium for the whole process, with the event loop that drives it, which is put aside until it is wanted."""
    if not CHROMIUM.exists():
        missing("Chromium")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=str(CHROMIUM), args=QUIET)
        loop = asyncio.get_running_loop()
        asyncio._set_running_loop(None)
        yield launched, loop
        asyncio._set_running_loop(loop)
        launched.close()


@pytest.fixture
def browser(chromium: tuple[Browser, AbstractEventLoop]) -> Iterator[Browser]:
    """While it is driven an event loop runs in this thread, and no other test may meet that, nor what this one opened."""
    launched, loop = chromium
    asyncio._set_running_loop(loop)
    yield launched
    for context in launched.contexts:
        context.close()
    asyncio._set_running_loop(None)
