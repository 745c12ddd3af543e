"""Five thousand broken files: each is refused with what is wrong, or imported whole; never half, and never with a crash."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.domain import answerspace, plans
from app.domain.answercodes import how_many
from app.errors import Invalid
from app.services import importing, previewing, uploading
from app.services.importing import Choices, Prepared
from app.services.previewing import Filled
from app.services.projects import ProjectDraft
from app.services.versions import coder
from app.settings import Settings
from app.storage import projects
from app.storage.projects import Project
from app.storage.test_sets import Example, Placement, TestSet, TestSetVersion
from app.storage.uploads import Upload
from tests.web.arena_world import World

MUTATED, GENERATED, THROUGH_THE_SERVICE = 4_500, 500, 500
SETTINGS = Settings(max_rows=200, max_row_bytes=3_000)
NASTY: tuple[bytes, ...] = (
    b"\0", b"\xff", b"\xed\xa0\x80", b"\\ud800", b"\\u0000", b'"', b'""', b"'", b"\n", b"\r", b"\r\n", b",", b";", b"|", b"\t",
    b"{", b"}", b"[", b"]", b"[]", b"{}", b"null", b"NaN", b"Infinity", b"1e999", b"true", b"-0", b"\xef\xbb\xbf", b"[" * 60,
    b"9" * 400, "٣".encode(), "\u202e".encode(), b"PK\x03\x04", b"2024-02-30", b"9999-12-31T23:59:59-14:00", b"labels", b"label",
    b"reference", b"created_at", b"group", b"id", b"meta", b"x" * 3_100, b"://", b"#", b": ",
)  # fmt: skip


def _rows(random: Random) -> list[dict[str, Any]]:
    """A good file of one of the kinds, with or without groups, times and ids."""
    kind, n = random.choice(("label", "labels", "fields", "number", "text")), random.choice((20, 30, 64))
    rows: list[dict[str, Any]] = []
    for i in range(n):
        kinds: dict[str, dict[str, Any]] = {
            "label": {"label": "abc"[i % 3]},
            "labels": {"labels": [["x"], ["x", "y"], []][i % 3]},
            "fields": {"checklist": {"rude": i % 2 == 0, "team": "pq"[i % 3 > 0]}},
            "number": {"reference": i * 7},
            "text": {"reference": f"town {i}"},
        }
        row: dict[str, Any] = {"input": f"message {i * 7919} of {random.choice('abcdef')}", **kinds[kind]}
        if n > 20:
            row |= {"group": i // 2, "created_at": f"2024-01-{i % 28 + 1:02}", "id": i}
        rows.append({**row, "meta": {"group": i // 3}} if n == 64 else row)
    return rows


def _written(rows: list[dict[str, Any]], name: str) -> bytes:
    if name.endswith((".jsonl", ".json")):
        return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), delimiter="\t" if name.endswith(".tsv") else ",")
    writer.writeheader()
    for row in rows:
        writer.writerow({k: v if isinstance(v, str | int) else json.dumps(v) for k, v in row.items()})
    return out.getvalue().encode()


def _mutated(data: bytes, random: Random) -> bytes:
    for _ in range(random.choice((0, 1, 1, 1, 2, 3, 8))):
        at = random.randrange(len(data) + 1)
        upto = min(len(data), at + random.choice((1, 1, 3, 20, 200)))
        piece = random.choice((b"", random.choice(NASTY), random.randbytes(2), data[at:upto] * 2, data[at:upto][::-1]))
        data = data[:at] + piece + data[upto if random.random() < 0.6 else at :]
    return data[: random.randrange(len(data) + 1)] if random.random() < 0.05 else data


def _choices(random: Random) -> Choices:
    return Choices(
        on_conflict=random.choice(("ask", "drop", "refuse")),
        kind=random.choice(("",) * 12 + answerspace.KINDS),
        plan=random.choice(("",) * 8 + plans.PLANS),
        group_column=random.choice(("", "", "-", "label")),
        time_column=random.choice(("", "", "-", "id")),
    )


def _case(number: int) -> tuple[bytes, str, Choices]:
    random = Random(number)
    name = random.choice(("a.csv", "a.tsv", "a.jsonl", "a.json", "a.txt"))
    return _mutated(_written(_rows(random), name), random), name, _choices(random)


def _check_whole(prepared: Prepared) -> None:
    """Everything that saving needs is there for every example, or the example is left out and counted."""
    examples, placed = prepared.imported.examples, prepared.placements
    assert len({one.key for one in examples}) == len(examples)
    assert placed.keys() <= {one.key for one in examples}
    assert sum(prepared.sizes.values()) == len(placed) >= 2
    assert all(one.input.strip() and "\0" not in one.input for one in examples)
    answers = answerspace.checked(prepared.answers)
    code = coder(answers)
    written = json.dumps([answerspace.dump(answers), [one.label for one in examples]], ensure_ascii=False)
    assert "\\u0000" not in written.encode().decode(), "and no lone surrogate, which cannot be encoded"
    assert all(0 <= code(one.reference) < how_many(answers) for one in prepared.placed)
    json.dumps([plans.dump(prepared.plan), prepared.near_examples], ensure_ascii=False).encode()


def _prepared(data: bytes, name: str, choices: Choices) -> Prepared | None:
    try:
        prepared = importing.prepare(SETTINGS, data, name, choices)
    except Invalid as refused:
        said = [problem.message for problem in refused.problems]
    else:
        _check_whole(prepared)
        return prepared
    assert said
    assert all(said)
    return None


@pytest.mark.slow
def test_mutated_files_are_refused_or_prepared_whole() -> None:
    good = sum(_prepared(*_case(number)) is not None for number in range(MUTATED))
    assert MUTATED / 10 < good < MUTATED * 0.9, "most of the mutations should matter, and not all of them"


CELLS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["a", "b", "2024-01-01"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)
NAMES = st.sampled_from(
    ["input", "text", "label", "labels", "reference", "group", "created_at", "id", "meta", "checklist", "z"]
)


@settings(max_examples=GENERATED, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.dictionaries(NAMES, CELLS, max_size=5), max_size=5), st.integers(0, 10_000))
def test_generated_rows_among_good_ones_are_refused_or_prepared_whole(rows: list[dict[str, Any]], number: int) -> None:
    random = Random(number)
    mixed = [*_rows(random), *rows]
    random.shuffle(mixed)
    _prepared("\n".join(map(json.dumps, mixed)).encode(), "a.jsonl", _choices(random))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World.at(tmp_path)
    yield world
    world.close()


def _import(world: World, data: bytes, name: str, choices: Choices) -> str:
    """What a person and a worker do with a file; how it ended."""
    filled = Filled(ProjectDraft("Fuzz", ""), choices)
    try:
        preview = previewing.read(SETTINGS, data, name, filled)
        with world.database.write() as session:
            upload = uploading.keep(session, data, name, filled, preview)
            job_id, upload_id = importing.request_import(session, upload.id, filled.draft, choices), upload.id
    except Invalid:
        return "refused"
    importing.run(world.database, SETTINGS, job_id)
    with world.database.read() as session:
        upload = session.get_one(Upload, upload_id)
        assert not any("inside Agon" in problem["message"] for problem in upload.problems), upload.problems
        return upload.status


def test_what_goes_through_the_service_is_in_the_database_whole_or_not_at_all(world: World) -> None:
    ended = [_import(world, *_case(10_000 + number)) for number in range(THROUGH_THE_SERVICE)]
    done = ended.count("done")
    assert set(ended) == {"done", "refused"}
    with world.database.read() as session:
        counted = [
            session.scalar(select(func.count()).select_from(table)) for table in (Project, TestSet, TestSetVersion)
        ]
        assert counted == [done] * 3
        for version in session.scalars(select(TestSetVersion)):
            query = select(Example, Placement).join(Placement).where(Placement.version_id == version.id)
            placed = [(row[0], row[1]) for row in session.execute(query)]
            test_set = session.get_one(TestSet, version.test_set_id)
            answers = projects.get(session, test_set.project_id).answer_space
            assert len(placed) == sum(version.splits.values()) == version.imported["examples"]
            assert all(0 <= place.label < how_many(answers) for _, place in placed)
        assert session.scalar(select(func.count()).select_from(Example)) == session.scalar(select(func.count()).select_from(Placement))  # fmt: skip
