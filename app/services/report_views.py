"""Holdout reports as pages and programs see them: a campaign's, or that of an opening by a person."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy.orm import Session

from app.domain import formats
from app.domain.comparing import Difference
from app.domain.confirming import Evidence, Use
from app.domain.formats import AnswerFormat
from app.domain.metrics import Estimate
from app.errors import Conflict
from app.services import frozen_reports
from app.services.frozen_reports import FrozenOnHoldout
from app.storage import endpoints, live, openings, projects, prompts, run_boards, runs
from app.storage.base import OWNER
from app.storage.campaigns import Campaign, HoldoutOpening
from app.storage.run_boards import OpeningRun

_EVIDENCE = TypeAdapter(Evidence)
RESTING, OVER = ("paused", "exhausted"), ("finished", "stopped")
STANDS = {
    "queued": "waits for a worker with",
    "running": "is still answering,",
    "paused": "is paused after",
    "exhausted": "is stopped by a cap after",
    "stopped": "was stopped after",
    "finished": "has answered",
}


@dataclass(frozen=True)
class Sheet:
    """One of the two prompts: its text, its scores, what an answer of it takes, and how it asks for one."""

    version_id: str
    version: int
    text: str
    dev: Estimate | None
    holdout: Estimate | None
    use: Use | None
    form: AnswerFormat


@dataclass(frozen=True)
class Opened:
    """Who opened the holdout, when and why, and which look at these examples that was."""

    id: str
    look: int
    by: str
    at: datetime
    reason: str


@dataclass(frozen=True)
class HoldoutReport:
    """Everything that a holdout report shows. `gain` is best minus start on the holdout; `cost` in micro-units.

    `campaign` is the number of the campaign whose end it was, None for an opening by a person. `evidence` is empty for
    a report from before it was kept, and then `whole` is false. `thresholds` are those that people froze before.
    `answered` counts the holdout examples that both have answered, None where it was not opened.
    """

    name: str
    href: str
    project_id: str
    project: str
    campaign: int | None
    goal: str
    smallest_gain: float
    task_model: str
    simulated: bool
    splits: Mapping[str, int]
    verdict: str
    stopped_because: str | None
    start: Sheet
    best: Sheet
    best_origin: str
    majority_baseline: float | None
    gain: Difference | None
    opened: Opened | None
    evidence: Evidence
    whole: bool
    calls: int
    tokens: int
    cost: int | None
    finished_at: datetime | None
    thresholds: list[FrozenOnHoldout]
    answered: int | None

    @property
    def is_part(self) -> bool:
        """Whether the holdout was opened and not all of it answered, by a cap or because somebody stopped it."""
        return self.answered is not None and self.answered < self.splits["holdout"]

    @property
    def same(self) -> bool:
        """Whether nothing was chosen over the start."""
        return self.best.version_id == self.start.version_id


@dataclass(frozen=True)
class OpeningView:
    """An opening by a person while both prompts answer, and its report once they have."""

    id: str
    project_id: str
    project: str
    task_model: str
    simulated: bool
    campaign_id: str | None
    opened: Opened
    runs: list[OpeningRun]
    finished_at: datetime | None
    report: HoldoutReport | None

    @property
    def share(self) -> float:
        total = sum(one.total for one in self.runs)
        return sum(one.done for one in self.runs) / total if total else 1.0

    @property
    def rests(self) -> bool:
        """Whether nothing goes on before a person does something."""
        waiting = [one for one in self.runs if one.status in RESTING]
        return bool(waiting) and all(one in waiting or one.status in OVER for one in self.runs)

    @property
    def standing(self) -> str:
        """How far each prompt is, in words."""
        told = (f"v{one.version} {STANDS[one.status]} {one.done:,} of {one.total:,} examples" for one in self.runs)
        return "; ".join(told) + "."


def of_row(session: Session, row: Campaign | HoldoutOpening) -> HoldoutReport:
    """Raises Conflict while there is no report."""
    return of_campaign(session, row.id) if isinstance(row, Campaign) else of_opening(session, row.id)


def of_campaign(session: Session, campaign_id: str) -> HoldoutReport:
    """Raises NotFound, Conflict before the campaign's end."""
    campaign = live.campaign(session, campaign_id)
    if campaign.report is None:
        raise Conflict("This campaign is not finished, so it has no report yet.")
    opening = openings.of_campaign(session, campaign_id)
    best_id = campaign.best_version_id or campaign.start_version_id
    made = campaign.report["best"]
    origin = f"round {made['round']}, by {made['generator']}" if made["round"] else "the start prompt"
    return _report(
        session,
        campaign.report,
        f"Campaign {campaign.number}",
        f"/campaigns/{campaign.id}",
        (campaign.project_id, campaign.task_endpoint_id),
        (campaign.start_version_id, best_id),
        origin,
        _opened(opening) if opening else None,
        campaign,
    )


