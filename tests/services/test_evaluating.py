"""Evaluations in blocks on both databases, against a real server: every example answered once, nothing lost or overspent."""

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import func, select

from app.domain.budgets import Amount
from app.errors import Conflict, Invalid
from app.services import blocks, evaluating
from app.settings import Settings
from app.storage import ledger, parties, run_boards, runs
from app.storage.answers import Call, StoredAnswer
from app.storage.asking import Asking
from app.storage.endpoints import Endpoint
from app.storage.evaluations import Evaluation, Output
from app.storage.jobs import Job
from app.storage.ledger import LedgerEntry
from app.storage.runs import Block
from app.storage.session import Database
from tests.gateway.scripted import Answer, Hit, completion, refusal, serving
from tests.services.tickets import Tickets, right
from tests.storage.test_jobs import campaign


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", block_size=20, in_flight=8, save_seconds=0.05, call_attempts=2)


def outputs(database: Database) -> list[Output]:
    with database.read() as session:
        return list(session.scalars(select(Output)))


def test_a_run_is_answered_block_by_block_and_summed_up(database: Database, settings: Settings) -> None:
    with serving(right) as server:
        tickets = Tickets.at(database, settings, server.base_url, 50)
        run_id = tickets.start()
        tickets.work()
        assert len(server.hits) == 50
    run = tickets.run(run_id)
    assert (run.status, run.total, run.done, run.reused, run.blocks_done) == ("finished", 50, 50, 0, 3)
    with database.read() as session:
        evaluation = session.get_one(Evaluation, run.evaluation_id)
        assert (evaluation.value, evaluation.n, evaluation.right, evaluation.unreadable) == (1.0, 50, 50, 0)
        assert session.scalars(select(Job)).all() == [], "what is done leaves no job behind"
        assert session.scalars(select(LedgerEntry)).all() == []
        calls = session.scalars(select(Call)).all()
        assert {(call.run_id, call.purpose, call.ok) for call in calls} == {(run_id, "task", True)}
        assert {call.cost for call in calls} == {7 + 2 * 2}
    for name in (run.account_id, "instance", f"project:{tickets.project_id}"):
        account = tickets.account(name)
        assert (account.spent_calls, account.spent_tokens, account.spent_cost) == (50, 450, 550)
        assert (account.reserved_calls, account.reserved_tokens, account.forfeited_calls) == (0, 0, 0)


def test_the_same_request_is_never_paid_twice_but_repeats_are_independent(
    database: Database, settings: Settings
) -> None:
    with serving(right) as server:
        tickets = Tickets.at(database, settings, server.base_url, 30)
        tickets.start()
        tickets.work()
        again = tickets.start(samples=3)
        tickets.work()
        assert len(server.hits) == 30 + 60
    run = tickets.run(again)
    assert (run.status, run.done, run.reused) == ("finished", 90, 30)
    assert Counter(output.sample for output in outputs(database)) == {0: 30, 1: 30, 2: 30}
    assert len({output.answer_id for output in outputs(database)}) == 90
    assert tickets.account(run.account_id).spent_calls == 60


def test_answers_of_the_store_are_used_by_another_evaluation(database: Database, settings: Settings) -> None:
    with serving(right) as server:
        tickets = Tickets.at(database, settings, server.base_url, 30)
        tickets.start(examples=25)
        tickets.work()
        with database.write() as session:
            session.query(Output).delete()
        run_id = tickets.start()
        tickets.work()
        assert len(server.hits) == 30
    assert (tickets.run(run_id).done, tickets.run(run_id).reused) == (30, 25)


def test_failures_lose_no_example_and_what_was_paid_stays(database: Database, settings: Settings) -> None:
    seen = Counter[str]()

    def sometimes(hit: Hit) -> Answer:
        seen[hit.text] += 1
        number = int(hit.text.split()[1].rstrip(":"))
        return refusal(500, "no") if number % 7 == 0 and seen[hit.text] < 4 else right(hit)

    with serving(sometimes) as server:
        tickets = Tickets.at(database, settings, server.base_url, 50)
        run_id = tickets.start()
        for _ in range(4):
            tickets.work()
            tickets.make_due()
        assert Counter(seen.values()) == {1: 42, 4: 8}
        assert len(server.hits) == 42 + 8 * 4
    run = tickets.run(run_id)
    assert (run.status, run.done) == ("finished", 50)
    assert len(outputs(database)) == 50
    assert tickets.account(run.account_id).spent_calls == 42 + 8 * 4
    assert tickets.account(run.account_id).spent_cost == 50 * 11, "a failed call gives its money back"


