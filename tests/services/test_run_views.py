"""What is told of runs, on both databases: pace, parts, what they used, and which of them wait for a person."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from app.errors import Conflict
from app.services import evaluating, operations, run_views, steering
from app.services.run_views import RunView
from app.settings import Settings
from app.storage import campaign_boards, heartbeats, run_boards
from app.storage.answers import Call
from app.storage.base import now
from app.storage.runs import Run
from app.storage.session import Database
from tests.gateway.scripted import refusal, serving
from tests.services.tickets import Tickets, right


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", block_size=20, in_flight=8, save_seconds=0.05, call_attempts=2)


def view(database: Database, run_id: str) -> RunView:
    with database.read() as session:
        return run_views.run_view(session, run_id)


def test_a_run_is_told_from_its_order_to_its_score(database: Database, settings: Settings) -> None:
    with serving(right) as server:
        tickets = Tickets.at(database, settings, server.base_url, 50)
        run_id = tickets.start(max_calls=60, max_tokens=10_000)
        told = view(database, run_id)
        assert (told.phase, told.worker_missing, told.rate, told.seconds_left, told.workers) == ("queued", True, None, None, [])  # fmt: skip
        with database.write() as session:
            heartbeats.beat(session, "here:1")
        assert not view(database, run_id).worker_missing
        tickets.work_on()
    told = view(database, run_id)
    assert (told.phase, told.over, told.done, told.right, told.seconds_left) == ("finished", True, 50, 50, None)
    assert told.score is not None
    assert (told.score.value, told.score.n, told.goal) == (1.0, 50, "accuracy")
    assert [(one.kind, one.used, one.cap, one.warning) for one in told.used] == [
        ("calls", 50, 60, True), ("tokens", 450, 10_000, False), ("cost", 550, None, False),
    ]  # fmt: skip
    assert [(one.worker, one.answers, one.blocks, one.blocks_done, one.blocks_now) for one in told.workers] == [
        ("here:1", 50, 3, 3, 0)
    ]


@pytest.mark.parametrize(
    ("running_for", "calls_ago", "rate"), [(600, 20, 50 / 30), (600, 45, None), (5, 4, 10.0), (0.5, 0.2, None)]
)
def test_the_rate_is_that_of_the_newest_calls_while_it_goes_on(
    database: Database,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    running_for: float,
    calls_ago: float,
    rate: float | None,
) -> None:
    with serving(right) as server:
        tickets = Tickets.at(database, settings, server.base_url, 50)
        run_id = tickets.start()
        tickets.work()
    moment = now()
    monkeypatch.setattr(run_views, "now", lambda: moment)
    going = {
        "status": "running",
        "finished_at": None,
        "done": 40,
        "started_at": moment - timedelta(seconds=running_for),
    }
    with database.write() as session:
        session.execute(update(Run).values(**going))
        session.execute(update(Call).values(created_at=moment - timedelta(seconds=calls_ago)))
    told = view(database, run_id)
    assert told.rate == (rate if rate is None else pytest.approx(rate, rel=0.2))
    assert told.seconds_left == (rate if rate is None else pytest.approx(10 / rate, rel=0.2))


def test_a_very_fast_run_has_a_rate_too(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_boards, "LATEST_CALLS", 20)
    with serving(right) as server:
        tickets = Tickets.at(database, settings, server.base_url, 50)
        run_id = tickets.start()
        tickets.work()
    moment = now()
    with database.write() as session:
        session.execute(update(Run).values(status="running", started_at=moment - timedelta(seconds=9)))
        for n, call in enumerate(session.query(Call).order_by(Call.id)):
            call.created_at = moment - timedelta(seconds=n / 100)
    told = view(database, run_id)
    assert told.rate is not None
    assert 10 < told.rate <= 110, "nineteen calls since the twentieth, which is a fifth of a second old"


def test_lists_hold_what_is_open_and_what_waits_for_a_person(database: Database, settings: Settings) -> None:
    with serving(lambda hit: refusal(401, "bad key")) as server:
        tickets = Tickets.at(database, settings, server.base_url, 50)
        faulty = tickets.start(temperature=0.1)
        tickets.work()
        server.script = right
        capped = tickets.start(temperature=0.2, max_calls=7)
        tickets.work_on()
        paused, over = tickets.start(temperature=0.3), tickets.start(temperature=0.4)
        with database.write() as session:
            evaluating.pause(session, paused)
        tickets.work()
    with database.read() as session:
        named = campaign_boards.models(session)
        assert [line.id for line in run_boards.open_runs(session, named)] == [paused, capped, faulty]
        page = run_views.runs_page(session, tickets.project_id)
        assert [line.id for line in page.runs] == [over, paused, capped, faulty]
        first, older = run_boards.of_project(session, named, tickets.project_id, limit=3)
        rest, end = run_boards.of_project(session, named, tickets.project_id, older, limit=3)
        assert [line.id for line in [*first, *rest]] == [over, paused, capped, faulty]
        assert end is None
        stuck = [one.retry for one in operations.view(session, True).stuck if "/runs/" in one.retry]
    assert stuck == [f"/operations/runs/{one}/retry" for one in (capped, faulty)], "nobody is told of a person's pause"


def test_a_raised_cap_lets_a_run_go_on_and_no_other_change_does(database: Database, settings: Settings) -> None:
    with serving(right) as server:
        tickets = Tickets.at(database, settings, server.base_url, 50)
        run_id = tickets.start(max_calls=20)
        with database.write() as session:
            assert steering.set_caps(session, run_id, {"max_tokens": 100_000}) == []
        tickets.work_on()
        assert tickets.run(run_id).status == "exhausted"
        with database.write() as session:
            assert steering.set_caps(session, run_id, {"max_calls": None})
        tickets.work()
    run = tickets.run(run_id)
    assert (run.status, run.account.cap_calls, run.account.cap_tokens) == ("finished", None, 100_000)
    with database.write() as session, pytest.raises(Conflict):
        steering.set_caps(session, run_id, {"max_calls": 5})
