"""The declared base of every table: named constraints, random ids, UTC times, and whose a thing is."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, ForeignKey, Integer, MetaData, String
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

WORKSPACE = "main"
OWNER = "owner"
MOST = 2**31 - 1  # what an integer column holds on every database
_ALPHABET = "23456789abcdefghijkmnpqrstuvwxyz"
_LETTERS = bytes(ord(_ALPHABET[byte % len(_ALPHABET)]) for byte in range(256))


def new_id() -> str:
    """A random id for an address: 12 characters, 59 bits, none that look alike."""
    return secrets.token_bytes(12).translate(_LETTERS).decode()


def id_for(content: str) -> str:
    """The id that always belongs to this content, as hard to guess as the content is."""
    return sha256(content.encode()).digest()[:12].translate(_LETTERS).decode()


def _today() -> datetime:
    return datetime.now(UTC)


_clock: Callable[[], datetime] = _today


def now() -> datetime:
    return _clock()


@contextmanager
def simulated(clock: Callable[[], datetime]) -> Iterator[None]:
    """Within the block this process reads the time from `clock`: for a day that passes in a minute."""
    global _clock
    _clock = clock
    try:
        yield
    finally:
        _clock = _today


BigId = BigInteger().with_variant(Integer, "sqlite")


class UTCTime(TypeDecorator[datetime]):
    """A time that is UTC in Python and in the database, whatever the database thinks of zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a time without a zone was about to be stored")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value and (value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC))


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - declared by SQLAlchemy
        datetime: UTCTime,
        dict[str, Any]: JSON,
        list[Any]: JSON,
        str: String,
    }


class Owned:
    """What every table of a person's things carries."""

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspace.id"), default=WORKSPACE)
    created_by: Mapped[str] = mapped_column(ForeignKey("person.id"), default=OWNER)
    created_at: Mapped[datetime] = mapped_column(default=now)


class Workspace(Base):
    __tablename__ = "workspace"
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]


class Person(Base):
    __tablename__ = "person"
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
