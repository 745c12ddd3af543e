"""What was spent: one row a day, project, endpoint and purpose, counted up as calls are logged."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, ForeignKey, Index, and_, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.storage.base import Base
from app.storage.campaigns import OPEN, Campaign
from app.storage.endpoints import Endpoint, Provider
from app.storage.projects import Project
from app.storage.rounds import Round

COUNTS = ("calls", "failed", "answers", "tokens_in", "tokens_out", "cost", "unpriced")
NOBODYS = ""  # the project of what was bought for none
GENERATOR = "generator"
OFFERED = 100
HIDDEN = ""  # the endpoint of what generators cost while it would tell who writes


class Spend(Base):
    """`calls` are HTTP requests, `answers` and `failed` what they came to; `unpriced` answers have no known price.

    The endpoint is the one that served. Money is in micro-units.
    """

    __tablename__ = "spend"
    __table_args__ = (Index("ix_spend_project", "project_id", "day"), Index("ix_spend_endpoint", "endpoint_id"))
    day: Mapped[date] = mapped_column(primary_key=True)
    project_id: Mapped[str] = mapped_column(primary_key=True)
    endpoint_id: Mapped[str] = mapped_column(ForeignKey("endpoint.id"), primary_key=True)
    purpose: Mapped[str] = mapped_column(primary_key=True)
    calls: Mapped[int] = mapped_column(BigInteger)
    failed: Mapped[int] = mapped_column(BigInteger)
    answers: Mapped[int] = mapped_column(BigInteger)
    tokens_in: Mapped[int] = mapped_column(BigInteger)
    tokens_out: Mapped[int] = mapped_column(BigInteger)
    cost: Mapped[int] = mapped_column(BigInteger)
    unpriced: Mapped[int] = mapped_column(BigInteger)


@dataclass(frozen=True)
class Sums:
    """What some calls came to; see Spend."""

    calls: int = 0
    failed: int = 0
    answers: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: int = 0
    unpriced: int = 0

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(*(getattr(self, name) + getattr(other, name) for name in COUNTS))


class Span(NamedTuple):
    """Days from the first to the last, both included, of one project or of everything."""

    first: date
    last: date
    project_id: str | None = None


class Line(NamedTuple):
    """What was spent under one key; of an endpoint, project or purpose the key is its id or name."""

    key: str
    sums: Sums


class Cell(NamedTuple):
    day: date
    endpoint_id: str
    purpose: str
    project_id: str
    sums: Sums


class Sample(NamedTuple):
    """All that was ever bought of one endpoint for one purpose; generators are summed, their names stay hidden."""

    endpoint: str
    purpose: str
    calls: int
    failed: int
    tokens_in: int
    tokens_out: int
    cost: int


def _of(row: dict[str, Any]) -> Sums:
    ok = bool(row["ok"])
    return Sums(
        calls=row["attempts"],
        failed=int(not ok),
        answers=int(ok),
        tokens_in=(row["tokens_in"] or 0) if ok else 0,
        tokens_out=(row["tokens_out"] or 0) if ok else 0,
        cost=row["cost"] or 0,
        unpriced=int(ok and row["cost"] is None),
    )


def add(session: Session, rows: Iterable[dict[str, Any]]) -> None:
    """Count calls, as their rows go to the log, in one statement; the last of a transaction but the ledger's."""
    found: dict[tuple[date, str, str, str], Sums] = {}
    for row in rows:
        day = row["created_at"].astimezone(UTC).date()
        key = (day, row["project_id"] or NOBODYS, row["served_by"] or row["endpoint_id"], row["purpose"])
        found[key] = found.get(key, Sums()) + _of(row)
    if not found:
        return
    names = ("day", "project_id", "endpoint_id", "purpose")
    values = [{**dict(zip(names, key, strict=True)), **vars(found[key])} for key in sorted(found)]
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = insert(Spend).values(values)
    counted = {name: getattr(Spend, name) + getattr(statement.excluded, name) for name in COUNTS}
    session.execute(statement.on_conflict_do_update(index_elements=names, set_=counted))


def hidden_since(session: Session, project_id: str | None = None) -> date | None:
    """The day from which on generators' calls may tell who writes: a round that began then is not decided yet."""
    undecided = and_(Round.campaign_id == Campaign.id, Round.number == Campaign.settled_rounds + 1, ~Round.settled)
    query = select(func.min(Round.started_at)).join(Campaign, undecided).where(Campaign.status.in_(OPEN))
    if project_id:
        query = query.where(Campaign.project_id == project_id)
    began: datetime | None = session.scalar(query)
    return began.astimezone(UTC).date() if began else None


def _within(span: Span) -> list[ColumnElement[bool]]:
    inside: list[ColumnElement[bool]] = [Spend.day.between(span.first, span.last)]
    return [*inside, Spend.project_id == span.project_id] if span.project_id is not None else inside


