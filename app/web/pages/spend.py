"""Spend: what was bought by day, endpoint, purpose and project, the caps on it, and the same as a file."""

import csv
import io
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from pydantic import BaseModel
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from app.errors import Invalid, Problem
from app.services import capping, spending
from app.services.capping import Caps
from app.storage import spend as stored
from app.storage.spend import COUNTS, Span
from app.web.dependencies import Reading, Writing
from app.web.numbers import read_count, read_money, typed_money
from app.web.rendering import page
from app.web.sheets import safe

router = APIRouter(include_in_schema=False)
First = Annotated[str, Query(alias="from")]
Last = Annotated[str, Query(alias="to")]


class TypedCaps(BaseModel):
    """Caps as they were typed; empty is none."""

    calls: str = ""
    tokens: str = ""
    cost: str = ""
    project: str = ""

    def read(self) -> Caps:
        """Raises Invalid naming the field."""
        counts = read_count(self.calls, "calls"), read_count(self.tokens, "tokens")
        return Caps(*counts, read_money(self.cost, "cost"))


def _typed(caps: Caps) -> TypedCaps:
    counts = {kind: "" if (cap := getattr(caps, kind)) is None else str(cap) for kind in ("calls", "tokens")}
    return TypedCaps(**counts, cost=typed_money(caps.cost))


def _day(text: str, field: str) -> date | None:
    try:
        return date.fromisoformat(text.strip()) if text.strip() else None
    except ValueError:
        raise Invalid([Problem("must be a day, written YYYY-MM-DD", field)]) from None


def _span(first: str, last: str, project: str) -> Span:
    """Raises Invalid naming the field."""
    return spending.span(_day(first, "from"), _day(last, "to"), project)


def _show(
    request: Request,
    session: Session,
    wanted: Span,
    chosen: dict[str, str],
    problems: dict[str, str] | None = None,
    typed: dict[str, TypedCaps] | None = None,
) -> Response:
    view = spending.view(session, wanted)
    forms = {account.id: _typed(account.caps) for account in view.accounts}
    return page(
        request,
        "spend/show.html",
        status=422 if problems else 200,
        spend=view,
        chosen=chosen,
        problems=problems or {},
        forms=forms | (typed or {}),
        wrong=next(iter(typed), "") if typed else "",
        projects=stored.offered(session, wanted.project_id),
    )


@router.get("/spend")
def show(request: Request, session: Reading, first: First = "", last: Last = "", project: str = "") -> Response:
    chosen = {"from": first, "to": last, "project": project}
    try:
        wanted = _span(first, last, project)
    except Invalid as invalid:
        problems = {problem.where: problem.message for problem in invalid.problems}
        return _show(request, session, spending.span(None, None, project), chosen, problems)
    return _show(request, session, wanted, {**chosen, "from": str(wanted.first), "to": str(wanted.last)})


@router.post("/spend/caps/{account}")
def set_caps(request: Request, session: Writing, account: str, typed: Annotated[TypedCaps, Form()]) -> Response:
    try:
        capping.set_shared(session, account, typed.read())
    except Invalid as invalid:
        problems = {problem.where: problem.message for problem in invalid.problems}
        wanted = spending.span(None, None, typed.project)
        chosen = {"from": str(wanted.first), "to": str(wanted.last), "project": typed.project}
        return _show(request, session, wanted, chosen, problems, {account: typed})
    return RedirectResponse(f"/spend{f'?project={typed.project}' if typed.project.isalnum() else ''}#caps", 303)


@router.get("/spend.csv")
def download(session: Reading, first: First = "", last: Last = "", project: str = "") -> Response:
    """Raises Invalid."""
    wanted = _span(first, last, project)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["day", "project", "endpoint", "purpose", *COUNTS])
    for row in spending.rows(session, wanted):
        counts = {name: getattr(row.sums, name) for name in COUNTS} | {"cost": f"{row.sums.cost / 1_000_000:.6f}"}
        writer.writerow([row.day, safe(row.project), safe(row.endpoint), row.purpose, *counts.values()])
    name = f"spend-{wanted.first}-{wanted.last}.csv"
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return Response(out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)
