"""An example that another version of the test set holds back is shown nowhere, though its split is open here."""

from typing import Any

import pytest

from app.settings import Settings
from app.storage import probabilities, test_sets
from app.storage.evaluations import Evaluation
from app.storage.session import Database
from app.storage.shown import Cell, outputs
from tests.services.paired import Paired
from tests.services.sure import answered

N = 30
SEALED = {3, 4, 10}


@pytest.fixture
def world(database: Database) -> Paired:
    return Paired.at(database, [n % 3 for n in range(N)])


def shown(world: Paired, evaluation_id: str, **wanted: object) -> list[int]:
    with world.database.read() as session:
        usual: dict[str, Any] = {"show": "wrong", "limit": N, **wanted}
        rows = outputs(session, evaluation_id, world.version_id, "dev", **usual)
        return [row.position for row in rows]


def test_answers_of_an_older_version_leave_out_what_a_newer_one_holds_back(world: Paired) -> None:
    wrong = world.answer("a {{input}}", [(n + 1) % 3 for n in range(N)])
    assert shown(world, wrong) == list(range(N))
    world.place({n: "holdout" if n in SEALED else "dev" for n in range(N)})
    assert shown(world, wrong) == [n for n in range(N) if n not in SEALED]
    assert shown(world, wrong, cell=Cell(1, 3, 0, 1)) == [n for n in range(0, N, 3) if n not in SEALED]
    assert shown(world, wrong, limit=3, offset=2) == [2, 5, 6]
    with world.database.read() as session:
        assert test_sets.held_back(session, world.version_id, "dev") == len(SEALED)


def test_an_older_version_seals_what_a_newer_one_has_opened_too(world: Paired) -> None:
    newer = world.place(dict.fromkeys(range(N), "dev"))
    older = world.place({n: "holdout" if n in SEALED else "train" for n in range(N)})
    wrong = world.answer("a {{input}}", [(n + 1) % 3 for n in range(N)], version_id=newer)
    with world.database.read() as session:
        rows = outputs(session, wrong, newer, "dev", show="wrong", limit=N)
        assert [row.position for row in rows] == [n for n in range(N) if n not in SEALED]
        assert test_sets.held_back(session, older, "train") == 0


def test_doubtful_examples_of_a_threshold_leave_them_out(database: Database, settings: Settings) -> None:
    sure = answered(database, settings, 12)
    with database.write() as session:
        evaluation = session.get_one(Evaluation, sure.evaluation_id)
        first = test_sets.get_version(session, evaluation.version_id)
        ids = [one.example_id for one in test_sets.examples(session, first.id, "dev")]
        assert sorted(probabilities.doubtful(session, evaluation, ids)) == sorted(ids)
        kept = {name: getattr(first, name) for name in ("test_set_id", "content_hash", "splits", "label_counts", "imported", "variables", "forbidden")}  # fmt: skip
        newer = test_sets.TestSetVersion(split_seed=99, **kept)
        session.add(newer)
        session.flush()
        place = {"version_id": newer.id, "example_id": ids[5], "label": 0, "split": "holdout", "position": 0}
        test_sets.place_examples(session, [place])
    with database.read() as session:
        evaluation = session.get_one(Evaluation, sure.evaluation_id)
        assert ids[5] not in probabilities.doubtful(session, evaluation, ids)
        assert len(probabilities.doubtful(session, evaluation, ids)) == 11
