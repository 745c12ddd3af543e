"""Evaluations compared: what is said of each against the first, what cannot be compared, and the rows behind it."""

from collections.abc import Mapping
from random import Random
from sys import getrefcount
from typing import Any

import pytest
from sqlalchemy import event, update
from sqlalchemy.orm import Session

from app.domain.answered import Answers
from app.domain.comparing import compare, compare_repeated
from app.domain.goals import Goal, parse_goal, parse_goals
from app.domain.metrics import measure
from app.domain.pairing import KINDS
from app.domain.shapes import of_labels
from app.errors import Invalid, NotFound
from app.services import aligning, comparables, comparing
from app.services.comparables import Chosen
from app.services.comparing import Counted
from app.settings import Settings
from app.storage import ledger, projects
from app.storage.answers import StoredAnswer
from app.storage.comparisons import Pair, Wanted
from app.storage.evaluations import Evaluation, Output
from app.storage.prompts import PromptVersion
from app.storage.runs import Run
from app.storage.session import Database
from tests.services.paired import Paired
from tests.services.sure import answered
from tests.services.tickets import LABELS

N = 400
EXPECTED = [n % 3 for n in range(N)]


def _right(share: float, seed: int, n: int = N) -> list[int]:
    rng = Random(seed)
    return [code if rng.random() < share else rng.randrange(-1, 3) for code in EXPECTED[:n]]


@pytest.fixture
def world(database: Database) -> Paired:
    return Paired.at(database, EXPECTED)


def _compared(session: Session, *ids: str) -> tuple[Chosen, Counted]:
    chosen = comparables.chosen(session, ids)
    return chosen, comparing.compared(session, chosen)


@pytest.mark.parametrize("goal", ["accuracy", "macro_f1"])
def test_a_comparison_says_what_the_statistics_say_of_the_shared_rows(database: Database, goal: str) -> None:
    world, a, b = Paired.at(database, EXPECTED, goal), _right(0.6, 1), _right(0.85, 2, 300)
    ids = world.answer("a {{input}}", a), world.answer("b {{input}}", b)
    with database.read() as session:
        _, found = _compared(session, *ids)
    (one,) = found.view.comparisons
    wanted = Goal(goal)
    assert one.difference is not None
    assert one.difference == compare(wanted, EXPECTED[:300], a[:300], b, 3, comparing.SEED)
    assert one.base_score == measure(wanted, EXPECTED[:300], a[:300], 3), "on the shared rows alone"
    assert one.other_score == measure(wanted, EXPECTED[:300], b, 3)
    assert (one.verdict, one.p_holm, one.counts.n) == ("better", one.difference.p, 300)
    assert one.test == {"accuracy": "exact McNemar", "macro_f1": "paired permutation"}[goal]


@pytest.mark.parametrize("goal", ["accuracy - 0.01*tokens", "mean_score"])
def test_what_goals_ask_beside_readings_is_compared_row_by_row(database: Database, goal: str) -> None:
    world, a, b = Paired.at(database, EXPECTED, goal), _right(0.6, 1), _right(0.85, 2)
    ids = world.answer("a {{input}}", a), world.answer("b {{input}}", b)
    rng, given = Random(3), dict[str, list[dict[str, float]]]()
    with database.write() as session:
        for one in ids:
            given[one] = [{"tokens": rng.randrange(20), "score": rng.choice((0.0, 0.5, 1.0))} for _ in world.ids]
            for example_id, told in zip(world.ids, given[one], strict=True):
                output = session.get_one(Output, (one, example_id, 0))
                output.score = told["score"]
                kept = dict.fromkeys(("request_hash", "owner", "text", "finish_reason"), f"{one} {example_id}")
                answer = StoredAnswer(**kept, sample=0, tokens_in=told["tokens"], tokens_out=0, cost=None, tokens=None)
                session.add(answer)
                session.flush()
                output.answer_id = answer.id
    with database.read() as session:
        (found,) = _compared(session, *ids)[1].view.comparisons
    sides = [{name: [row[name] for row in given[of]] for name in ("tokens", "score")} for of in ids]
    wanted, shape = parse_goal(goal), of_labels(3)
    assert found.difference == compare(wanted, EXPECTED, a, b, shape, comparing.SEED, amounts=(sides[0], sides[1]))
    assert found.other_score == measure(wanted, EXPECTED, b, shape, sides[1])


