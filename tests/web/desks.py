"""Somebody who orders evaluations and looks at their pages, with tickets, a model's server and what workers would do."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from app.services import blocks
from app.settings import Settings
from app.storage import heartbeats
from tests.gateway.scripted import Server, serving
from tests.services.tickets import Tickets, right
from tests.web.arena_world import Visitor, World
from tests.web.reading import words


@dataclass(frozen=True)
class Desk:
    """Tickets with their model's server, and somebody who looks at the pages."""

    world: World
    tickets: Tickets
    server: Server

    @property
    def visitor(self) -> Visitor:
        return self.world.visitor()

    @property
    def form(self) -> str:
        return f"/projects/{self.tickets.project_id}/evaluations/new"

    def order(self, **changes: object) -> str:
        """The address of a run that the form started."""
        return self.visitor.send(self.form, self.choice(**changes))

    def choice(self, **changes: object) -> dict[str, object]:
        usual = {"prompt_version_id": self.tickets.prompt_id, "endpoint_id": self.tickets.endpoint_id}
        return {**usual, "samples": "1", "temperature": "0", **changes}

    def work_once(self, blocks_at_most: float = 60.0) -> None:
        settings = self.tickets.settings.model_copy(update={"slice_seconds": blocks_at_most})
        blocks.work(self.tickets.database, settings, "here:1/1")

    def page(self, address: str) -> str:
        return words(self.visitor.read(address))

    def told(self, address: str) -> dict[str, Any]:
        return self.visitor.json(address)


@contextmanager
def at_a_desk(folder: Path, size: int) -> Iterator[Desk]:
    """With so many dev examples, and a model that is always right."""
    settings = Settings(data_dir=folder, block_size=20, in_flight=8, save_seconds=0.05, call_attempts=2)
    with serving(right) as server:
        world = replace(World.at(folder), settings=settings)
        tickets = Tickets.at(world.database, settings, server.base_url, size)
        world.project_id = tickets.project_id
        with world.database.write() as session:
            heartbeats.beat(session, "here:1")
        yield Desk(world, tickets, server)
        world.close()
