"""Jobs on both databases, raced by threads as workers would."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from app.storage import jobs, ledger
from app.storage.base import new_id
from app.storage.campaigns import Campaign
from app.storage.endpoints import Endpoint, Provider
from app.storage.jobs import Job, LeaseLost, Nudge
from app.storage.projects import Project
from app.storage.prompts import add, line_of
from app.storage.session import Database
from app.storage.test_sets import TestSet, TestSetVersion


def wanted_job(database: Database) -> str:
    with database.write() as session:
        return jobs.want(session, "campaign", new_id())


def campaign(database: Database, max_calls: int = 1000) -> str:
    """A campaign with all that it points to."""
    with database.write() as session:
        project = Project(name="p", description="d", labels=[{"name": "a"}], goal="accuracy", smallest_gain=0.02)
        provider = Provider(name="x", base_url="http://127.0.0.1:1/v1")
        session.add_all([project, provider])
        session.flush()
        endpoint = Endpoint(provider_id=provider.id, name="m")
        test_set = TestSet(project_id=project.id, name="t")
        session.add_all([endpoint, test_set])
        session.flush()
        version = TestSetVersion(
            test_set_id=test_set.id, content_hash="h", split_seed=0, splits={}, label_counts={}, imported={},
            variables=[], forbidden=b"",
        )  # fmt: skip
        session.add(version)
        session.flush()
        start = add(session, line_of(session, project.id).id, "{{input}}", "person")
        account = ledger.open_account(session, "campaign:1", {"calls": max_calls})
        row = Campaign(
            account_id=account.id, project_id=project.id, number=1, version_id=version.id, start_version_id=start.id,
            task_endpoint_id=endpoint.id, generators=[endpoint.id], rules={}, seed=0, max_calls=max_calls, max_rounds=1,
        )  # fmt: skip
        session.add(row)
        session.flush()
        return row.id


def test_of_many_racing_workers_one_gets_the_job(database: Database) -> None:
    job_id = wanted_job(database)

    def race(_: int) -> bool:
        with database.write() as session:
            return jobs.claim(session, job_id, 30) is not None

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(race, range(24))) == 1


def test_a_job_that_was_poked_a_moment_ago_is_not_poked_again(database: Database) -> None:
    job_id = wanted_job(database)
    with database.write() as session:
        assert jobs.due(session) == []
        session.get_one(Job, job_id).poked_at -= jobs.REPOKE_AFTER
    with database.write() as session:
        assert jobs.due(session) == [Nudge(job_id, "campaign")]
        jobs.poked(session, [job_id])
        assert jobs.due(session) == []


def test_an_expired_lease_is_taken_over_and_the_old_holder_can_write_nothing(database: Database) -> None:
    job_id = wanted_job(database)
    with database.write() as session:
        first = jobs.claim(session, job_id, -1)
    assert first is not None
    with database.write() as session:
        session.get_one(Job, job_id).poked_at -= jobs.REPOKE_AFTER
    with database.read() as session:
        assert jobs.due(session) == [Nudge(job_id, "campaign")]
    with database.write() as session:
        second = jobs.claim(session, job_id, 30)
    assert second is not None
    with database.write() as session, pytest.raises(LeaseLost):
        jobs.renew(session, first)
    with database.write() as session:
        jobs.renew(session, second)


def test_a_poke_that_comes_while_the_job_is_held_is_not_lost(database: Database) -> None:
    job_id = wanted_job(database)
    with database.write() as session:
        lease = jobs.claim(session, job_id, 30)
        assert lease is not None
    with database.write() as session:
        assert jobs.want(session, lease.kind, lease.subject) == job_id
    with database.write() as session:
        assert jobs.release(session, lease)
    with database.write() as session:
        again = jobs.claim(session, job_id, 30)
        assert again is not None
        assert not jobs.release(session, again)
    with database.write() as session:
        assert jobs.claim(session, job_id, 30) is None
        assert jobs.due(session) == []


def test_a_job_that_was_put_off_waits_and_counts_its_tries(database: Database) -> None:
    job_id = wanted_job(database)
    with database.write() as session:
        lease = jobs.claim(session, job_id, 30)
        assert lease is not None
        assert jobs.put_off(session, lease, "the endpoint sleeps", 3600) == 1
    with database.write() as session:
        assert jobs.claim(session, job_id, 30) is None
        assert session.get_one(Job, job_id).last_error == "the endpoint sleeps"
    with database.write() as session:
        jobs.want(session, lease.kind, lease.subject)
        assert jobs.claim(session, job_id, 30) is not None, "somebody who asks does not wait"


def test_a_holder_that_dies_is_no_failure_of_the_job(database: Database) -> None:
    job_id = wanted_job(database)
    for _ in range(3):
        with database.write() as session:
            assert jobs.claim(session, job_id, -1) is not None
    with database.write() as session:
        lease = jobs.claim(session, job_id, 30)
        assert lease is not None
        assert jobs.put_off(session, lease, "the endpoint sleeps", 3600) == 1


def test_what_was_asked_for_during_a_failure_is_done_at_once(database: Database) -> None:
    job_id = wanted_job(database)
    with database.write() as session:
        lease = jobs.claim(session, job_id, 30)
        assert lease is not None
        jobs.want(session, lease.kind, lease.subject)
        jobs.put_off(session, lease, "the endpoint sleeps", 3600)
    with database.write() as session:
        assert jobs.claim(session, job_id, 30) is not None
