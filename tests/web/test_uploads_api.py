"""From a file to a project, as a program does it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.settings import Settings
from app.storage.prompts import PromptVersion
from app.storage.uploads import Upload
from tests.web.arena_world import World
from tests.web.upload_files import contradicting, count, example, good, lines, send, work


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World.at(tmp_path)
    yield world
    world.close()


def test_a_program_sends_a_file_as_json_and_imports_it(world: World) -> None:
    client, visitor = world.visitor().client, world.visitor()
    made = client.post("/api/v1/uploads", json={"filename": "mail.jsonl", "text": contradicting().decode()})
    assert made.status_code == 201
    told = made.json()
    assert (told["status"], told["preview"]["conflicts"], told["preview"]["duplicates"]) == ("draft", 2, 1)
    here = f"/api/v1/uploads/{told['id']}"
    asked = client.post(f"{here}/import", json={})
    assert asked.status_code == 422
    assert [problem["where"] for problem in asked.json()["problems"]] == ["on_conflict"]
    wish = {"name": "Mail", "on_conflict": "drop", "label_descriptions": {"praise": "happy"}, "start_prompt": "Sort: {{input}}"}  # fmt: skip
    queued = client.post(f"{here}/import", json=wish)
    assert (queued.status_code, queued.json()["status"]) == (202, "queued")
    assert [one["id"] for one in client.get("/api/v1/uploads").json()] == [told["id"]]
    work(world)
    done: Any = visitor.json(f"/uploads/{told['id']}")
    assert done["test_set"]["imported"]["conflicts_dropped"] == 4
    project: Any = visitor.json(f"/projects/{done['project_id']}")
    assert (project["name"], project["labels"][1]) == ("Mail", {"name": "praise", "description": "happy"})
    with world.database.read() as session:
        assert session.scalars(select(PromptVersion.text)).all() == ["Sort: {{input}}"]


def test_a_program_names_the_columns_and_imports_in_one_call(world: World) -> None:
    rows = [{"words": example(number)["text"], "sort": "ab"[number % 2]} for number in range(60)]
    client = world.visitor().client
    made = client.post("/api/v1/uploads", json={"filename": "mail.jsonl", "text": lines(rows).decode()}).json()
    assert not made["preview"]["checked"]
    begun = client.post(
        f"/api/v1/uploads/{made['id']}/import", json={"input_column": "words", "label_column": "sort", "plan": "random"}
    )
    assert (begun.status_code, begun.json()["status"]) == (202, "queued")


def test_a_program_hears_of_every_problem_and_nothing_is_kept(world: World) -> None:
    rows: list[dict[str, object] | str] = [example(number) for number in range(60)]
    rows[2], rows[4] = "{", "[]"
    refused = world.visitor().client.post("/api/v1/uploads", json={"filename": "a.jsonl", "text": lines(rows).decode()})
    assert refused.status_code == 422
    assert [problem["where"] for problem in refused.json()["problems"]] == ["line 3", "line 5"]
    assert count(world, Upload) == 0


def test_a_program_with_a_token_may_send_a_form_with_a_file(world: World) -> None:
    world.settings = Settings(data_dir=world.folder, password="open sesame", api_token="a token of the tests")
    client = world.visitor().client
    bearer = {"authorization": "Bearer a token of the tests"}
    files = {"file": ("mail.jsonl", good())}
    made = client.post("/api/v1/uploads", data={"goal": "macro_f1", "split_seed": "4"}, files=files, headers=bearer)
    assert made.status_code == 201
    assert (made.json()["draft"]["goal"], made.json()["choices"]["split_seed"]) == ("macro_f1", 4)
    missing = client.post("/api/v1/uploads", files={"data": b"x"}, headers=bearer)
    assert (missing.status_code, missing.json()["problems"][0]["where"]) == (422, "file")
    assert client.post("/api/v1/uploads", files=files).status_code == 401


@pytest.mark.parametrize(
    ("body", "where"), [({"text": "x"}, "filename"), ({"filename": "a", "text": "x", "split_seed": -1}, "split_seed")]
)
def test_a_program_is_told_which_field_is_wrong(world: World, body: dict[str, object], where: str) -> None:
    refused = world.visitor().client.post("/api/v1/uploads", json=body)
    assert (refused.status_code, refused.json()["problems"][0]["where"]) == (422, where)


def test_a_program_gives_a_file_up(world: World) -> None:
    visitor = world.visitor()
    here = send(visitor, good())
    gone = visitor.client.request("DELETE", f"/api/v1{here}", headers={"content-type": "application/json"})
    assert (gone.status_code, count(world, Upload)) == (204, 0)


def test_the_documentation_describes_both_ways_to_send_a_file(world: World) -> None:
    described = world.visitor().client.get("/openapi.json").json()
    kinds = described["paths"]["/api/v1/uploads"]["post"]["requestBody"]["content"]
    assert set(kinds) == {"application/json", "multipart/form-data"}
    assert kinds["multipart/form-data"]["schema"]["properties"]["file"]["format"] == "binary"
