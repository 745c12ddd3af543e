"""Several workers race for the last calls of one cap: it is never overspent, and hardly underspent."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import func, select

from app.services import evaluating
from app.storage import ledger, run_boards, runs
from app.storage.evaluations import Output
from benchmarks.fleet import Fleet, fleet, settings_of, wait_until
from benchmarks.scene import build
from benchmarks.stub import stub
from tests.conftest import drop_postgres, postgres_url
from tests.flows.running import free_port
from tests.flows.test_kills import redis_url

CAP, EXAMPLES = 1000, 3000


@pytest.fixture(params=["embedded", "production"])
def services(request: pytest.FixtureRequest) -> Iterator[tuple[str, str, int]]:
    """SQLite with the file broker and two call processes, PostgreSQL and Redis with four."""
    if request.param == "embedded":
        yield "", "", 2
        return
    url = postgres_url()
    yield url, redis_url(), 4
    drop_postgres(url)


def requests_of(stub_url: str) -> int:
    seen = httpx2.get(stub_url.removesuffix("/v1") + "/stats", trust_env=False).json()
    return int(seen["requests"])


def wait_for(crew: Fleet, run_id: str, status: str) -> runs.Run:
    """The run, once it has this status and nobody holds anything reserved for it."""

    def found() -> runs.Run:
        with crew.database.read() as session:
            return runs.get(session, run_id)

    def there() -> bool:
        run = found()
        return run.status == status and run.account.reserved_calls == 0

    wait_until(there, 60, f"the run is {found().status}, not {status}")
    return found()


@pytest.mark.slow
def test_a_cap_raced_by_several_workers_is_never_overspent(services: tuple[str, str, int], tmp_path: Path) -> None:
    url, redis, processes = services
    settings = settings_of(tmp_path, url, redis, call_processes=processes, block_size=100, worker_processes=1)
    with stub(free_port(), 0.05) as base_url, fleet(settings) as crew:
        scene = build(crew.database, base_url, EXAMPLES)
        with crew.database.write() as session:
            ordered, nudges = scene.order(session, settings, "race", max_calls=CAP)
        for nudge in nudges:
            crew.poker.poke(nudge.job_id, nudge.kind)
        run = wait_for(crew, ordered.id, "exhausted")
        assert requests_of(base_url) <= CAP
        assert 0.99 * CAP <= run.account.used("calls") <= CAP
        assert "The cap on calls of this run is reached: " in run.note
        assert "What was bought is kept. Raise the cap, then resume." in run.note
        with crew.database.read() as session:
            workers = {one.worker for one in run_boards.worked_on(session, run.id)}
        assert len(workers) == processes

        with crew.database.write() as session:
            session.get_one(ledger.Account, run.account_id).cap_calls = 2 * EXAMPLES
            nudges = evaluating.resume(session, run.id)
        for nudge in nudges:
            crew.poker.poke(nudge.job_id, nudge.kind)
        run = wait_for(crew, ordered.id, "finished")
        with crew.database.read() as session:
            outputs = session.scalar(select(func.count()).where(Output.evaluation_id == run.evaluation_id))
        assert (run.done, outputs) == (EXAMPLES, EXAMPLES)
        assert run.account.used("calls") >= requests_of(base_url)
