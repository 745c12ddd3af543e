"""Two evaluations in the database: counted and listed as the domain says, sealed where any version is, and looked up."""

from collections import Counter
from random import Random
from typing import Any

import pytest
from sqlalchemy import event, text, update
from sqlalchemy.orm import Session

from app.domain.pairing import KINDS, Cell, Kind, fits
from app.storage import comparisons, live
from app.storage.comparisons import Wanted
from app.storage.evaluations import Evaluation, Output
from app.storage.session import Database
from tests.services.paired import Paired

N = 120


def _readings(rng: Random, expected: list[int], answered: float) -> dict[int, int]:
    return {
        n: code if rng.random() < 0.6 else rng.randrange(-1, 3)
        for n, code in enumerate(expected)
        if rng.random() < answered
    }


class Pair:
    """Two evaluations with gaps, and what each row of them is."""

    def __init__(self, database: Database) -> None:
        rng = Random(4)
        self.expected = [rng.randrange(3) for _ in range(N)]
        self.read_a, self.read_b = (_readings(rng, self.expected, share) for share in (0.9, 0.8))
        self.world = Paired.at(database, self.expected)
        self.a = self.world.answer("a {{input}}", self.read_a)
        self.b = self.world.answer("b {{input}}", self.read_b)

    def rows(self, kind: Kind, expected: int | None = None) -> list[int]:
        """The places of what fits, by the domain's word."""
        return [
            n
            for n, code in enumerate(self.expected)
            if n in self.read_a and n in self.read_b and (expected is None or code == expected)
            if fits(kind, code, self.read_a[n], self.read_b[n])
        ]

    def both(self, session: Session) -> tuple[Evaluation, Evaluation]:
        return session.get_one(Evaluation, self.a), session.get_one(Evaluation, self.b)


@pytest.fixture
def pair(database: Database) -> Pair:
    return Pair(database)


def test_what_both_answered_is_counted_by_what_was_expected_and_read(database: Database, pair: Pair) -> None:
    shared = Counter((pair.expected[n], pair.read_a[n], pair.read_b[n]) for n in pair.rows("all"))
    with database.read() as session:
        found = comparisons.cells(session, *pair.both(session))
    assert found == tuple((*key, shared[key]) for key in sorted(shared))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("expected", [None, 1])
def test_a_filter_lists_what_the_domain_says(database: Database, pair: Pair, kind: Kind, expected: int | None) -> None:
    with database.read() as session:
        found = comparisons.places(session, *pair.both(session), Wanted(kind, expected), N)
    assert [one.position for one in found] == pair.rows(kind, expected)
    assert all(one.expected == pair.expected[one.position] for one in found)


def test_pages_go_on_and_back_without_missing_a_row(database: Database, pair: Pair) -> None:
    rows = pair.rows("changed")
    with database.read() as session:
        both = pair.both(session)
        seen: list[int] = []
        while page := comparisons.places(session, *both, Wanted("changed", after=seen[-1] if seen else None), 7):
            seen += [one.position for one in page]
        back = comparisons.places(session, *both, Wanted("changed", before=rows[10]), 4)
    assert seen == rows
    assert [one.position for one in back] == rows[6:10]


def test_answers_that_do_not_count_are_in_no_comparison(database: Database, pair: Pair) -> None:
    first, *rest = pair.rows("all")
    with database.write() as session:
        session.execute(
            update(Output)
            .where(Output.evaluation_id == pair.b, Output.example_id == pair.world.ids[first])
            .values(counts=False)
        )
    with database.read() as session:
        both = pair.both(session)
        assert sum(cell[3] for cell in comparisons.cells(session, *both)) == len(rest)
        assert [one.position for one in comparisons.places(session, *both, Wanted(), N)] == rest


