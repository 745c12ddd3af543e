"""Bodies that programs send: what nobody knows is refused by its name, on every address that takes one."""

from pathlib import Path
from typing import Any

from tests.web.arena_world import World


def _schemas(described: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The schema of every JSON body, by method and path."""
    found = {}
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            if schema is not None:
                name = schema.get("$ref", "").rsplit("/", 1)[-1]
                found[f"{method} {path}"] = described["components"]["schemas"][name] if name else schema
    return found


def test_no_body_takes_a_field_that_nobody_knows(tmp_path: Path) -> None:
    world = World.at(tmp_path)
    schemas = _schemas(world.visitor().client.get("/openapi.json").json())
    world.close()
    assert len(schemas) > 15
    assert [path for path, schema in schemas.items() if schema.get("additionalProperties") is not False] == []


def test_a_misspelt_cap_is_refused_and_named(tmp_path: Path) -> None:
    world = World.at(tmp_path)
    answer = world.visitor().client.post("/api/v1/projects/any/openings/quote", json={"max_call": 5})
    world.close()
    assert answer.status_code == 422
    problems = {one["where"]: one["message"] for one in answer.json()["problems"]}
    assert problems["max_call"] == "is not known here; /docs lists what is"
