"""What a comparison says of how many prompts were tried on its examples."""

from random import Random

import pytest
from sqlalchemy.orm import Session

from app.domain.shrinkage import shrink_paired
from app.services import comparables, comparing
from app.services.tried import Tried
from app.storage import confirmations
from app.storage.evaluations import Evaluation
from app.storage.projects import Project
from app.storage.session import Database
from tests.services.paired import Paired

N = 400
EXPECTED = [n % 3 for n in range(N)]


def _answers(share: float, seed: int, n: int = N) -> list[int]:
    rng = Random(seed)
    return [code if rng.random() < share else (code + 1) % 3 for code in EXPECTED[:n]]


def _tried(session: Session, *ids: str) -> Tried | None:
    return comparing.compared(session, comparables.chosen(session, ids)).view.comparisons[0].tried


@pytest.mark.parametrize("goal", ["accuracy", "macro_f1"])
def test_the_best_of_many_is_pulled_towards_their_mean_as_the_whole_table_says(database: Database, goal: str) -> None:
    world = Paired.at(database, EXPECTED, goal)
    shares = [0.70, 0.70, 0.72, 0.75, 0.78, 0.80, 0.82]
    table = [_answers(share, seed) for seed, share in enumerate(shares)]
    ids = [world.answer(f"{n} {{{{input}}}}", one) for n, one in enumerate(table)]
    right = [[float(a == b) for a, b in zip(one, EXPECTED, strict=True)] for one in table]
    whole = shrink_paired(right).scores
    with database.read() as session:
        found = _tried(session, ids[0], ids[-1])
    assert found is not None
    assert (found.n, found.complete) == (7, 7)
    assert found.base == pytest.approx(whole[0], abs=0.006)
    assert found.other == pytest.approx(whole[-1], abs=0.006)
    assert (found.other or 1) < sum(right[-1]) / N, "the best was also lucky"


def test_what_is_expected_of_a_prompt_is_the_same_beside_its_twin_and_beside_any_other(database: Database) -> None:
    world = Paired.at(database, EXPECTED)
    table = [_answers(share, seed) for seed, share in enumerate([0.70, 0.72, 0.75, 0.76, 0.78, 0.80, 0.82])]
    twin = [(code + 1) % 3 if n < 4 else code for n, code in enumerate(table[-1])]
    ids = [world.answer(f"{n} {{{{input}}}}", one) for n, one in enumerate([*table, twin])]
    with database.read() as session:
        found = [_tried(session, ids[6], other) for other in (ids[0], ids[3], ids[7])]
    assert [one and one.base for one in found] == [found[0] and found[0].base] * 3
    assert found[0]
    assert found[0].base


def test_p_is_that_of_the_best_of_all_that_were_tried_those_given_up_early_too(database: Database) -> None:
    world = Paired.at(database, EXPECTED)
    base, best = world.answer("a {{input}}", _answers(0.70, 1)), world.answer("b {{input}}", _answers(0.78, 2))
    for n in range(6):
        world.answer(f"{n} {{{{input}}}}", _answers(0.6, 10 + n, 50))
    with database.read() as session:
        one = comparing.compared(session, comparables.chosen(session, (base, best))).view.comparisons[0]
    assert one.difference is not None
    assert one.difference.p is not None
    assert one.tried == Tried(8, 2, p=min(1.0, 7 * one.difference.p)), "two that are complete show no spread"
    with database.read() as session:
        assert _tried(session, best, base) == Tried(8, 2), "nobody picks the one behind as the best"
    assert one.p_holm == one.difference.p, "the comparison itself was asked for, not found among many"


def test_a_score_by_another_goal_is_counted_and_said_to_be_missing(database: Database) -> None:
    world = Paired.at(database, EXPECTED)
    ids = [world.answer(f"{n} {{{{input}}}}", _answers(0.7, n)) for n in range(6)]
    with database.write() as session:
        session.get_one(Project, world.project_id).goal = "macro_f1"
    with database.read() as session:
        found = _tried(session, *ids[:2])
    assert found is not None
    assert (found.n, found.complete, found.otherwise, found.base) == (6, 0, 6, None)


def test_as_many_are_told_here_as_in_a_holdout_report(database: Database) -> None:
    world = Paired.at(database, EXPECTED)
    ids = [world.answer(f"{n} {{{{input}}}}", _answers(0.7, n)) for n in range(3)]
    with database.write() as session:
        session.get_one(Evaluation, ids[2]).settings_hash = "warmer"
    with database.read() as session:
        found = _tried(session, *ids[:2])
        told = confirmations.scored_on_dev(session, world.endpoint_id, world.version_id)
    assert (found and found.n, told) == (3, 3), "one with other settings was tried too"


def test_nothing_is_said_of_two_alone_or_of_examples_that_choose_nothing(database: Database) -> None:
    world = Paired.at(database, EXPECTED)
    ids = [world.answer(f"{n} {{{{input}}}}", _answers(0.7, n)) for n in range(2)]
    train = world.place(dict.fromkeys(range(N), "train"))
    of_train = [world.answer(f"{n} {{{{input}}}}", _answers(0.7, n), version_id=train, split="train") for n in range(3)]
    with database.read() as session:
        assert _tried(session, *ids) is None
        assert _tried(session, *of_train[:2]) is None
        assert _tried(session, ids[0], of_train[1]) is None