def test_what_another_version_of_the_test_set_holds_back_is_nowhere(database: Database, pair: Pair) -> None:
    rows = pair.rows("all")
    sealed = rows[:5]
    pair.world.place({n: "holdout" if n in sealed else "dev" for n in range(N)})
    with database.read() as session:
        both = pair.both(session)
        assert [one.position for one in comparisons.places(session, *both, Wanted(), N)] == rows[5:]
        assert sum(cell[3] for cell in comparisons.cells(session, *both)) == len(rows) - 5


def test_the_holdout_has_no_door(database: Database, pair: Pair) -> None:
    with database.write() as session:
        session.get_one(Evaluation, pair.b).split = "holdout"
    with database.read() as session:
        both = pair.both(session)
        with pytest.raises(ValueError, match="only train and dev are open"):
            comparisons.cells(session, *both)
        with pytest.raises(ValueError, match="only train and dev are open"):
            comparisons.places(session, *both, Wanted(), 5)


def test_rows_that_expect_another_answer_in_another_version_are_counted(database: Database, pair: Pair) -> None:
    anew = {n: (pair.expected[n] + 1) % 3 for n in range(4)}
    version_id = pair.world.place(dict.fromkeys(range(N), "dev"), anew)
    c = pair.world.answer("c {{input}}", dict.fromkeys(range(N), 0), version_id=version_id, expected=anew)
    with database.read() as session:
        a, b = pair.both(session)
        assert comparisons.relabelled(session, a, b) == 0
        assert comparisons.relabelled(session, a, session.get_one(Evaluation, c)) == len({*anew} & {*pair.read_a})


def test_an_answer_leads_to_the_call_that_brought_it(database: Database, pair: Pair) -> None:
    silent = pair.world.answer("from the store {{input}}", pair.read_a, called=False)
    with database.read() as session:
        prompts = [session.get_one(Evaluation, one).prompt_version_id for one in (pair.a, silent)]
        ids = pair.world.ids[:20]
        replies = comparisons.replies(session, [pair.a, silent], ids)
        calls = comparisons.calls(session, prompts, ids)
    found = {key[0]: calls.get((reply.request_hash, reply.sample)) for key, reply in replies.items()}
    assert found[pair.a] is not None
    assert found[silent] is None


def test_a_battle_under_way_is_counted_on_its_first_examples(database: Database, pair: Pair) -> None:
    with database.read() as session:
        found = live.pairings(session, pair.world.version_id, pair.a, pair.b, 50)
    first: Counter[Cell] = Counter(
        (pair.expected[n], pair.read_a[n], pair.read_b[n], 0) for n in pair.rows("all") if n < 50
    )
    assert found == tuple((*key[:3], first[key]) for key in sorted(first))


def test_postgresql_reads_no_output_twice_though_it_knows_nothing_of_them(database: Database, pair: Pair) -> None:
    """Without statistics a join would read all outputs of one evaluation for every example of the other."""
    if database.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has no such plans; tests/storage/test_plans.py looks at its own")
    sent: list[tuple[str, Any]] = []

    @event.listens_for(database.engine, "before_cursor_execute")
    def on_execute(connection: object, cursor: object, statement: str, given: Any, *rest: object) -> None:
        sent.append((statement, given))

    pair.world.place({n: "holdout" if n % 20 == 0 else "dev" for n in range(N)})
    with database.read() as session:
        both = pair.both(session)
        sent.clear()
        comparisons.cells(session, *both)
        for kind in KINDS:
            comparisons.places(session, *both, Wanted(kind), 50)
        live.pairings(session, pair.world.version_id, pair.a, pair.b, 50)
    event.remove(database.engine, "before_cursor_execute", on_execute)
    with database.engine.connect() as connection:
        for statement, given in sent:
            ran = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", given).scalar_one()
            for node in _nodes(ran[0]["Plan"]):
                if node.get("Relation Name") in ("output", "placement"):
                    read = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
                    assert read * node["Actual Loops"] <= 2 * N, (statement, node)
        connection.execute(text("ROLLBACK"))


def _nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for one in plan.get("Plans", []) for node in _nodes(one))]