def test_an_endpoint_that_never_works_pauses_the_run_with_what_to_do(database: Database, settings: Settings) -> None:
    with serving(lambda hit: refusal(401, "bad key")) as server:
        tickets = Tickets.at(database, settings, server.base_url, 50)
        run_id = tickets.start()
        tickets.work()
        run = tickets.run(run_id)
        assert run.status == "paused"
        assert "asks for a key (401)" in run.note
        seen = len(server.hits)
        tickets.work()
        assert len(server.hits) == seen, "a paused run is left alone"
        server.script = right
        with database.write() as session:
            evaluating.resume(session, run_id)
        tickets.work()
    assert (tickets.run(run_id).status, tickets.run(run_id).note) == ("finished", "")
    assert len(outputs(database)) == 50


def test_a_cap_stops_a_run_and_raising_it_lets_it_go_on(database: Database, settings: Settings) -> None:
    with serving(right) as server:
        tickets = Tickets.at(database, settings, server.base_url, 50)
        run_id = tickets.start(max_calls=33)
        tickets.work_on()
        assert len(server.hits) == 33
        run = tickets.run(run_id)
        assert (run.status, run.done) == ("exhausted", 33)
        assert "The cap on calls of this run is reached: 33 of 33 calls are used" in run.note
        with database.write() as session:
            runs.get(session, run_id).account.cap_calls = 100
            evaluating.resume(session, run_id)
        tickets.work()
        assert len(server.hits) == 50
    assert tickets.run(run_id).status == "finished"


def test_money_and_tokens_are_capped_too_and_only_by_what_is_really_spent(
    database: Database, settings: Settings
) -> None:
    with serving(right) as server:
        tickets = Tickets.at(database, settings, server.base_url, 50)
        run_id = tickets.start(answer_tokens=16, max_cost=500)
        tickets.work_on()
        run = tickets.run(run_id)
        assert run.status == "exhausted"
        assert re.match(r"The cap on money of this run is reached: \$0\.000\d+ of \$0\.0005 are used", run.note)
        assert 380 <= run.account.spent_cost <= 500, "another call could have cost more than what is left"
        assert run.account.spent_cost == 11 * len(server.hits)


def test_racing_workers_answer_every_example_once(database: Database, settings: Settings) -> None:
    with serving(lambda hit: Answer(**{**vars(right(hit)), "delay": 0.02})) as server:
        tickets = Tickets.at(database, settings, server.base_url, 200)
        run_id = tickets.start()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda n: blocks.work(database, settings, f"here:{n}"), range(4)))
        tickets.drive()
        assert len(server.hits) == 200
    assert (tickets.run(run_id).status, tickets.run(run_id).done) == ("finished", 200)
    with database.read() as session:
        told = run_boards.worked_on(session, run_id)
        assert sum(one.answers for one in told) == 200
        assert len(told) >= 2


def test_people_can_pause_resume_and_stop_while_calls_are_under_way(database: Database, settings: Settings) -> None:
    begun = Event()

    def slow(hit: Hit) -> Answer:
        begun.set()
        return Answer(**{**vars(right(hit)), "delay": 0.05})

    with serving(slow) as server, ThreadPoolExecutor(1) as pool:
        tickets = Tickets.at(database, settings, server.base_url, 200)
        run_id = tickets.start()
        for wish in (evaluating.pause, evaluating.stop):
            begun.clear()
            working = pool.submit(tickets.work)
            assert begun.wait(10)
            with database.write() as session:
                wish(session, run_id)
            working.result(20)
            assert len(outputs(database)) == len(server.hits) < 200, "what was under way is kept"
            if wish is evaluating.pause:
                assert tickets.run(run_id).status == "paused"
                with database.write() as session:
                    evaluating.resume(session, run_id)
        tickets.work()
    run = tickets.run(run_id)
    assert (run.status, run.finished_at is not None) == ("stopped", True)
    with database.read() as session:
        assert session.get_one(Evaluation, run.evaluation_id).n == len(outputs(database))
        assert session.scalars(select(Job)).all() == []
    with database.write() as session, pytest.raises(Conflict):
        evaluating.resume(session, run_id)


