"""One price for one choice, whichever door asks."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from app.cli.improve import _confirm
from app.errors import Invalid
from app.services import importing
from app.services.commanding import Command, Seats
from app.storage.base import new_id
from app.storage.endpoints import Endpoint, Provider
from app.storage.prices import Price
from tests.web.arena_world import DEMO, World
from tests.web.reading import words


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """The demo project, and two models that cost something."""
    world = World.at(tmp_path)
    world.import_demo()
    with world.database.write() as session:
        provider = Provider(id=new_id(), name="paid", base_url="http://127.0.0.1:1/v1")
        prices = {"task": (150_000, 600_000), "generator": (2_500_000, 10_000_000)}
        models = [Endpoint(provider_id=provider.id, name=role, role=role, prices=[Price(price_in=price[0], price_out=price[1])]) for role, price in prices.items()]  # fmt: skip
        session.add(provider)
        session.flush()
        session.add_all(models)
    yield world
    world.close()


def told_by_the_command_line(world: World, rounds: int) -> str:
    prepared = importing.prepare(world.settings, DEMO.read_bytes(), DEMO.name, importing.Choices())
    command = Command("accuracy", "", "paid/task", ("paid/generator",), 4000, rounds, 0.02, 0, 0, "", "", "refuse")
    seats = Seats(world.endpoint("paid/task"), (world.endpoint("paid/generator"),))
    said = io.StringIO()
    with pytest.raises(Invalid):
        _confirm(world.settings, world.database, Console(file=said, width=200), command, seats, prepared)
    return said.getvalue()


@pytest.mark.parametrize("rounds", [2, 0])
def test_page_program_and_command_line_tell_the_same_price(world: World, rounds: int) -> None:
    task, generator = world.endpoint("paid/task").id, world.endpoint("paid/generator").id
    choice: dict[str, Any] = {"start_version_id": world.first_prompt(), "task_endpoint_id": task, "generator_ids": [generator], "max_calls": 4000, "max_rounds": rounds, "seed": 0}  # fmt: skip
    visitor = world.visitor()
    quoted = visitor.client.post("/api/v1/campaigns/quote", json={"project_id": world.project_id, **choice}).json()
    price = f"${quoted['cost'] / 1_000_000:,.2f}"
    form = {"start": choice["start_version_id"], "task_model": task, "generators": [generator], "calls": "4000", "rounds": str(rounds), "seed": "0", "do": "quote"}  # fmt: skip
    page = words(visitor.send(f"/projects/{world.project_id}/campaigns/new", form, 200))
    assert f"Price at most {price} if every call is used" in page
    assert f"Price: {price} at most." in told_by_the_command_line(world, rounds)
