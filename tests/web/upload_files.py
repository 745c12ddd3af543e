"""Files as people bring them, sent like a browser sends them, and the worker that imports them."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select

from app.services import importing
from tests.web.arena_world import Visitor, World
from tests.web.reading import token_on, words

LABELS = ("complaint", "praise", "question")
THINGS = ("parcel", "kettle", "lamp", "refund", "invoice", "courier", "box", "shop", "price", "colour")


def example(number: int, **more: object) -> dict[str, object]:
    thing, other = THINGS[number % 10], THINGS[number // 10 % 10]
    return {"text": f"Message {number} about the {thing} and the {other}", "label": LABELS[number % 3], **more}


def lines(rows: Sequence[dict[str, object] | str]) -> bytes:
    return "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows).encode()


def good(count: int = 90) -> bytes:
    return lines([example(number) for number in range(count)])


def contradicting() -> bytes:
    """Ninety examples; two inputs stand there again with another label, one with the same."""
    again = [{**example(0), "label": "praise"}, {**example(5), "label": "praise"}, example(7)]
    return lines([*(example(number) for number in range(90)), *again])


def send(visitor: Visitor, data: bytes, name: str = "messages.jsonl", status: int = 303, **fields: str) -> str:
    """Send a file like a browser; gives the upload's address, or the page that comes back."""
    token = token_on(visitor.client.get("/uploads/new").text)
    response = visitor.client.post("/uploads", data={"csrf_token": token, **fields}, files={"file": (name, data)})
    assert response.status_code == status, words(response.text)
    return response.headers.get("location", "") or response.text


def work(world: World) -> None:
    """What a worker does when it is poked."""
    importing.run(world.database, world.settings, world.poked[-1])


def count(world: World, table: type[Any]) -> int:
    with world.database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0
