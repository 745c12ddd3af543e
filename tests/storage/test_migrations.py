"""Migrations up and down with rows in the tables, on both databases."""

from datetime import UTC, datetime, timedelta

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, select, text

from app.storage import answers, migrating
from app.storage.base import new_id, now
from app.storage.campaigns import Campaign
from app.storage.endpoints import Endpoint
from app.storage.prices import Price
from app.storage.session import Database
from app.storage.spend import COUNTS, Spend
from app.storage.tables import metadata
from tests.storage.test_jobs import campaign


def test_the_migrations_make_exactly_the_tables_of_the_code(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_going_up_again_keeps_every_row(empty_url: str) -> None:
    migrating.upgrade(empty_url)
    database = Database(empty_url)
    campaign_id = campaign(database)
    migrating.upgrade(empty_url)
    with database.read() as session:
        assert session.get_one(Campaign, campaign_id).max_calls == 1000
    database.close()


def test_going_down_with_rows_leaves_an_empty_database_that_can_go_up_again(empty_url: str) -> None:
    migrating.upgrade(empty_url)
    database = Database(empty_url)
    campaign(database)
    database.close()
    migrating.downgrade(empty_url, "base")
    database = Database(empty_url)
    assert set(inspect(database.engine).get_table_names()) <= {"alembic_version"}
    database.close()
    migrating.upgrade(empty_url)
    database = Database(empty_url)
    campaign(database)
    database.close()


def test_prices_and_spend_are_made_from_what_was_there(empty_url: str) -> None:
    migrating.upgrade(empty_url)
    database = Database(empty_url)
    campaign(database)
    late = datetime(2026, 3, 4, 23, 30, tzinfo=UTC)
    with database.write() as session:
        endpoint = session.scalars(select(Endpoint)).one()
        for days, price in ((-9, 7), (-3, 5), (9, 1)):
            endpoint.prices.append(Price(valid_from=now() + timedelta(days=days), price_in=price, price_out=None))
        usual = {
            "request_hash": "h", "endpoint_id": endpoint.id, "purpose": "task", "holdout": False, "latency_ms": 1,
            "tokens_in": 10, "tokens_out": 2, "finish_reason": "", "model": "", "request_id": "", "fingerprint": "",
            "error": "", "sample": 0, "created_at": late,
        }  # fmt: skip
        outcomes = ((True, 1, 5), (True, 2, None), (False, 3, None))
        logged = [{**usual, "id": new_id(), "ok": ok, "attempts": tries, "cost": cost} for ok, tries, cost in outcomes]
        answers.log(session, logged)
    database.close()
    migrating.downgrade(empty_url, "0003")
    database = Database(empty_url)
    with database.engine.connect() as connection:
        assert connection.execute(text("SELECT price_in, price_out FROM endpoint")).one() == (5, None)
    database.close()
    migrating.upgrade(empty_url)
    database = Database(empty_url)
    with database.read() as session:
        endpoint = session.scalars(select(Endpoint)).one()
        assert [(one.price_in, one.price_out, one.valid_from, one.source) for one in endpoint.prices] == [
            (5, None, endpoint.created_at, "person")
        ]
        row = session.scalars(select(Spend)).one()
        assert (row.day, row.project_id, row.endpoint_id, row.purpose) == (late.date(), "", endpoint.id, "task")
        assert [getattr(row, name) for name in COUNTS] == [6, 1, 2, 20, 4, 5, 1]
    database.close()
