"""A real arena for the tests of pages: the demo set, the practice models over HTTP, campaigns that were truly driven."""

import atexit
import json
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from sqlalchemy import text
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.gateway.limits import Limits
from app.gateway.probe import list_models
from app.main import create_app
from app.practice.server import create_app as create_practice
from app.services import campaigns, catalogue, importing, improving
from app.services.campaigns import CampaignDraft
from app.services.projects import ProjectDraft
from app.settings import Settings
from app.storage import endpoints, prompts
from app.storage.campaigns import Campaign
from app.storage.endpoints import Endpoint
from app.storage.session import Database
from tests.databases import migrated_file
from tests.web.reading import token_on

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "app" / "demo" / "support_messages.jsonl"
CANARY = "zanzibarcanary"
SECRET = b"a secret of the tests, thirty-two"
TRIO = ("practice/exemplar-v1", "practice/describer-v1", "practice/trickster-v1")
DUO = ("practice/combiner-v1", "practice/trimmer-v1")
DEMO_ROWS = 240

Seen = Callable[[str], None]  # the model that is about to be asked


class Watched:
    """The practice server with somebody who looks on: `seen` is told of every chat request before it is answered."""

    def __init__(self, seen: Seen | None = None) -> None:
        self.inner: ASGIApp = create_practice()
        self.seen = seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            return await self.inner(scope, receive, send)
        message = await receive()
        if self.seen:
            self.seen(str(json.loads(message["body"])["model"]))
        told = iter([message])

        async def again() -> Message:
            return next(told, None) or await receive()

        await self.inner(scope, again, send)


@contextmanager
def serving(app: object) -> Iterator[str]:
    """A real server of an ASGI app on a free loopback port; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = uvicorn.Config(app, port=port, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)  # type: ignore[arg-type]
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(5)


def elsewhere(work: Callable[[], object]) -> threading.Thread:
    """Do it in another thread: where a browser is driven, an event loop runs in this one."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


@dataclass
class World:
    """A data folder with its database; `poked` are the jobs that the web app nudged."""

    folder: Path
    settings: Settings
    database: Database
    project_id: str = ""
    poked: list[str] = field(default_factory=list)

    @classmethod
    def at(cls, folder: Path) -> "World":
        return cls(folder, Settings(data_dir=folder), Database(migrated_file(folder / "agon.sqlite3")))

    def copied(self, folder: Path) -> "World":
        """The same world in another folder, free to be changed."""
        with self.database.read() as session:
            session.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        folder.mkdir(parents=True, exist_ok=True)
        for path in self.folder.iterdir():
            if path.is_file():
                shutil.copy(path, folder / path.name)
        return replace(World.at(folder), project_id=self.project_id)

    def close(self) -> None:
        self.database.close()

    def offer(self, url: str) -> None:
        """Register the practice models that listen at `url`."""
        models = list_models(f"{url}/v1", "", Limits.of(self.settings))
        with self.database.write() as session:
            catalogue.keep_practice(session, f"{url}/v1", models)

    def import_demo(self, name: str = "Support messages", rows: int | None = None) -> str:
        """The demo set with a canary in every holdout example; gives the project's id."""
        lines = DEMO.read_bytes().splitlines(keepends=True)[:rows]
        prepared = importing.prepare(self.settings, b"".join(lines), "support.jsonl", importing.Choices())
        held = {key for key, place in prepared.placements.items() if place.split == "holdout"}
        marked = tuple(
            replace(one, input=f"{one.input} {CANARY}") if one.key in held else one
            for one in prepared.imported.examples
        )
        prepared = replace(prepared, imported=replace(prepared.imported, examples=marked))
        with self.database.write() as session:
            self.project_id = importing.save(session, self.settings, ProjectDraft(name, ""), prepared)
        return self.project_id

    def endpoint(self, full_name: str) -> Endpoint:
        with self.database.read() as session:
            found = endpoints.named(session, full_name)
        assert found is not None, full_name
        return found

    def first_prompt(self) -> str:
        with self.database.read() as session:
            return prompts.numbered(session, prompts.line_of(session, self.project_id).id, 1).id

    def start(
        self,
        generators: Sequence[str] = TRIO,
        *,
        calls: int = 4000,
        rounds: int = 3,
        seed: int = 1,
        task: str = "practice/skimmer-v1",
    ) -> tuple[str, str]:
        """(campaign, job) of a queued campaign."""
        draft = CampaignDraft(
            self.project_id, self.first_prompt(), self.endpoint(task).id,
            [self.endpoint(name).id for name in generators], max_calls=calls, max_rounds=rounds, seed=seed,
        )  # fmt: skip
        with self.database.write() as session:
            campaign, job_id = campaigns.start(session, self.settings, draft)
            return campaign.id, job_id

    def drive(self, job_id: str) -> None:
        """What a worker does when it is poked."""
        while improving.drive(self.database, self.settings, job_id):
            pass

    def campaign(self, campaign_id: str) -> Campaign:
        with self.database.read() as session:
            return session.get_one(Campaign, campaign_id)

    def app(self) -> FastAPI:
        return create_app(
            self.settings,
            SECRET,
            self.database,
            lambda: {"ready": True},
            lambda job_id, kind="": self.poked.append(job_id),
        )

    def visitor(self) -> "Visitor":
        return Visitor(TestClient(self.app(), "http://localhost:8000", follow_redirects=False))


