"""The JSON twin of the spend page: what was spent, and the caps of the instance, of every day and of projects."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query

from app.services import capping, spending
from app.services.spending import CappedAccount, SpendView
from app.web.api.caps import CapsGiven
from app.web.dependencies import Reading, Writing

router = APIRouter(tags=["spend"])
First = Annotated[date | None, Query(alias="from", description="the first day, UTC; 30 days when left out")]
Last = Annotated[date | None, Query(alias="to", description="the last day, UTC; today when left out")]


@router.get("/spend")
def show(session: Reading, first: First = None, last: Last = None, project: str = "") -> SpendView:
    """By day, endpoint, purpose and project; money in millionths. Generators of undecided rounds have no name."""
    return spending.view(session, spending.span(first, last, project))


@router.put("/caps/{account}")
def set_caps(session: Writing, account: str, given: CapsGiven) -> CappedAccount:
    """`account` is instance, day (every day), or project:ID."""
    capping.set_shared(session, account, given.read())
    kind, _, subject = account.partition(":")
    found = spending.accounts(session, subject if kind == "project" else None)
    return next(one for one in found if one.id == account)


@router.get("/caps")
def show_caps(session: Reading, project: str = "") -> list[CappedAccount]:
    """The caps of the instance, of every day and of a project, and how far they are used."""
    return spending.accounts(session, project or None)
