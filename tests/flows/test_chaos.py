"""An evaluation whose workers, queue and leases are hit again and again ends with every example answered once."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmarks.chaos import survive, table
from benchmarks.fleet import settings_of
from benchmarks.private import PrivateRedis, private_redis
from tests.conftest import drop_postgres, missing, postgres_url

EXAMPLES, MISHAPS = 600, 6
QUICK = {"in_flight": 8, "block_size": 50, "lease_seconds": 3.0, "worker_processes": 1}


@pytest.fixture(params=["embedded", "production"])
def services(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, PrivateRedis | None]]:
    """SQLite with the file broker, and PostgreSQL with a Redis of the test's own."""
    if request.param == "embedded":
        yield "", None
        return
    url = postgres_url()
    with ExitStack() as stack:
        stack.callback(drop_postgres, url)
        try:
            redis = stack.enter_context(private_redis(tmp_path))
        except FileNotFoundError:
            missing("redis-server")
        yield url, redis


@pytest.mark.slow
def test_every_example_is_answered_once_whatever_is_killed(
    services: tuple[str, PrivateRedis | None], tmp_path: Path
) -> None:
    url, redis = services
    settings = settings_of(tmp_path, url, redis.url if redis else "", **QUICK)
    found, chaos = survive(settings, EXAMPLES, 2, MISHAPS, seed=5, latency=0.2, redis=redis)
    assert len(chaos.done) == MISHAPS
    assert all(one.held for one in found), f"{chaos.done}\n{table(found)}"