@dataclass
class Visitor:
    """A person with a browser that follows nothing by itself."""

    client: TestClient

    def read(self, path: str, status: int = 200) -> str:
        response = self.client.get(path)
        assert response.status_code == status, response.text
        return response.text

    def json(self, path: str, status: int = 200) -> dict[str, object]:
        response = self.client.get(f"/api/v1{path}")
        assert response.status_code == status, response.text
        found: dict[str, object] = response.json()
        return found

    def send(self, path: str, fields: dict[str, object] | None = None, status: int = 303) -> str:
        """Send a form with the page's token; gives where it leads, or the page that comes back."""
        token = token_on(self.client.get("/endpoints").text)
        response = self.client.post(path, data={"csrf_token": token, **(fields or {})})
        assert response.status_code == status, response.text
        return response.headers.get("location", "") or response.text


@dataclass(frozen=True)
class Played:
    """Two campaigns of one world: one that ended, one that was paused in its first race and has no decided round.

    Nobody of the second has played in the first, so that a name on a page can come from one place only.
    """

    world: World
    finished: str
    undecided: str
    undecided_job: str


@lru_cache
def played() -> Played:
    """Driven once in a test run, for tests that only read or copy it."""
    folder = Path(tempfile.mkdtemp(prefix="agon-pages-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    world = World.at(folder)
    world.import_demo(rows=DEMO_ROWS)
    watched = Watched()
    with serving(watched) as url:
        world.offer(url)
        finished, job_id = world.start(rounds=3)
        world.drive(job_id)
        undecided, undecided_job = world.start(DUO, rounds=4, seed=2, task="practice/scholar-v1")
        watched.seen = pausing(world, undecided, DUO)
        world.drive(undecided_job)
    return Played(world, finished, undecided, undecided_job)


def pausing(world: World, campaign_id: str, writers: Sequence[str], proposals: int = 2, answers: int = 102) -> Seen:
    """Asks for a pause once so many proposals and then so many answers were asked for: past a race's first look."""
    so_far = {"proposals": 0, "answers": 0}

    def seen(model: str) -> None:
        writes = f"practice/{model}" in writers
        so_far["proposals"] += writes
        so_far["answers"] = 0 if writes else so_far["answers"] + 1
        if so_far == {"proposals": proposals, "answers": answers}:
            with world.database.write() as session:
                campaigns.ask(session, campaign_id, "pause")

    return seen
