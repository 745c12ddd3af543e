"""What a route asks for: a session to read with, a session to write with."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from app.storage.session import Database


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


def reading(request: Request) -> Iterator[Session]:
    """A session that is never committed."""
    with _database(request).read() as session:
        yield session


def writing(request: Request) -> Iterator[Session]:
    """The request's one transaction: rolled back when the route raises."""
    with _database(request).write() as session:
        yield session


# scope="function": the commit must come before the response is sent, or its reader may be too early.
Reading = Annotated[Session, Depends(reading, scope="function")]
Writing = Annotated[Session, Depends(writing, scope="function")]