def test_a_dead_workers_block_is_taken_over_and_its_reservation_is_forfeited(
    database: Database, settings: Settings
) -> None:
    with serving(right) as server:
        tickets = Tickets.at(database, settings, server.base_url, 20)
        run_id = tickets.start()
        with database.write() as session:
            lease = parties.claim_next(session, runs.BLOCK, -1.0, "dead:1")
            assert lease is not None
            entry = ledger.open_entry(session, lease.subject, lease.token, [f"run:{run_id}"])
            ledger.reserve(session, entry, Amount(1, 100, 100), 8)
        tickets.work()
        assert len(server.hits) == 20
    run = tickets.run(run_id)
    assert (run.status, run.account.spent_calls, run.account.forfeited_calls) == ("finished", 20, 8)


def test_an_interactive_run_goes_before_a_campaigns_and_parties_share_the_workers(
    database: Database, settings: Settings
) -> None:
    with database.write() as session:
        parties.add(session, "block", ["c1", "c2", "c3"], "campaign run", runs.BACKGROUND)
        parties.add(session, "block", ["p1"], "a person's run", runs.INTERACTIVE)
        parties.add(session, "block", ["o1", "o2"], "other campaign's", runs.BACKGROUND)
        assert parties.others_first(session, "block", "campaign run", runs.BACKGROUND, past=False)
        taken = [parties.claim_next(session, "block", 30, "w") for _ in range(4)]
        subjects = [lease.subject for lease in taken if lease]
    assert subjects[0] == "p1"
    assert {name[0] for name in subjects[1:3]} == {"c", "o"}, "the party with the fewest holders comes next"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"split": "holdout"}, "split"),
        ({"examples": 0}, "examples"),
        ({"samples": 0}, "samples"),
        ({"temperature": 2.5}, "temperature"),
        ({"answer_tokens": 0}, "answer_tokens"),
        ({"max_calls": 0}, "max_calls"),
    ],
)
def test_what_cannot_be_ordered_is_refused_by_field(
    database: Database, settings: Settings, changes: dict[str, object], field: str
) -> None:
    tickets = Tickets.at(database, settings, "http://127.0.0.1:1/v1", 5)
    with pytest.raises(Invalid) as refused:
        tickets.start(**changes)
    assert [problem.where for problem in refused.value.problems] == [field]


def test_the_same_evaluation_is_not_ordered_twice_at_once(database: Database, settings: Settings) -> None:
    tickets = Tickets.at(database, settings, "http://127.0.0.1:1/v1", 5)
    run_id = tickets.start()
    with pytest.raises(Conflict, match=run_id):
        tickets.start()
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Block)) == 1
        assert session.scalar(select(func.count()).select_from(StoredAnswer)) == 0
    assert completion("x").status == 200


def test_examples_that_make_the_same_request_are_one_purchase_but_not_in_repeats(
    database: Database, settings: Settings
) -> None:
    with serving(right) as server:
        tickets = Tickets.at(database, settings, server.base_url, 30)
        run_id = tickets.start(prompt_version_id=tickets.prompt("always [billing]"), samples=2)
        tickets.work_on()
        assert len(server.hits) <= 2 + 30, "one for each block that began before the first was answered"
    run = tickets.run(run_id)
    assert (run.status, run.done) == ("finished", 60)
    assert run.reused == 60 - len(server.hits)
    by_sample = Counter((output.sample, output.answer_id) for output in outputs(database))
    assert len([one for one in by_sample if one[0] == 0]) == 1
    assert len([one for one in by_sample if one[0] == 1]) == 30


