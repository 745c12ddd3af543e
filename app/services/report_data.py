"""Holdout reports as programs read them: whose they are, found by the beginning of an id, and their plain data."""

from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from app.domain.goals import missed
from app.errors import NotFound
from app.services import beginnings
from app.storage import live, openings
from app.storage.campaigns import Campaign, HoldoutOpening


def named(session: Session, subject: str) -> Campaign | HoldoutOpening:
    """The campaign or the opening of this id, or the only one whose id begins so. Raises NotFound, Invalid."""
    found = beginnings.only(subject, "ID", partial(openings.beginning_with, session, subject))
    if found is None:
        said = f"There is no campaign and no opening of a holdout {subject}; their pages' addresses have the ids."
        raise NotFound(said)
    opening = session.get(HoldoutOpening, found)
    if opening is not None and opening.campaign_id is None:
        return opening
    return live.campaign(session, opening.campaign_id if opening and opening.campaign_id else found)


def told(row: Campaign | HoldoutOpening) -> dict[str, Any]:
    """The stored report with the ids of what it tells of, the bound of the goal where the best prompt misses it, and how
    many holdout examples both have answered.
    """
    report = row.report or {}
    found = report["best"]["holdout"] or report["best"]["dev"]
    sides = {
        side: {"version_id": version_id, **report[side]}
        for side, version_id in zip(("start", "best"), _versions(row), strict=True)
    }
    subject = "campaign_id" if isinstance(row, Campaign) else "opening_id"
    told = {"missed": missed(report["goal"], found["value"]) if found else "", "answered": _answered(row)}
    return {subject: row.id, **report, **sides, **told}


def _answered(row: Campaign | HoldoutOpening) -> int | None:
    """How many holdout examples both have answered; None where a campaign did not open it."""
    report = row.report or {}
    found = report["best"]["holdout"]
    if isinstance(row, Campaign) and not report.get("holdout_opened"):
        return None
    return found["n"] if found else 0


def _versions(row: Campaign | HoldoutOpening) -> tuple[str, str]:
    """The ids of what was compared with, and of the prompt."""
    if isinstance(row, Campaign):
        return row.start_version_id, row.best_version_id or row.start_version_id
    return row.against_version_id or "", row.prompt_version_id or ""