def opening_view(session: Session, opening_id: str) -> OpeningView:
    """Raises NotFound. What a campaign opened has its report at the campaign."""
    opening = openings.get(session, opening_id)
    if opening.campaign_id is not None:
        campaign = live.campaign(session, opening.campaign_id)
        project_id, endpoint_id = campaign.project_id, campaign.task_endpoint_id
    else:
        project_id, endpoint_id = runs.of_opening(session, opening.id)[0].project_id, opening.endpoint_id or ""
    model = endpoints.get(session, endpoint_id)
    return OpeningView(
        id=opening.id,
        project_id=project_id,
        project=projects.get(session, project_id).name,
        task_model=model.full_name,
        simulated=model.simulated,
        campaign_id=opening.campaign_id,
        opened=_opened(opening),
        runs=run_boards.of_opening(session, opening.id),
        finished_at=opening.finished_at,
        report=_of_person(session, opening, project_id) if opening.report else None,
    )


def of_opening(session: Session, opening_id: str) -> HoldoutReport:
    """The report alone. Raises NotFound, Conflict before both prompts have answered."""
    opening = openings.get(session, opening_id)
    if opening.campaign_id is not None:
        return of_campaign(session, opening.campaign_id)
    view = opening_view(session, opening_id)
    if view.report is None:
        raise Conflict(f"There is no report yet: {view.standing}")
    return view.report


def _of_person(session: Session, opening: HoldoutOpening, project_id: str) -> HoldoutReport:
    return _report(
        session,
        opening.report or {},
        "Holdout report",
        f"/openings/{opening.id}",
        (project_id, opening.endpoint_id or ""),
        (opening.against_version_id or "", opening.prompt_version_id or ""),
        "chosen by a person",
        _opened(opening),
        opening,
    )


def _report(
    session: Session,
    report: Mapping[str, Any],
    name: str,
    href: str,
    about: tuple[str, str],
    versions: tuple[str, str],
    origin: str,
    opened: Opened | None,
    row: Campaign | HoldoutOpening,
) -> HoldoutReport:
    evidence = _EVIDENCE.validate_python(report["evidence"]) if report.get("evidence") else None
    campaign = row if isinstance(row, Campaign) else None
    gain, best = report["gain_on_holdout"], report["best"]["holdout"]
    usual = campaign.rules["smallest_gain"] if campaign else 0.0
    uses = (evidence.start_use, evidence.best_use) if evidence else (None, None)
    start, chosen = (
        _sheet(session, one, report[side], use)
        for one, side, use in zip(versions, ("start", "best"), uses, strict=True)
    )
    return HoldoutReport(
        name=name,
        href=href,
        project_id=about[0],
        project=report["project"],
        campaign=campaign.number if campaign else None,
        goal=report["goal"],
        smallest_gain=report.get("smallest_gain", usual),
        task_model=report["task_model"],
        simulated=endpoints.get(session, about[1]).simulated,
        splits=report["splits"],
        verdict=report["verdict"],
        stopped_because=report.get("stopped_because"),
        start=start,
        best=chosen,
        best_origin=origin,
        majority_baseline=report.get("majority_baseline"),
        gain=Difference(gain["value"], gain["low"], gain["high"], gain["p"], best["n"]) if gain and best else None,
        opened=opened,
        evidence=evidence or Evidence(),
        whole=evidence is not None,
        calls=report["calls_paid"],
        tokens=report["tokens"],
        cost=None if report["cost"] is None else round(report["cost"] * 1_000_000),
        finished_at=row.finished_at,
        thresholds=frozen_reports.read(report.get("thresholds", [])),
        answered=None if opened is None else best["n"] if best else 0,
    )


def _sheet(session: Session, version_id: str, side: Mapping[str, Any], use: Use | None) -> Sheet:
    version = prompts.get(session, version_id)
    dev, holdout = (_estimate(side[split]) for split in ("dev", "holdout"))
    return Sheet(version_id, version.number, side["prompt"], dev, holdout, use, formats.load(version.format))


def _estimate(found: Mapping[str, Any] | None) -> Estimate | None:
    return Estimate(**found) if found else None


def _opened(opening: HoldoutOpening) -> Opened:
    by = "the owner" if opening.opened_by == OWNER else opening.opened_by
    return Opened(opening.id, opening.number, by, opening.opened_at, opening.reason)
