"""A server that goes away while a run is answered: what one block tried tells about the others, and counts once."""

from pathlib import Path

import pytest
from sqlalchemy import select

from app.settings import Settings
from app.storage.jobs import Job
from app.storage.session import Database
from tests.gateway.scripted import Answer, Hit, refusal, serving
from tests.services.tickets import Tickets, right


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        data_dir=tmp_path / "data", block_size=20, in_flight=8, save_seconds=0.05, call_attempts=2, call_deadline=6
    )


def test_while_an_endpoint_is_down_one_block_after_another_is_not_thrown_at_it(
    database: Database, settings: Settings
) -> None:
    with serving(lambda hit: refusal(500, "away")) as server:
        tickets = Tickets.at(database, settings, server.base_url, 200)
        run_id = tickets.start()
        tickets.work()
        seen = len(server.hits)
        assert seen < 60, "what one block tried told about the others"
        tickets.work()
        assert len(server.hits) == seen
        server.script = right
        tickets.work_on()
    assert (tickets.run(run_id).status, tickets.run(run_id).done) == ("finished", 200)


def test_an_outage_counts_once_against_blocks_that_were_never_tried_and_not_while_answers_still_come(
    database: Database, settings: Settings
) -> None:
    left = [0]

    def sometimes(hit: Hit) -> Answer:
        left[0] -= 1
        return right(hit) if left[0] >= 0 else refusal(500, "away")

    def tries() -> list[int]:
        with database.read() as session:
            return sorted(session.scalars(select(Job.attempts).where(Job.kind == "block", Job.status == "queued")))

    with serving(sometimes) as server:
        tickets = Tickets.at(database, settings.model_copy(update={"call_attempts": 1}), server.base_url, 300)
        run_id = tickets.start()
        for outage in range(1, 4):
            left[0] = 15
            tickets.make_due()
            tickets.work()
            assert tickets.run(run_id).done >= 10 * outage
            assert tickets.run(run_id).status == "running"
            assert tries()[-1] <= 2 * outage
        server.script = right
        tickets.work_on()
    assert (tickets.run(run_id).status, tickets.run(run_id).done) == ("finished", 300)
