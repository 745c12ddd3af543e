"""One price for one choice, whichever door asks."""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from app.cli.improve import _confirm
from app.errors import Invalid
from app.services import capping, importing
from app.services.capping import Caps
from app.services.commanding import Command, Seats
from app.storage import spend
from app.storage.base import new_id, now
from app.storage.endpoints import Endpoint, Provider
from app.storage.ledger import Account
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


def ask_at_the_command_line(world: World, rounds: int) -> None:
    prepared = importing.prepare(world.settings, DEMO.read_bytes(), DEMO.name, importing.Choices())
    command = Command("accuracy", "", "paid/task", ("paid/generator",), 4000, rounds, 0.02, 0, 0, "", "", "refuse")
    seats = Seats(world.endpoint("paid/task"), (world.endpoint("paid/generator"),))
    with pytest.raises(Invalid, match="Nobody can be asked here"):
        _confirm(world.settings, world.database, command, seats, prepared)


@pytest.mark.parametrize("rounds", [2, 0])
def test_page_program_and_command_line_tell_the_same_price(
    world: World, rounds: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    task, generator = world.endpoint("paid/task").id, world.endpoint("paid/generator").id
    choice: dict[str, Any] = {"start_version_id": world.first_prompt(), "task_endpoint_id": task, "generator_ids": [generator], "max_calls": 4000, "max_rounds": rounds, "seed": 0}  # fmt: skip
    visitor = world.visitor()
    quoted = visitor.client.post("/api/v1/campaigns/quote", json={"project_id": world.project_id, **choice}).json()
    price = f"${quoted['cost'] / 1_000_000:,.2f}"
    form = {"start": choice["start_version_id"], "task_model": task, "generators": [generator], "calls": "4000", "rounds": str(rounds), "seed": "0", "do": "quote"}  # fmt: skip
    page = words(visitor.send(f"/projects/{world.project_id}/campaigns/new", form, 200))
    assert f"Price at most {price} if every call is used" in page
    monkeypatch.setattr("sys.stdin", io.StringIO())
    ask_at_the_command_line(world, rounds)
    assert f"Price: {price} at most." in capsys.readouterr().out


def quoted(world: World, **choice: Any) -> dict[str, Any]:
    """What the API says of the usual choice with two paid models."""
    seats = {"task_endpoint_id": world.endpoint("paid/task").id, "generator_ids": [world.endpoint("paid/generator").id]}
    asked = {"project_id": world.project_id, "max_calls": 4000, "max_rounds": 0, **seats, **choice}
    answer = world.visitor().client.post("/api/v1/campaigns/quote", json=asked)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def spent(world: World, purpose: str, tokens_in: int, tokens_out: int) -> dict[str, Any]:
    """A line of the log as far as spend reads it."""
    return {
        "created_at": now(), "project_id": world.project_id, "endpoint_id": world.endpoint("paid/task").id,
        "served_by": None, "purpose": purpose, "ok": True, "attempts": 1, "tokens_in": tokens_in,
        "tokens_out": tokens_out, "cost": 1,
    }  # fmt: skip


def test_the_usual_price_comes_from_the_lengths_of_earlier_calls(world: World) -> None:
    assert quoted(world)["usual_cost"] is None
    with world.database.write() as session:
        spend.add(session, [spent(world, "task", 100, 10), spent(world, "task", 300, 30)])
    assert quoted(world)["usual_cost"] is None, "how long a generator's calls are is not known yet"
    with world.database.write() as session:
        spend.add(session, [spent(world, "generator", 1000, 500)])
    told = quoted(world, max_calls=2000, max_rounds=1)
    answer, proposal = 0.15 * 200 + 0.6 * 20, 2.5 * 1000 + 10 * 500
    assert told["usual_cost"] == round((2000 - 2) * answer + 2 * proposal)
    assert told["usual_cost"] < told["cost"]


def test_what_other_caps_leave_is_told_and_bounds_the_rounds_and_the_price(world: World) -> None:
    free = quoted(world)
    assert (free["shared"], free["rounds"] > 0) == ([], True)
    with world.database.write() as session:
        spend.add(session, [spent(world, "task", 100, 10), spent(world, "generator", 1000, 500)])
        capping.set_shared(session, "instance", Caps(calls=1500))
        capping.set_shared(session, f"project:{world.project_id}", Caps(cost=2_000_000))
        session.execute(update(Account).where(Account.id == "instance").values(spent_calls=400))
    told = quoted(world)
    assert [(use["name"], use["kind"], use["cap"] - use["used"]) for use in told["shared"]] == [
        ("the instance", "calls", 1100),
        ("project Support messages", "cost", 2_000_000),
    ]
    assert told["rounds"] < free["rounds"]
    assert told["cost"] == 2_000_000
    assert quoted(world, max_cost=0.5)["cost"] == 500_000
    task, generator = world.endpoint("paid/task").id, world.endpoint("paid/generator").id
    form: dict[str, object] = {
        "start": world.first_prompt(), "task_model": task, "generators": [generator], "calls": "4000", "tokens": "",
        "cost": "0.50", "rounds": "0", "seed": "0", "do": "quote",
    }  # fmt: skip
    here = f"/projects/{world.project_id}/campaigns/new"
    page = words(world.visitor().send(here, form, 200))
    assert "The cap on calls of the instance leaves 1,100 of 1,500 calls." in page
    assert "The cap on money of project Support messages leaves $2.00 of $2.00." in page
    assert "Price at most $0.50" in page
    for field, typed in (("tokens", "lots"), ("cost", "cheap"), ("cost", "-3")):
        html = world.visitor().send(here, {**form, field: typed, "do": "start"}, 422)
        assert f'id="error-{field}"' in html


def test_a_command_without_caps_goes_on_with_what_an_older_agon_began() -> None:
    plain = Command("accuracy", "", "a/b", (), 4000, 5, 0.02, 0, 0, "", "", "refuse")
    assert plain.key(b"x") == "6d9abd8d746c3deda98805cef1228d607aa3599cc8d3ee646b3d4633fba1ca58"
    assert replace(plain, max_cost=5).key(b"x") != plain.key(b"x")
