"""What a page asks of the database, counted."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from app.services import overviews
from tests.web.arena_world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World.at(tmp_path)
    world.import_demo(rows=60)
    yield world
    world.close()


def show_home(session: Session, world: World) -> None:
    overviews.home(session)


def show_project(session: Session, world: World) -> None:
    overviews.project_view(session, world.settings, world.project_id)


def show_prompt(session: Session, world: World) -> None:
    overviews.prompt_view(session, world.settings, world.first_prompt())


@pytest.mark.parametrize("show", [show_home, show_project, show_prompt])
def test_a_page_reads_the_names_of_the_endpoints_once(world: World, show: Any) -> None:
    sent: list[str] = []

    @event.listens_for(world.database.engine, "before_cursor_execute")
    def on_execute(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        sent.append(statement)

    with world.database.read() as session:
        show(session, world)
    assert sum("FROM endpoint" in statement for statement in sent) == 1