@pytest.mark.parametrize("counts", [False, True])
def test_what_a_fallback_answers_is_marked_and_asked_again_unless_it_counts(
    database: Database, settings: Settings, counts: bool
) -> None:
    with serving(lambda hit: refusal(503, "away")) as server, serving(right) as other:
        tickets = Tickets.at(database, settings, server.base_url, 30)
        fallback = tickets.fall_back_to(other.base_url)
        run_id = tickets.start(count_fallbacks=counts)
        tickets.work()
        run = tickets.run(run_id)
        assert {output.served_by for output in outputs(database)} == {fallback}
        assert {output.counts for output in outputs(database)} == {counts}
        with database.read() as session:
            calls = session.scalars(select(Call)).all()
            assert {(call.served_by, call.endpoint_id) for call in calls} == {(fallback, tickets.endpoint_id)}
        if counts:
            assert (run.status, run.done, run.elsewhere) == ("finished", 30, 0)
            return
        assert (run.status, run.done, run.elsewhere) == ("running", 0, 30)
        server.script = right
        tickets.work_on()
    run = tickets.run(run_id)
    assert (run.status, run.done, run.elsewhere) == ("finished", 30, 0)
    assert {(output.served_by, output.counts) for output in outputs(database)} == {(None, True)}
    assert len(outputs(database)) == 30


def test_two_that_ask_the_same_at_the_same_moment_pay_once(database: Database, settings: Settings) -> None:
    with serving(lambda hit: Answer(**{**vars(right(hit)), "delay": 0.05})) as server:
        both = [Tickets.at(database, settings, server.base_url, 60, name) for name in ("x", "y")]
        started = [tickets.start() for tickets in both]
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda n: blocks.work(database, settings, f"here:{n}"), range(2)))
        both[0].work_on()
        assert len(server.hits) == 60
    found = [tickets.run(run_id) for tickets, run_id in zip(both, started, strict=True)]
    assert [(run.status, run.done) for run in found] == [("finished", 60)] * 2
    assert sum(run.reused for run in found) == 60
    with database.read() as session:
        assert session.scalars(select(Asking)).all() == []


def test_a_run_of_fewer_examples_leaves_the_score_of_more(database: Database, settings: Settings) -> None:
    with serving(right) as server:
        tickets = Tickets.at(database, settings, server.base_url, 50)
        tickets.start()
        tickets.work()
        again = tickets.start(examples=10)
        tickets.work()
        assert len(server.hits) == 50
    assert tickets.run(again).status == "finished"
    with database.read() as session:
        assert session.get_one(Evaluation, tickets.run(again).evaluation_id).n == 50


def test_a_key_that_cannot_be_read_pauses_the_run_and_says_so(database: Database, settings: Settings) -> None:
    tickets = Tickets.at(database, settings, "http://127.0.0.1:1/v1", 50)
    with database.write() as session:
        session.get_one(Endpoint, tickets.endpoint_id).provider.encrypted_key = "of another secret"
    run_id = tickets.start()
    tickets.work()
    assert tickets.run(run_id).status == "paused"
    assert "AGON_SECRET_KEY has changed" in tickets.run(run_id).note
    with database.read() as session:
        assert {job.status for job in session.scalars(select(Job))} == {"idle"}


@pytest.mark.parametrize(("capped", "status"), [("own", "exhausted"), ("project", "paused")])
def test_a_campaigns_own_cap_ends_its_asking_and_a_shared_one_pauses_it(
    database: Database, settings: Settings, capped: str, status: str
) -> None:
    campaign_id = campaign(database)
    with serving(right) as server:
        tickets = Tickets.at(database, settings, server.base_url, 50, "y")
        run_id = tickets.start()
        name = f"run:{run_id}" if capped == "own" else f"project:{tickets.project_id}"
        with database.write() as session:
            runs.get(session, run_id).campaign_id = campaign_id
            ledger.set_caps(session, name, {"calls": 20})
        tickets.work_on(campaigns=False)
        assert len(server.hits) == 20
    assert tickets.run(run_id).status == status
    with database.read() as session:
        assert session.scalars(select(Job.subject).where(Job.kind == "campaign")).all() == [campaign_id], "it is told"
