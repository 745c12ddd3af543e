"""Migrations up and down with rows in the tables, on both databases."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from app.storage import migrating
from app.storage.campaigns import Campaign
from app.storage.session import Database
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
