"""An installation that nobody uses does not grow, and forgets what nobody needs."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.services.tidying import tidy
from app.settings import Settings
from app.storage import jobs
from app.storage.base import new_id, now, simulated
from app.storage.jobs import Job
from app.storage.session import Database
from app.storage.uploads import Upload
from benchmarks.idle import Measured, grown, simulate


def test_a_day_of_idling_grows_no_table_and_no_folder(empty_url: str) -> None:
    morning, noon, midnight = simulate(300, empty_url)
    assert (morning.rows["upload"], morning.rows["job"], morning.rows["traffic"]) == (1, 20, 1)
    assert (noon.rows["upload"], noon.rows["job"], noon.rows["traffic"]) == (0, 0, 0)
    assert noon.rows["heartbeat"] > 0
    assert [what for what in grown(noon, midnight) if what != "memory"] == []


def test_growth_is_seen() -> None:
    noon, midnight = Measured({"job": 1}, 3, 0, 0, 100.0), Measured({"job": 2}, 4, 0, 0, 106.0)
    assert grown(noon, midnight) == ["table job", "files", "memory"]
    assert grown(noon, noon) == []


@pytest.mark.parametrize(("status", "days", "kept"), [("draft", 13, 1), ("draft", 15, 0), ("refused", 15, 0), ("done", 15, 1), ("queued", 15, 1)])  # fmt: skip
def test_only_files_that_nobody_imports_expire(
    database: Database, settings: Settings, status: str, days: int, kept: int
) -> None:
    with database.write() as session:
        made = now() - timedelta(days=days)
        session.add(Upload(filename="f", data=b"x", choices={}, preview={}, status=status, created_at=made))
    tidy(database, settings)
    with database.read() as session:
        assert len(session.scalars(select(Upload.id)).all()) == kept


def test_a_job_that_was_forgotten_is_wanted_again_as_if_new(database: Database, settings: Settings) -> None:
    subject = new_id()
    with database.write() as session:
        lease = jobs.claim(session, jobs.want(session, "campaign", subject), 30)
        assert lease
        jobs.release(session, lease)
    tidy(database, settings)
    with database.read() as session:
        assert session.get(Job, lease.job_id), "it ended a moment ago"
    later = now() + timedelta(days=2)
    with simulated(lambda: later):
        tidy(database, settings)
        with database.write() as session:
            assert session.get(Job, lease.job_id) is None
            again = jobs.want(session, "campaign", subject)
            assert jobs.claim(session, again, 30)
