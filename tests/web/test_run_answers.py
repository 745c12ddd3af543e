"""The answers behind an evaluation's counts, as pages and as JSON: by cell, missed and wrongly named, and never sealed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from app.storage.evaluations import Evaluation, Output
from tests.services.sure import Sure, answered
from tests.web.arena_world import World
from tests.web.reading import words


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World.at(tmp_path)
    yield world
    world.close()


@pytest.fixture
def sure(world: World) -> Sure:
    """Every reply says billing; the second ticket, which is about shipping, was unreadable."""
    made = answered(world.database, world.settings, 60)
    with world.database.write() as session:
        session.execute(update(Output).values(reading=0))
        row = session.query(Output).filter(Output.label == 1).order_by(Output.example_id).first()
        assert row is not None
        row.reading = -1
    return made


def test_a_cell_what_was_missed_and_what_was_wrongly_named_open_their_answers(world: World, sure: Sure) -> None:
    here, visitor = f"/evaluations/{sure.run_id}/answers", world.visitor()
    for query, title, first in (
        ("place=0&expected=1&read=0", "shipping, answered billing", 5),
        ("place=0&expected=1&read=-1", "shipping, answered unreadable", 2),
        ("place=0&expected=1", "shipping, missed", 2),
        ("place=0&read=0", "billing, wrongly named", 3),
        ("show=right", "Right", 1),
        ("show=unreadable", "Unreadable", 2),
    ):
        assert f"{title} Wrong" in words(visitor.read(f"{here}?{query}")).replace(" ,", ","), query
        told = visitor.json(f"{here}?{query}")
        assert told["answers"][0]["position"] + 1 == first, query  # type: ignore[index]
    page = words(visitor.read(f"{here}?place=0&read=0"))
    assert "1 to 20" in page
    assert "21 to 39" in words(visitor.read(f"{here}?place=0&read=0&offset=20"))


def test_what_there_is_not_and_what_is_sealed_is_refused(world: World, sure: Sure) -> None:
    here, visitor = f"/evaluations/{sure.run_id}/answers", world.visitor()
    for query in ("place=1&expected=0", "place=0&expected=3", "place=0&read=-1", "place=0&expected=0&read=3"):
        assert visitor.client.get(f"/api/v1{here}?{query}").status_code == 404, query
    assert visitor.client.get(f"/api/v1{here}?show=all").status_code == 422
    with world.database.write() as session:
        session.get_one(Evaluation, sure.evaluation_id).split = "holdout"
    for query in ("", "?place=0&expected=1"):
        refused = visitor.client.get(f"/api/v1{here}{query}")
        assert (refused.status_code, "not shown" in refused.text) == (409, True)
