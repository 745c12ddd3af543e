"""What was spent, counted as calls are logged, on both databases."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from app.services import spending
from app.storage import spend
from app.storage.campaigns import Campaign
from app.storage.endpoints import Endpoint, Provider
from app.storage.prices import Price, in_force
from app.storage.rounds import Round
from app.storage.session import Database
from app.storage.spend import Span, Sums
from tests.storage.test_jobs import campaign

DAY = date(2026, 3, 4)
SPAN = Span(DAY, DAY)


def endpoints(database: Database) -> tuple[str, str]:
    with database.write() as session:
        provider = Provider(name="lab", base_url="https://api.example.com/v1")
        session.add(provider)
        session.flush()
        one, other = (Endpoint(provider_id=provider.id, name=name) for name in ("one", "other"))
        session.add_all([one, other])
        session.flush()
        return one.id, other.id


def row(endpoint_id: str, **changes: Any) -> dict[str, Any]:
    """A line of the log as far as spend reads it."""
    usual = {
        "created_at": datetime(2026, 3, 4, 23, 30, tzinfo=UTC), "project_id": "p", "endpoint_id": endpoint_id,
        "served_by": None, "purpose": "task", "ok": True, "attempts": 1, "tokens_in": 100, "tokens_out": 10, "cost": 7,
    }  # fmt: skip
    return {**usual, **changes}


def test_calls_are_counted_by_day_project_purpose_and_who_served(database: Database) -> None:
    one, other = endpoints(database)
    rows = [
        row(one),
        row(one, attempts=3, cost=None),
        row(one, ok=False, attempts=2, tokens_in=50, tokens_out=None, cost=None),
        row(one, served_by=other),
        row(one, project_id=None, purpose="test"),
        row(one, created_at=datetime(2026, 3, 5, 1, 0, tzinfo=UTC)),
    ]
    for batch in (rows[:4], rows[4:], []):
        with database.write() as session:
            spend.add(session, batch)
    with database.read() as session:
        assert spend.total(session, Span(DAY, DAY, "p")) == Sums(7, 1, 3, 300, 30, 14, 1)
        assert spend.total(session, SPAN) == Sums(8, 1, 4, 400, 40, 21, 1)
        assert {line.key: line.sums.calls for line in spend.by_endpoint(session, SPAN)} == {one: 7, other: 1}
        assert {line.key: line.sums.calls for line in spend.by_purpose(session, SPAN)} == {"task": 7, "test": 1}
        assert {line.key: line.sums.calls for line in spend.by_project(session, SPAN)} == {"p": 7, "": 1}
        assert list(spend.by_day(session, Span(DAY, DAY + timedelta(days=1)))) == [DAY, DAY + timedelta(days=1)]
        assert (spend.logged(session, one), spend.logged(session, other)) == (4, 1), "tests do not count"
        assert spend.total(session, Span(date(2020, 1, 1), date(2020, 1, 2))) == Sums()


def test_workers_that_count_at_once_lose_nothing(database: Database) -> None:
    one, other = endpoints(database)

    def count(number: int) -> None:
        for _ in range(20):
            with database.write() as session:
                spend.add(session, [row(one), row(other), row(one, purpose="generator")][:: 1 if number % 2 else -1])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count, range(4)))
    with database.read() as session:
        assert spend.total(session, SPAN).calls == 240
        assert session.scalar(select(func.count()).select_from(spend.Spend)) == 3


def test_generators_are_summed_from_the_day_an_undecided_round_began(database: Database) -> None:
    campaign_id = campaign(database)
    one, other = endpoints(database)
    with database.write() as session:
        project_id = session.get_one(Campaign, campaign_id).project_id
        session.add(
            Round(campaign_id=campaign_id, number=1, inputs={}, started_at=datetime(2026, 3, 4, 23, tzinfo=UTC))
        )
        before = datetime(2026, 3, 3, 12, tzinfo=UTC)
        spend.add(session, [row(one, purpose="generator", project_id=project_id, created_at=before)])
        spend.add(session, [row(one, purpose="generator", project_id=project_id), row(other, project_id=project_id)])
        spend.add(session, [row(other, purpose="generator", project_id=project_id)])
    both = Span(DAY - timedelta(days=1), DAY, project_id)

    def told() -> dict[str, int]:
        with database.read() as session:
            assert spend.total(session, both).calls == sum(cell.sums.calls for cell in spend.cells(session, both)) == 4
            assert len(spending.view(session, both).endpoints) == len(spend.by_endpoint(session, both))
            return {line.key: line.sums.calls for line in spend.by_endpoint(session, both)}

    assert told() == {one: 1, other: 1, spend.HIDDEN: 2}
    with database.read() as session:
        assert spend.hidden_since(session) == spend.hidden_since(session, project_id) == DAY
        assert spend.hidden_since(session, "another") is None
        names = [(line.day, line.endpoint) for line in spending.rows(session, both) if line.purpose == "generator"]
        assert names == [(both.first, "lab/one"), (DAY, "(name hidden)")]
    with database.write() as session:
        session.get_one(Round, (campaign_id, 1)).settled = True
    assert told() == {one: 2, other: 2}


def test_a_monitor_sees_every_endpoint_but_generators_as_one(database: Database) -> None:
    one, other = endpoints(database)
    with database.write() as session:
        spend.add(session, [row(one), row(other, purpose="generator"), row(one, purpose="generator", ok=False)])
        found = list(spend.samples(session))
    assert [(line.endpoint, line.purpose, line.calls, line.failed) for line in found] == [
        ("lab/one", "task", 1, 0),
        ("generators", "generator", 2, 1),
    ]


def test_the_price_in_force_is_the_newest_that_began(database: Database) -> None:
    one, _ = endpoints(database)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    with database.write() as session:
        endpoint = session.get_one(Endpoint, one)
        assert endpoint.cost(1, 1) is None
        for days, price in ((10, 3), (0, 1), (5, 2), (5, 4)):
            endpoint.prices.append(Price(valid_from=start + timedelta(days=days), price_in=price, price_out=price))
            session.flush()
    with database.read() as session:
        kept = session.get_one(Endpoint, one)
    held = {day: in_force(kept.prices, start + timedelta(days=day)) for day in (-1, 0, 4, 5, 9, 10, 99)}
    assert {day: price and price.price_in for day, price in held.items()} == {
        -1: None, 0: 1, 4: 1, 5: 4, 9: 4, 10: 3, 99: 3,
    }, "the later written of two of one moment holds"  # fmt: skip
    assert kept.price_in == 3, "read without a session, as a long purchase does"
