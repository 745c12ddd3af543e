"""A campaign that is killed again and again ends with the report of one that was left alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import REDIS, drop_postgres, missing, postgres_url
from tests.flows.conftest import LeftAlone
from tests.flows.killing import IN_FLIGHT, UNSAVED, run_under_kills
from tests.flows.running import stable

OPTIONS = ("--rounds", "4", "--seed", "3")
KILLS = 3


def redis_url() -> str:
    import redis

    try:
        redis.Redis.from_url(REDIS).flushdb()
    except redis.ConnectionError:
        missing("Redis (TEST_REDIS_URL)")
    return REDIS


@pytest.fixture(params=["embedded", "production"])
def services(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """Environments: SQLite with the file broker, and PostgreSQL with Redis."""
    if request.param == "embedded":
        yield {}
        return
    url = postgres_url()
    yield {"DATABASE_URL": url, "REDIS_URL": redis_url()}
    drop_postgres(url)


@pytest.mark.slow
def test_kills_change_neither_the_report_nor_much_of_the_bill(
    services: dict[str, str], left_alone: LeftAlone, demo_file: Path, tmp_path: Path
) -> None:
    quiet = left_alone(OPTIONS)[1]
    report, seen, kills = run_under_kills(
        tmp_path / "killed", demo_file, OPTIONS, KILLS, seed=12, latency=0.5, every=4.0, environment=services
    )
    assert kills == KILLS
    assert stable(report) == stable(quiet)
    assert seen - quiet["calls_paid"] <= kills * (IN_FLIGHT + UNSAVED)
    assert report["calls_paid"] >= seen