@pytest.mark.parametrize("goal", ["accuracy", "macro_f1"])
def test_an_example_with_several_answers_counts_once_with_their_mean(database: Database, goal: str) -> None:
    world, a, b, c = Paired.at(database, EXPECTED, goal), _right(0.6, 1), _right(0.7, 2), _right(0.9, 3)
    ids = world.answer("a {{input}}", a), world.answer("b {{input}}", b)
    world.again(ids[1], c, 1)
    with database.read() as session:
        (one,) = _compared(session, *ids)[1].view.comparisons
    twice = Answers([e for e in EXPECTED for _ in (b, c)], [x for both in zip(b, c, strict=True) for x in both], [n for n in range(N) for _ in (b, c)])  # fmt: skip
    assert one.difference == compare_repeated(Goal(goal), Answers(EXPECTED, a, range(N)), twice, 3, comparing.SEED)
    assert (one.repeated, one.units, one.test, one.counts.n) == (True, 0, "paired permutation", N)
    assert one.other_score is not None
    assert one.other_score.value != measure(Goal(goal), EXPECTED, b, 3).value
    assert one.rows_needed is not None


@pytest.mark.parametrize("goal", ["accuracy", "accuracy; macro_f1", "mean_score"])
def test_examples_in_groups_are_drawn_and_swapped_whole(database: Database, goal: str) -> None:
    world, a, b = Paired.at(database, EXPECTED, goal), _right(0.6, 1), _right(0.75, 2)
    ids = world.answer("a {{input}}", a), world.answer("b {{input}}", b)
    with database.read() as session:
        (alone,) = _compared(session, *ids)[1].view.comparisons
    groups = [n // 8 for n in range(N)]
    world.group(groups)
    with database.read() as session:
        (one,) = _compared(session, *ids)[1].view.comparisons
    (first, *_) = parse_goals(goal)
    scores = tuple({"score": [float(e == x) for e, x in zip(EXPECTED, side, strict=True)]} for side in (a, b))
    wanted = compare(first, EXPECTED, a, b, 3, comparing.SEED, amounts=(scores[0], scores[1]), units=groups)
    assert one.difference == wanted
    assert one.base_score == measure(first, EXPECTED, a, 3, scores[0], units=groups)
    assert (one.repeated, one.units, one.test, one.rows_needed, one.detectable) == (
        False,
        50,
        "paired permutation",
        None,
        None,
    )
    assert alone.difference is not None
    assert (alone.difference.value, alone.units) == (wanted.value, 0)
    assert len(one.further) == goal.count(";")


def test_groups_of_one_change_nothing(database: Database, world: Paired) -> None:
    ids = world.answer("a {{input}}", _right(0.6, 1)), world.answer("b {{input}}", _right(0.75, 2))
    with database.read() as session:
        before = _compared(session, *ids)[1].view
    world.group(range(N))
    with database.read() as session:
        assert _compared(session, *ids)[1].view == before


def test_of_several_goals_the_first_decides_and_the_others_are_told(database: Database) -> None:
    world, a, b = Paired.at(database, EXPECTED, "accuracy; macro_f1; recall[billing]"), _right(0.6, 1), _right(0.85, 2)
    ids = world.answer("a {{input}}", a), world.answer("b {{input}}", b)
    with database.read() as session:
        (one,) = _compared(session, *ids)[1].view.comparisons
    assert one.difference == compare(Goal("accuracy"), EXPECTED, a, b, 3, comparing.SEED)
    assert [by.goal for by in one.further] == ["macro_f1", "recall[billing]"]
    assert one.further[0].difference == compare(Goal("macro_f1"), EXPECTED, a, b, 3, comparing.SEED)
    assert one.further[0].other_score == measure(Goal("macro_f1"), EXPECTED, b, 3)


def test_examples_that_were_compared_one_by_one_are_not_kept_for_long() -> None:
    def pairs(seed: int) -> tuple[Pair, ...]:
        return tuple((0, seed % 2, 0, (float(seed), float(n))) for n in range(30))

    first = pairs(0)
    held = getrefcount(first)
    for seed in range(5):
        comparing.judged(parse_goal("mean_score"), (), of_labels(2), first if seed == 0 else pairs(seed))
    assert getrefcount(first) == held


def test_the_other_way_round_better_is_worse(database: Database, world: Paired) -> None:
    ids = world.answer("a {{input}}", _right(0.6, 1)), world.answer("b {{input}}", _right(0.8, 2))
    with database.read() as session:
        (there,), (back,) = (_compared(session, *order)[1].view.comparisons for order in (ids, ids[::-1]))
    assert (there.verdict, back.verdict) == ("better", "worse")
    assert there.difference is not None
    assert back.difference is not None
    assert there.difference.value == -back.difference.value
    assert (there.rows_needed, there.detectable) == (back.rows_needed, back.detectable)


VERDICTS: list[tuple[dict[int, int], str]] = [
    ({}, "tie"),  # four hundred rows without a difference: it lies within 2 points
    ({n: (n + 1) % 3 for n in range(12)}, "worse"),
    ({n: (n + 1) % 3 for n in range(4)}, "not enough evidence"),
]


@pytest.mark.parametrize(("wrong", "verdict"), VERDICTS)
def test_the_verdict_is_read_against_the_smallest_gain(
    database: Database, world: Paired, wrong: Mapping[int, int], verdict: str
) -> None:
    other = [wrong.get(n, code) for n, code in enumerate(EXPECTED)]
    ids = world.answer("a {{input}}", EXPECTED), world.answer("b {{input}}", other)
    with database.read() as session:
        (one,) = _compared(session, *ids)[1].view.comparisons
    assert one.verdict == verdict


def test_p_is_adjusted_for_all_on_the_page_and_the_verdict_rests_on_that(database: Database, world: Paired) -> None:
    base = world.answer("base {{input}}", [code if n >= 7 else (code + 1) % 3 for n, code in enumerate(EXPECTED)])
    b = world.answer("b {{input}}", EXPECTED)
    others = [world.answer(f"{n} {{{{input}}}}", _right(0.98, n)) for n in range(5)]
    with database.read() as session:
        (alone,) = _compared(session, base, b)[1].view.comparisons
        among = _compared(session, base, b, *others)[1].view.comparisons
    assert alone.p_holm == pytest.approx(2 / 2**7)
    assert among[0].difference == alone.difference
    assert among[0].p_holm is not None
    assert among[0].p_holm > 0.05
    assert (alone.verdict, among[0].verdict) == ("better", "not enough evidence")
    assert [one.other for one in among] == list("BCDEFG")


def test_ids_that_cannot_be_compared_are_told_why(database: Database, world: Paired) -> None:
    a, train = world.answer("a {{input}}", EXPECTED), world.answer("a {{input}}", {0: 0}, split="train")
    strange = Paired.at(database, [0, 1]).answer("c {{input}}", [0, 1])
    sealed = world.answer("d {{input}}", {1: 1})
    with database.write() as session:
        session.execute(update(Evaluation).where(Evaluation.id == sealed).values(split="holdout"))
    with database.read() as session:
        for ids, problem in (
            ([a], "needs two evaluations or more"),
            ([], "needs two evaluations or more"),
            ([a, a], "are one and the same evaluation"),
            ([a, strange], "answered another test set"),
            ([a, sealed], "was answered on the sealed holdout"),
            ([a, train, *("x",) * 9], "There is no evaluation x"),
            ([a, "\0"], "There is no evaluation \0"),
        ):
            with pytest.raises((Invalid, NotFound), match=problem):
                comparables.chosen(session, ids)
        with pytest.raises(Invalid, match="was answered on the sealed holdout"):
            comparables.offer(session, sealed)


def test_too_many_at_once_are_refused(database: Database, world: Paired) -> None:
    ids = [world.answer(f"{n} {{{{input}}}}", [0, 1]) for n in range(9)]
    with database.read() as session, pytest.raises(Invalid, match="9 evaluations are too many"):
        comparables.chosen(session, ids)


def test_evaluations_without_a_shared_example_say_so_and_have_no_numbers(database: Database, world: Paired) -> None:
    a = world.answer("a {{input}}", {0: 0, 1: 1})
    train, late = world.answer("a {{input}}", {2: 2}, split="train"), world.answer("b {{input}}", {5: 2})
    with database.read() as session:
        chosen, found = _compared(session, a, train, late)
        rows = aligning.rows_page(session, chosen, found, Wanted())
    by_split, apart = found.view.comparisons
    assert "A answered dev and B answered train" in by_split.note
    assert "A and C have no answered example in common" in apart.note
    assert {(one.difference, one.verdict, one.p_holm) for one in (by_split, apart)} == {(None, None, None)}
    assert (rows.total, rows.rows) == (0, [])


def test_a_row_holds_every_answer_and_leads_to_its_call(database: Database, world: Paired) -> None:
    a = world.answer("a {{input}}", [1, 1, 2], replies={0: "I say: shipping"})
    b = world.answer("b {{input}}", [0, -1, 2], called=False)
    c = world.answer("c {{input}}", [2])
    with database.read() as session:
        chosen, found = _compared(session, a, b, c)
        rows = aligning.rows_page(session, chosen, found, Wanted()).rows
        to_c = aligning.rows_page(session, chosen, found, Wanted(), "C").rows
    assert [row.change for row in rows] == ["fixed", "broken", "both_right"]
    assert [row.change for row in to_c] == ["both_wrong"]
    first, second, _ = rows
    assert [one and (one.answered, one.right) for one in first.answers] == [
        ("shipping", False), ("billing", True), ("returns", False),
    ]  # fmt: skip
    assert first.answers[0] is not None
    assert (first.answers[0].reply, first.expected, first.input) == ("I say: shipping", "billing", "ticket 0")
    assert first.answers[0].call_id
    assert first.answers[1] is not None
    assert first.answers[1].call_id is None, "answered from the store"
    assert second.answers[1] is not None
    assert second.answers[1].answered is None, "unreadable"
    assert second.answers[2] is None, "not answered"


def test_filters_count_what_they_list(database: Database, world: Paired) -> None:
    ids = world.answer("a {{input}}", _right(0.6, 1)), world.answer("b {{input}}", _right(0.75, 2))
    with database.read() as session:
        chosen, found = _compared(session, *ids)
        for kind in KINDS:
            for expected in (None, 2):
                page = aligning.rows_page(session, chosen, found, Wanted(kind, expected), limit=N)
                assert len(page.rows) == page.total == page.kinds[kind]
                assert {row.expected for row in page.rows} <= set(LABELS if expected is None else LABELS[2:])
                assert sum(one.count for one in page.expectations) >= page.total
        with pytest.raises(Invalid, match="must be one of B"):
            aligning.rows_page(session, chosen, found, Wanted(), "Z")


def test_pages_lead_on_and_back(database: Database, world: Paired) -> None:
    ids = world.answer("a {{input}}", EXPECTED[:120]), world.answer("b {{input}}", EXPECTED[:120])
    with database.read() as session:
        chosen, found = _compared(session, *ids)

        def page(**place: Any) -> tuple[list[int], int | None, int | None]:
            shown = aligning.rows_page(session, chosen, found, Wanted(**place))
            return [row.position for row in shown.rows], shown.next_before, shown.next_after

        assert page() == (list(range(50)), None, 49)
        assert page(after=49) == (list(range(50, 100)), 50, 99)
        assert page(after=99) == (list(range(100, 120)), 100, None)
        assert page(before=100) == (list(range(50, 100)), 50, 99)
        assert page(before=50) == (list(range(50)), None, 49)


def test_all_rows_come_in_batches_for_a_file(
    database: Database, world: Paired, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aligning, "ROWS_AT_ONCE", 7)
    ids = world.answer("a {{input}}", _right(0.6, 1)), world.answer("b {{input}}", _right(0.75, 2))
    with database.read() as session:
        chosen, found = _compared(session, *ids)
    rows = [row for batch in aligning.in_batches(database, chosen, found.project, Wanted("fixed")) for row in batch]
    assert len(rows) == found.view.comparisons[0].counts.fixed
    assert {row.change for row in rows} == {"fixed"}


def test_the_database_is_asked_as_often_however_many_rows_there_are(database: Database, world: Paired) -> None:
    ids = world.answer("a {{input}}", _right(0.6, 1)), world.answer("b {{input}}", _right(0.75, 2))
    sent: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *given: sent.append(given[2]))
    asked = []
    for limit in (1, 200):
        sent.clear()
        with database.read() as session:
            chosen, found = _compared(session, *ids)
            aligning.rows_page(session, chosen, found, Wanted(), limit=limit)
        asked.append(len(sent))
    assert asked[0] == asked[1] <= 18


