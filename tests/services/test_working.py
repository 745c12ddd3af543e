"""What a worker logs of a job: claimed, let go, put off, lease lost, each with its id and seconds."""

from collections.abc import Iterator

import pytest
import structlog
from structlog.testing import LogCapture

from app.services import faults
from app.services.working import work
from app.settings import Settings
from app.storage import jobs, operations
from app.storage.base import new_id
from app.storage.jobs import LeaseLost
from app.storage.session import Database


@pytest.fixture
def log() -> Iterator[LogCapture]:
    capture = LogCapture()
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, capture])
    yield capture
    structlog.reset_defaults()


def said(log: LogCapture) -> list[str]:
    return [line["event"] for line in log.entries]


def test_a_job_is_told_from_its_claim_to_its_end(database: Database, settings: Settings, log: LogCapture) -> None:
    with database.write() as session:
        job_id = jobs.want(session, "import", new_id())
    work(database, settings, job_id)
    assert said(log) == ["job claimed", "job let go"]
    assert {line["job"] for line in log.entries} == {job_id}
    assert log.entries[1]["held"] >= 0
    work(database, settings, job_id)
    assert len(log.entries) == 2, "a claim that is lost is normal, and no news"


def test_a_failure_and_a_lost_lease_are_warnings(database: Database, log: LogCapture) -> None:
    with database.write() as session:
        lease = jobs.claim(session, jobs.want(session, "campaign", new_id()), -1)
        assert lease
        thief = jobs.claim(session, lease.job_id, 30)
        assert thief
    with database.write() as session, pytest.raises(LeaseLost):
        jobs.renew(session, lease)
    with database.write() as session:
        jobs.put_off(session, thief, "The endpoint sleeps.", 60)
    lost, put_off = log.entries[-2:]
    assert (lost["event"], lost["log_level"], lost["job"]) == ("lease lost", "warning", lease.job_id)
    assert (put_off["event"], put_off["error"], put_off["again_in"]) == ("job put off", "The endpoint sleeps.", 60)


def test_a_job_that_fails_inside_agon_is_put_off_with_the_reason_and_the_log_has_the_fault(database: Database) -> None:
    with database.write() as session:
        lease = jobs.claim(session, jobs.want(session, "run", new_id()), 600)
        assert lease
    with pytest.raises(ZeroDivisionError), faults.put_off(database, lease):
        1 / 0  # noqa: B018
    with database.read() as session:
        (job,) = operations.troubled(session)
    assert (job.state, job.attempts) == ("put off", 1)
    assert job.last_error == "This failed inside Agon (ZeroDivisionError); the worker's log says where."
    with database.write() as session:
        thief = jobs.claim(session, jobs.want(session, "run", new_id()), 600)
        assert thief
    with pytest.raises(LeaseLost), faults.put_off(database, thief):
        raise LeaseLost("Another worker has taken this job over.")
    with database.read() as session:
        assert len(operations.troubled(session)) == 1, "a lost lease is no failure"
