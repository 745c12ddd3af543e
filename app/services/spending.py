"""What was spent in a span of days, as pages and programs see it, with the caps that hold and how far they are used."""

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.orm import Session

from app.errors import Invalid, Problem
from app.services import capping
from app.services.capping import Caps, CapUse
from app.storage import endpoints, ledger, projects, spend
from app.storage.base import now
from app.storage.ledger import EVERY_DAY, INSTANCE, KINDS
from app.storage.spend import HIDDEN, Cell, Line, Span, Sums

USUAL_DAYS = 30
MOST_DAYS = 366


@dataclass(frozen=True)
class SpendLine:
    """What one endpoint, purpose or project took; `name` is None for what belongs to no project.

    `hidden` are the generators whose names would tell who writes in a round that is not decided.
    """

    id: str
    name: str | None
    simulated: bool
    hidden: bool
    sums: Sums


@dataclass(frozen=True)
class SpendDay:
    day: date
    sums: Sums


@dataclass(frozen=True)
class CappedAccount:
    """An account that a person may give caps; `uses` tells how far they are used, of every day: today."""

    id: str
    name: str
    caps: Caps
    uses: list[CapUse]


@dataclass(frozen=True)
class SpendView:
    """Everything that the spend page shows; `project` is the name of the only project that is shown, if it is one."""

    first: date
    last: date
    project_id: str | None
    project: str | None
    total: Sums
    days: list[SpendDay]
    endpoints: list[SpendLine]
    purposes: list[SpendLine]
    projects: list[SpendLine]
    accounts: list[CappedAccount]


@dataclass(frozen=True)
class SpendRow:
    """One line of the file: its names are empty where there is none, or where it must not be told."""

    day: date
    project: str
    endpoint: str
    purpose: str
    sums: Sums


def span(first: date | None, last: date | None, project_id: str | None = None) -> Span:
    """The days asked for, else the last thirty. Raises Invalid naming the field."""
    end = last or now().date()
    start = first or end - timedelta(days=USUAL_DAYS - 1)
    if start > end:
        raise Invalid([Problem("must not be later than the last day", "from")])
    if (end - start).days >= MOST_DAYS:
        raise Invalid([Problem(f"must be at most {MOST_DAYS} days before the last one", "from")])
    return Span(start, end, project_id or None)


def view(session: Session, wanted: Span) -> SpendView:
    """Raises NotFound for a project that is not there."""
    project = projects.get(session, wanted.project_id).name if wanted.project_id else None
    by_day = spend.by_day(session, wanted)
    length = (wanted.last - wanted.first).days + 1
    days = [wanted.first + timedelta(days=index) for index in range(length)]
    return SpendView(
        first=wanted.first,
        last=wanted.last,
        project_id=wanted.project_id,
        project=project,
        total=sum(by_day.values(), Sums()),
        days=[SpendDay(day, by_day.get(day, Sums())) for day in days],
        endpoints=_endpoints(session, spend.by_endpoint(session, wanted)),
        purposes=[SpendLine(line.key, line.key, False, False, line.sums) for line in spend.by_purpose(session, wanted)],
        projects=_projects(session, spend.by_project(session, wanted)),
        accounts=accounts(session, wanted.project_id),
    )


def _endpoints(session: Session, lines: list[Line]) -> list[SpendLine]:
    known = {endpoint.id: endpoint for endpoint in endpoints.listed(session)}
    return [
        SpendLine(line.key, None, False, True, line.sums)
        if line.key == HIDDEN
        else SpendLine(line.key, known[line.key].full_name, known[line.key].simulated, False, line.sums)
        for line in lines
    ]


def _projects(session: Session, lines: list[Line]) -> list[SpendLine]:
    names = spend.project_names(session, [line.key for line in lines])
    return [SpendLine(line.key, names.get(line.key), False, False, line.sums) for line in lines]


def accounts(session: Session, project_id: str | None) -> list[CappedAccount]:
    """The instance, every day and the project with their caps."""
    today = ledger.day_account(now().date())
    named = [(INSTANCE, "The instance", INSTANCE), (EVERY_DAY, "Every day", today)]
    if project_id:
        own = ledger.account_of("project", project_id)
        named.append((own, f"Project {projects.get(session, project_id).name}", own))
    known = ledger.found(session, [account_id for account_id, _, _ in named])
    return [
        CappedAccount(
            id=account_id,
            name=name,
            caps=Caps(*(getattr(known.get(account_id), f"cap_{kind}", None) for kind in KINDS)),
            uses=capping.uses(session, [used]),
        )
        for account_id, name, used in named
    ]


def rows(session: Session, wanted: Span) -> list[SpendRow]:
    """Every line of a span by day, project, endpoint and purpose."""
    found = spend.cells(session, wanted)
    known = {endpoint.id: endpoint.full_name for endpoint in endpoints.listed(session)}
    names = spend.project_names(session, {cell.project_id for cell in found})
    return [_row(cell, known, names) for cell in found]


def _row(cell: Cell, known: dict[str, str], names: dict[str, str]) -> SpendRow:
    endpoint = "(name hidden)" if cell.endpoint_id == HIDDEN else known[cell.endpoint_id]
    return SpendRow(cell.day, names.get(cell.project_id, ""), endpoint, cell.purpose, cell.sums)
