"""Opens the database: one way to read, one way to write, the same on SQLite and PostgreSQL."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, cast

from sqlalchemy import (
    Connection,
    CursorResult,
    Engine,
    Executable,
    Insert,
    Result,
    Table,
    Text,
    bindparam,
    column,
    create_engine,
    event,
    func,
    make_url,
    select,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from app.storage.arrays import array_text

UNIQUE_VIOLATION = "23505"  # PostgreSQL's


def _configure_sqlite(engine: Engine) -> None:
    """WAL, and transactions that say at their beginning whether they will write.

    A SQLite transaction that reads first and writes later fails at once when another wrote in between,
    whatever the busy timeout; BEGIN IMMEDIATE waits for its turn instead.
    """

    @event.listens_for(engine, "connect")
    def on_connect(connection: DBAPIConnection, record: object) -> None:
        assert isinstance(connection, sqlite3.Connection)
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "busy_timeout=20000", "foreign_keys=ON", "synchronous=NORMAL"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _withhold_rows(engine: Engine) -> None:
    """PostgreSQL's messages have a second part that repeats the row it refused."""

    @event.listens_for(engine, "handle_error")
    def on_error(context: ExceptionContext) -> None:
        for fault in (context.original_exception, context.sqlalchemy_exception):
            if fault is not None and fault.args:
                fault.args = (str(fault.args[0]).partition("\nDETAIL:")[0], *fault.args[1:])


def make_engine(url: str) -> Engine:
    """An engine for `url`; plain `postgresql://` means psycopg 3, and a SQLite file's folder is made.

    Its errors hold nothing that was to be stored: that is people's texts, and errors end in logs.
    """
    parsed = make_url(url)
    if parsed.drivername in {"postgresql", "postgres"}:
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() == "sqlite":
        if parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed, hide_parameters=True)
        _configure_sqlite(engine)
        return engine
    engine = create_engine(parsed, pool_pre_ping=True, hide_parameters=True)
    _withhold_rows(engine)
    return engine


class Database:
    """One session factory for reading and one for writing."""

    def __init__(self, url: str) -> None:
        self.engine = make_engine(url)
        self._reading = sessionmaker(self.engine, expire_on_commit=False)
        self._writing = sessionmaker(self.engine.execution_options(writes=True), expire_on_commit=False)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that is never committed."""
        with self._reading() as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction: committed at the end of the block, rolled back on any exception."""
        with self._writing.begin() as session:
            yield session

    def close(self) -> None:
        self.engine.dispose()


def hold_row(session: Session, table: type[Any], row_id: str) -> None:
    """Make others who hold this row wait until this transaction ends; SQLite's writers wait for each other anyway."""
    session.execute(select(table.id).where(table.id == row_id).with_for_update(key_share=True))


def is_clash(error: IntegrityError) -> bool:
    """Whether somebody else stored a row with the same key first."""
    return getattr(error.orig, "sqlstate", "") == UNIQUE_VIOLATION or "UNIQUE constraint failed" in str(error.orig)


def changed(session: Session, statement: Executable) -> int:
    """How many rows an UPDATE or DELETE changed."""
    count: int = cast("CursorResult[Any]", session.execute(statement)).rowcount
    return count


def insert_or_update(session: Session, table: type[Any], key: Sequence[str], changes: Mapping[str, Any]) -> Insert:
    """An INSERT that instead changes the row that has this key already, and holds it: nobody deletes it meanwhile."""
    make = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    return make(table).on_conflict_do_update(index_elements=list(key), set_=dict(changes))


def insert_new(session: Session, table: type[Any] | Table) -> Insert:
    """An INSERT that leaves rows alone that are there already, whoever put them there."""
    make = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    return make(table).on_conflict_do_nothing()


def _as_they_are(adding: Any) -> Any:
    return adding


def unless_there(adding: Any) -> Any:
    """For `add_rows`: leave rows alone that are there already."""
    return adding.on_conflict_do_nothing()


def add_rows(
    session: Session,
    table: type[Any],
    rows: Sequence[dict[str, Any]],
    finish: Callable[[Any], Any] = _as_they_are,
) -> Result[Any]:
    """Insert many rows of the same columns; `finish` says what becomes of those that are there, and what is returned.

    PostgreSQL takes them as one array a column in one statement, in half the time that one statement each takes.
    """
    made = cast("Table", table.__table__)
    if session.get_bind().dialect.name != "postgresql":
        return session.execute(finish(sqlite.insert(made)), rows)
    arrays = {f"all_{name}": array_text([row[name] for row in rows]) for name in rows[0]}
    return session.execute(_from_arrays(made, tuple(rows[0]), finish), arrays)


@cache
def _from_arrays(table: Table, names: tuple[str, ...], finish: Callable[[Any], Any]) -> Any:
    """The statement that takes one array a column; made once."""
    columns = [table.columns[name] for name in names]
    arrays = [sql_cast(bindparam(f"all_{one.name}", type_=Text), postgresql.ARRAY(one.type)) for one in columns]
    given = func.unnest(*arrays).table_valued(*(column(one.name, one.type) for one in columns)).render_derived()
    chosen = select(*(given.columns[one.name] for one in columns))
    return finish(postgresql.insert(table).from_select(columns, chosen))
