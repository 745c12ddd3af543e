"""What is sent twice: a second click starts nothing, and two who save at once are told what to do."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fastapi import APIRouter
from sqlalchemy import text
from starlette.testclient import TestClient

from app.main import create_app
from app.settings import Settings
from app.storage.session import Database
from app.web.dependencies import Writing
from tests.web.arena_world import DUO, World, played
from tests.web.conftest import SECRET
from tests.web.reading import token_on


@pytest.fixture
def own(tmp_path: Path) -> Iterator[World]:
    world = played().world.copied(tmp_path)
    yield world
    world.close()


def form(world: World, once: str, **changes: object) -> dict[str, object]:
    task, writers = world.endpoint("practice/skimmer-v1"), [world.endpoint(name).id for name in DUO]
    usual = {"start": world.first_prompt(), "task_model": task.id, "generators": writers}
    return {**usual, "calls": "4000", "rounds": "2", "seed": "5", "once": once, **changes}


def test_every_form_has_a_value_of_its_own(own: World) -> None:
    page = f"/projects/{own.project_id}/campaigns/new"
    visitor = own.visitor()
    found = {visitor.read(page).split('name="once" value="')[1].split('"')[0] for _ in range(2)}
    assert len(found) == 2
    assert all(len(once) == 12 for once in found)


def test_a_second_click_leads_to_the_campaign_that_the_first_one_started(own: World) -> None:
    visitor, page = own.visitor(), f"/projects/{own.project_id}/campaigns/new"
    first = visitor.send(page, form(own, "one-form"))
    assert visitor.send(page, form(own, "one-form")) == first
    others = {visitor.send(page, form(own, "one-form", seed="6")), visitor.send(page, form(own, "another-form"))}
    assert len(others | {first}) == 3, "another choice or another form is another campaign"


def test_two_clicks_at_once_start_one_campaign(own: World) -> None:
    visitor, page = own.visitor(), f"/projects/{own.project_id}/campaigns/new"
    given = {"csrf_token": token_on(visitor.read("/endpoints")), **form(own, "one-form")}
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: visitor.client.post(page, data=given), range(4)))
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == 1


def test_a_program_that_sends_its_choice_again_starts_nothing_twice(own: World) -> None:
    client = own.visitor().client
    choice = {"project_id": own.project_id, "max_rounds": 1}
    known = [client.post("/api/v1/campaigns", json={**choice, "once": "mine"}).json()["id"] for _ in range(2)]
    other = [client.post("/api/v1/campaigns", json=choice).json()["id"] for _ in range(2)]
    assert known[0] == known[1]
    assert len({*known, *other}) == 3


def clashing() -> APIRouter:
    router = APIRouter()

    @router.get("/clash")
    def clash(session: Writing) -> None:
        session.execute(text("insert into workspace (id, name) values ('main', 'again')"))

    @router.get("/fault")
    def fault(session: Writing) -> None:
        session.execute(text("insert into workspace (id, name) values ('other', null)"))

    return router


def test_two_who_save_the_same_key_are_told_to_send_it_again(database: Database, tmp_path: Path) -> None:
    app = create_app(Settings(data_dir=tmp_path), SECRET, database, lambda: {"ready": True}, print)
    app.include_router(clashing())
    client = TestClient(app, "http://localhost:8000", raise_server_exceptions=False)
    refused = client.get("/clash")
    assert refused.status_code == 409
    assert "Somebody else was saving at the same moment; send it again." in refused.text
    assert client.get("/fault").status_code == 500
