"""Runs migrations in one transaction; on SQLite with foreign keys off, and checked afterwards."""

from alembic import context
from sqlalchemy import Connection, Engine

from app.storage.session import make_engine
from app.storage.tables import metadata

UPGRADE_LOCK = 4_170_613


def _engine() -> Engine:
    engine = context.config.attributes.get("engine")
    return engine or make_engine(context.get_x_argument(as_dictionary=True)["url"])


def _run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True, compare_type=True)
    context.run_migrations()


def _run_on_sqlite(engine: Engine) -> None:
    """A batch rebuild drops the old table: with foreign keys on that would delete the rows that point to it."""
    with engine.connect().execution_options(writes=True) as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.execute("PRAGMA foreign_keys=OFF")
        with connection.begin():
            _run(connection)
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
            if broken:
                raise RuntimeError(f"the migration would break {len(broken)} references, first {broken[0]}")


def _run_on_postgresql(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({UPGRADE_LOCK})")
        _run(connection)


def run() -> None:
    engine = _engine()
    try:
        if engine.dialect.name == "sqlite":
            _run_on_sqlite(engine)
        else:
            _run_on_postgresql(engine)
    finally:
        engine.dispose()


run()
