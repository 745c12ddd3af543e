"""The operations page: idle, busy and stuck installations, and the button that lets stuck work go on."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import delete, event, select
from sqlalchemy.orm import Session

from app.services import operations
from app.services.operations import Limit
from app.storage import campaigns, heartbeats, jobs, traffic
from app.storage.base import new_id, now
from app.storage.campaigns import Campaign
from app.storage.heartbeats import About, Heartbeat
from app.storage.jobs import Job
from app.storage.traffic import Traffic
from tests.web.arena_world import Played, World
from tests.web.reading import words

SENTENCE = "m at http://x/v1 refuses the key (401); enter a valid API key for this provider."


@pytest.fixture
def write(own: World) -> Callable[[Callable[[Session], object]], None]:
    with own.database.write() as session:
        session.execute(delete(Traffic))

    def do(work: Callable[[Session], object]) -> None:
        with own.database.write() as session:
            work(session)

    return do


Write = Callable[[Callable[[Session], object]], None]


def worker(session: Session, name: str = "host:1", role: str = "all", silent: float = 0) -> Heartbeat:
    heartbeats.beat(session, name, About(role, now() - timedelta(hours=2), "0.1.0", 3, 480))
    row = session.get_one(Heartbeat, name)
    row.seen_at = now() - timedelta(seconds=silent)
    return row


def lose(session: Session, kind: str, subject: str) -> str:
    """A job whose holder died a while ago."""
    job_id = jobs.want(session, kind, subject)
    assert jobs.claim(session, job_id, -60)
    return job_id


def test_an_idle_installation_says_that_nothing_is_stuck(own: World, write: Write) -> None:
    write(worker)
    page = words(own.visitor().read("/operations"))
    assert "Nothing is stuck." in page
    assert "Workers alive 1 and none missing" in page
    assert "host:1 3 processes Alive all jobs nothing 2 h 0 min 480 MB 0.1.0" in page
    assert "No call in the last 10 minutes." in page
    assert "No limit that workers share is in force." in page


def test_without_any_worker_the_page_says_how_to_start_one(own: World) -> None:
    page = words(own.visitor().read("/operations"))
    assert "No worker Nothing runs until a worker does." in page
    assert "agon worker starts one by itself" in page


def test_a_silent_worker_is_late_and_then_gone(own: World, write: Write) -> None:
    write(lambda session: [worker(session, "a:1", silent=30), worker(session, "b:2", silent=600)])
    page = words(own.visitor().read("/operations"))
    assert re.search(r"a:1 3 processes Late silent for [345]\d s", page)
    assert "b:2 3 processes Gone silent for 10 min" in page
    assert "Workers alive 0 of 2 seen in the last hour" in page


def test_running_work_is_named_in_words_and_the_page_asks_for_itself_more_often(
    own: World, arena: Played, write: Write
) -> None:
    write(worker)
    visitor = own.visitor()
    assert 'hx-trigger="every 10s"' in visitor.read("/operations/live")
    write(lambda session: jobs.claim(session, jobs.want(session, "campaign", arena.undecided), 60))
    html = visitor.read("/operations/live")
    assert html.count("hx-get=") == 1
    assert 'hx-trigger="every 2s"' in html
    assert f'<a href="/campaigns/{arena.undecided}">Campaign 2 of Support messages</a>' in html


def test_calls_are_counted_by_the_minute(own: World, write: Write) -> None:
    minute = now().replace(second=0, microsecond=0) - timedelta(minutes=1)
    write(lambda session: session.add(Traffic(minute=minute, lane=99, calls=3120, failed=14)))
    write(lambda session: traffic.count(session, [True, False]))
    write(lambda session: traffic.count(session, [True]))
    found = own.visitor().json("/operations")["minutes"]
    assert isinstance(found, list)
    assert len(found) == operations.MINUTES
    own_counts = {(one["calls"], one["failed"]) for one in found if one["calls"]}
    assert (3120, 14) in own_counts
    with own.database.read() as session:
        latest = session.scalars(select(Traffic).where(Traffic.minute >= minute + timedelta(minutes=1))).all()
        assert sum(row.calls for row in latest) == 3
        assert sum(row.failed for row in latest) == 1


def test_a_lost_job_is_shown_and_retried(own: World, arena: Played, write: Write) -> None:
    write(worker)
    write(lambda session: lose(session, "campaign", arena.undecided))
    visitor = own.visitor()
    page = words(visitor.read("/operations"))
    assert "Campaign 2 of Support messages Its worker went away, and no other has taken it over." in page
    with own.database.read() as session:
        job_id = session.scalars(select(Job.id).where(Job.subject == arena.undecided)).one()
    assert visitor.send(f"/operations/jobs/{job_id}/retry") == "/operations"
    assert own.poked == [job_id]


def test_a_job_that_was_put_off_tells_its_error_and_retry_makes_it_due(own: World, write: Write) -> None:
    job_ids: list[str] = []

    def fail(session: Session) -> None:
        worker(session)
        job_ids.append(jobs.want(session, "campaign", new_id()))
        lease = jobs.claim(session, job_ids[0], 60)
        assert lease
        jobs.put_off(session, lease, "The endpoint sleeps.", 600)

    write(fail)
    visitor = own.visitor()
    page = words(visitor.read("/operations"))
    assert "It failed and will be tried again. The endpoint sleeps." in page
    assert "1 try failed" in page
    answer = visitor.client.post(f"/api/v1/operations/jobs/{job_ids[0]}/retry")
    assert (answer.status_code, answer.json()) == (202, {"job_id": job_ids[0]})
    with own.database.read() as session:
        assert session.get_one(Job, job_ids[0]).next_at <= now()
    assert visitor.json("/operations")["stuck"] == []


def test_due_work_without_a_living_worker_of_its_role_is_told_once(own: World, write: Write) -> None:
    write(lambda session: [worker(session, role="calls"), *(jobs.want(session, "campaign", new_id()) for _ in "abc")])
    page = words(own.visitor().read("/operations"))
    assert page.count("3 jobs are due, and no worker that drives campaigns and imports lives.") == 1
    write(lambda session: worker(session, "host:2", role="drivers"))
    assert "Nothing is stuck." in words(own.visitor().read("/operations"))


def test_a_campaign_paused_by_a_fault_is_stuck_until_it_is_told_to_go_on(
    own: World, arena: Played, write: Write
) -> None:
    visitor = own.visitor()
    assert "Paused by a fault" not in words(visitor.read("/operations")), "a person paused it"
    write(lambda session: setattr(session.get_one(Campaign, arena.undecided), "note", SENTENCE))
    assert f"Campaign 2 of Support messages Paused by a fault. {SENTENCE}" in words(visitor.read("/operations"))
    assert visitor.send(f"/operations/campaigns/{arena.undecided}/retry") == "/operations"
    with own.database.read() as session:
        assert campaigns.has_events(session, arena.undecided)
    assert len(own.poked) == 1
    assert "Paused by a fault" not in words(visitor.read("/operations"))


def test_what_runs_or_is_done_cannot_be_retried(own: World, arena: Played, write: Write) -> None:
    job_ids: list[str] = []
    write(lambda session: job_ids.append(jobs.want(session, "campaign", arena.undecided)))
    write(lambda session: jobs.claim(session, job_ids[0], 60))
    visitor = own.visitor()
    assert "A worker has this job right now." in visitor.send(f"/operations/jobs/{job_ids[0]}/retry", status=409)
    assert "This job is done" in visitor.send("/operations/jobs/nobody/retry", status=404)
    assert visitor.client.post("/operations/jobs/nobody/retry").status_code == 403, "without the page's token"


def test_a_broker_that_is_away_is_said_first(own: World) -> None:
    app = own.app()
    app.state.ready = lambda: {"ready": False, "broker": False}
    with own.database.read() as session:
        found = operations.view(session, broker=False)
    assert found.stuck[0].reason == "The broker does not answer."
    assert found.stuck[0].retry == ""


def test_limits_are_shown_as_they_are_given(own: World) -> None:
    with own.database.read() as session:
        found = operations.view(session, True, [Limit("openai", "requests", 412, 600, "a minute")])
    assert [limit.used for limit in found.limits] == [412]


def test_the_page_asks_the_database_as_often_however_much_there_is(own: World, write: Write) -> None:
    def queries() -> int:
        sent = []
        listen = ("before_cursor_execute", lambda *given: sent.append(given[2]))
        event.listen(own.database.engine, *listen)
        own.visitor().read("/operations")
        event.remove(own.database.engine, *listen)
        return len([statement for statement in sent if statement.startswith("SELECT")])

    write(lambda session: [worker(session), lose(session, "campaign", new_id()), lose(session, "import", new_id())])
    few = queries()
    write(lambda session: [lose(session, "campaign", new_id()) for _ in range(20)])
    write(lambda session: [worker(session, f"host:{number}") for number in range(10)])
    assert queries() == few