def _sums() -> list[ColumnElement[int]]:
    return [func.sum(getattr(Spend, name)) for name in COUNTS]


def _read(values: Sequence[Any]) -> Sums:
    return Sums(*(int(value or 0) for value in values))


def total(session: Session, span: Span) -> Sums:
    return _read(session.execute(select(*_sums()).where(*_within(span))).one())


def by_day(session: Session, span: Span) -> dict[date, Sums]:
    query = select(Spend.day, *_sums()).where(*_within(span)).group_by(Spend.day)
    return {row[0]: _read(row[1:]) for row in session.execute(query)}


def by_purpose(session: Session, span: Span) -> list[Line]:
    query = select(Spend.purpose, *_sums()).where(*_within(span)).group_by(Spend.purpose)
    return _dearest(Line(row[0], _read(row[1:])) for row in session.execute(query))


def by_project(session: Session, span: Span) -> list[Line]:
    query = select(Spend.project_id, *_sums()).where(*_within(span)).group_by(Spend.project_id)
    return _dearest(Line(row[0], _read(row[1:])) for row in session.execute(query))


def by_endpoint(session: Session, span: Span) -> list[Line]:
    """By endpoint; what generators cost since a round is undecided stands under HIDDEN."""
    since = hidden_since(session, span.project_id)
    veiled = and_(Spend.purpose == GENERATOR, Spend.day >= since) if since else None
    shown = _within(span) if veiled is None else [*_within(span), ~veiled]
    query = select(Spend.endpoint_id, *_sums()).where(*shown).group_by(Spend.endpoint_id)
    lines = _dearest(Line(row[0], _read(row[1:])) for row in session.execute(query))
    if veiled is None:
        return lines
    rest = _read(session.execute(select(*_sums()).where(*_within(span), veiled)).one())
    return [*lines, Line(HIDDEN, rest)] if rest.calls else lines


def _dearest(lines: Iterable[Line]) -> list[Line]:
    return sorted(lines, key=lambda line: (-line.sums.cost, -line.sums.calls, line.key))


def cells(session: Session, span: Span) -> list[Cell]:
    """Every row of the span by day, endpoint, purpose and project, with the names that must be hidden left out."""
    since = hidden_since(session, span.project_id)
    query = select(Spend).where(*_within(span)).order_by(Spend.day, Spend.purpose)
    found: dict[tuple[date, str, str, str], Sums] = {}
    for row in session.scalars(query):
        veiled = since is not None and row.purpose == GENERATOR and row.day >= since
        key = (row.day, HIDDEN if veiled else row.endpoint_id, row.purpose, row.project_id)
        found[key] = found.get(key, Sums()) + Sums(*(getattr(row, name) for name in COUNTS))
    return [Cell(*key, found[key]) for key in sorted(found)]


def logged(session: Session, endpoint_id: str) -> int:
    """How many lines of the log an endpoint served, its tests left out."""
    query = select(func.sum(Spend.answers + Spend.failed))
    return session.scalar(query.where(Spend.endpoint_id == endpoint_id, Spend.purpose != "test")) or 0


def of_project(session: Session, project_id: str) -> dict[str, Sums]:
    """All that a project ever spent, by purpose."""
    query = select(Spend.purpose, *_sums()).where(Spend.project_id == project_id).group_by(Spend.purpose)
    return {row[0]: _read(row[1:]) for row in session.execute(query)}


def project_names(session: Session, ids: Iterable[str]) -> dict[str, str]:
    query = select(Project.id, Project.name).where(Project.id.in_(list(ids)))
    return {row[0]: row[1] for row in session.execute(query)}


def offered(session: Session, also: str | None) -> list[tuple[str, str]]:
    """(id, name) of the newest projects, and of one more, to choose from."""
    found = {
        row[0]: row[1]
        for row in session.execute(select(Project.id, Project.name).order_by(Project.created_at.desc()).limit(OFFERED))
    }
    return list((found | project_names(session, [also] if also else [])).items())


def samples(session: Session) -> Iterator[Sample]:
    """What a monitor counts; a generator's own figures would tell who writes just now, so generators are one."""
    name = Provider.name + "/" + Endpoint.name
    query = (
        select(name, Spend.purpose, *_sums())
        .join(Endpoint, Endpoint.id == Spend.endpoint_id)
        .join(Provider, Provider.id == Endpoint.provider_id)
        .where(Spend.purpose != GENERATOR)
        .group_by(name, Spend.purpose)
    )
    lines = [(row[0], row[1], _read(row[2:])) for row in session.execute(query)]
    written = _read(session.execute(select(*_sums()).where(Spend.purpose == GENERATOR)).one())
    for endpoint, purpose, one in [*sorted(lines, key=lambda line: line[:2]), ("generators", GENERATOR, written)]:
        yield Sample(endpoint, purpose, one.calls, one.failed, one.tokens_in, one.tokens_out, one.cost)