def test_others_of_the_same_test_set_and_split_are_offered_the_parents_first(database: Database, world: Paired) -> None:
    parent, other = world.answer("parent {{input}}", [0]), world.answer("other {{input}}", [0])
    mine = world.answer("mine {{input}}", [0])
    world.answer("mine {{input}}", {3: 0}, split="train")
    Paired.at(database, [0]).answer("strange {{input}}", [0])
    with database.write() as session:
        child = session.get_one(PromptVersion, session.get_one(Evaluation, mine).prompt_version_id)
        child.parents = [session.get_one(Evaluation, parent).prompt_version_id]
    with database.read() as session:
        offer = comparables.offer(session, mine)
    assert [side.id for side in offer.others] == [parent, other]
    assert offer.side.id == mine


def test_an_id_may_be_shortened_to_what_no_other_begins_with(database: Database, world: Paired) -> None:
    a = world.answer("a {{input}}", [0])
    with database.read() as session:
        assert comparables.complete(session, a) == comparables.complete(session, a[:8]) == a
        for unknown in ("nobody", "%%%%"):
            with pytest.raises(NotFound, match="There is no evaluation"):
                comparables.complete(session, unknown)
            with pytest.raises(NotFound, match="There is no such evaluation run"):
                comparables.complete_run(session, unknown)
        for short in (a[:3], "%", ""):
            for complete in (comparables.complete, comparables.complete_run):
                with pytest.raises(Invalid, match=f"'{short}' is too short: give at least 4 characters"):
                    complete(session, short)


def test_a_beginning_that_several_ids_have_is_refused_with_their_names(database: Database, settings: Settings) -> None:
    made = answered(database, settings, 30)
    with database.write() as session:
        run = session.get_one(Run, made.run_id)
        same = {column.name: getattr(run, column.name) for column in Run.__table__.columns}
        account = {name: ledger.open_account(session, f"run:{name}", {}).id for name in ("same2", "same3")}
        session.add_all(Run(**{**same, "id": name, "account_id": account[name]}) for name in account)
        assert comparables.complete_run(session, made.run_id[:6]) == made.run_id
        session.flush()
        assert comparables.complete_run(session, "same2") == "same2"
        for complete in (comparables.complete, comparables.complete_run):
            with pytest.raises(Invalid, match="same begins more than one id: same2, same3; give more of it"):
                complete(session, "same")


def test_an_unknown_code_has_a_name_of_its_own(database: Database, world: Paired) -> None:
    with database.read() as session:
        found = projects.get(session, world.project_id)
    assert [comparing.answer_name(found, code) for code in (-1, 0, 2, 9)] == [None, "billing", "returns", "answer 9"]
