"""Holdout reports, and the form that opens a holdout: on pages, as Markdown and as PDF."""

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Form, Request
from pydantic import BaseModel
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from app.domain.confirming import LOOKS
from app.errors import Invalid
from app.services import opening, report_views, run_offers
from app.services.opening import OpeningDraft
from app.services.report_views import HoldoutReport
from app.storage import openings, projects
from app.storage.base import new_id
from app.storage.openings import HoldoutSpent
from app.web import frozen_words, report_words
from app.web.dependencies import Reading, Writing
from app.web.kinds import is_fragment
from app.web.markdown import markdown
from app.web.nudging import poke_later
from app.web.numbers import read_count, read_money
from app.web.pdf import pdf
from app.web.rendering import page
from app.web.report_documents import document

router = APIRouter(include_in_schema=False)


class Typed(BaseModel):
    """The form as it was filled in; `do` is the button that sent it, `once` tells a second click from a second form."""

    prompt_version_id: str = ""
    against_version_id: str = ""
    endpoint_id: str = ""
    reason: str = ""
    confirmed: str = ""
    max_calls: str = ""
    max_tokens: str = ""
    max_cost: str = ""
    do: str = "open"
    once: str = ""

    def draft(self, project_id: str) -> OpeningDraft:
        """Raises Invalid for caps that cannot be read."""
        return OpeningDraft(
            project_id=project_id,
            prompt_version_id=self.prompt_version_id,
            endpoint_id=self.endpoint_id,
            reason=self.reason,
            against_version_id=self.against_version_id,
            confirmed=self.confirmed == "yes",
            max_calls=read_count(self.max_calls, "max_calls"),
            max_tokens=read_count(self.max_tokens, "max_tokens"),
            max_cost=read_money(self.max_cost, "max_cost"),
        )


@router.get("/campaigns/{campaign_id}/report")
def campaign_report(request: Request, session: Reading, campaign_id: str) -> Response:
    report = report_views.of_campaign(session, campaign_id)
    return page(
        request,
        "reports/campaign.html",
        report=report,
        words=report_words,
        frozen_words=frozen_words,
        simulated=report.simulated,
    )


@router.get("/campaigns/{campaign_id}/report.md")
def campaign_markdown(session: Reading, campaign_id: str) -> Response:
    return _markdown(report_views.of_campaign(session, campaign_id))


@router.get("/campaigns/{campaign_id}/report.pdf")
def campaign_pdf(session: Reading, campaign_id: str) -> Response:
    return _pdf(report_views.of_campaign(session, campaign_id))


@router.get("/openings/{opening_id}/report.md")
def opening_markdown(session: Reading, opening_id: str) -> Response:
    return _markdown(report_views.of_opening(session, opening_id))


@router.get("/openings/{opening_id}/report.pdf")
def opening_pdf(session: Reading, opening_id: str) -> Response:
    return _pdf(report_views.of_opening(session, opening_id))


def _markdown(report: HoldoutReport) -> Response:
    return Response(markdown(document(report)), media_type="text/markdown", headers=_as_file(report, "md"))


def _pdf(report: HoldoutReport) -> Response:
    printed = pdf(document(report), f"Holdout report: {report.project}")
    return Response(printed, media_type="application/pdf", headers=_as_file(report, "pdf"))


def _as_file(report: HoldoutReport, ending: str) -> dict[str, str]:
    name = f"campaign-{report.campaign}" if report.campaign is not None else f"v{report.best.version}"
    return {
        "content-disposition": f'attachment; filename="holdout-report-{name}.{ending}"', "cache-control": "no-store",
    }  # fmt: skip


@router.get("/openings/{opening_id}")
def show(request: Request, session: Reading, opening_id: str) -> Response:
    return _opening(request, session, opening_id, "openings/show.html")


@router.get("/openings/{opening_id}/live")
def live(request: Request, session: Reading, opening_id: str) -> Response:
    """The part of the page that changes."""
    return _opening(request, session, opening_id, "openings/_live.html")


def _opening(request: Request, session: Session, opening_id: str, template: str) -> Response:
    view = report_views.opening_view(session, opening_id)
    if view.campaign_id is not None:
        return RedirectResponse(f"/campaigns/{view.campaign_id}/report", 303)
    return page(
        request, template, opening=view, words=report_words, frozen_words=frozen_words, simulated=view.simulated
    )


def _form(
    request: Request, session: Session, project_id: str, typed: Typed, refused: Invalid | None = None
) -> Response:
    """The form with what was typed, what is wrong with it, and what it takes; none where the holdout is spent."""
    version = opening.sealed_version(session, project_id)
    looks = openings.looks(session, version)
    quote, wrong = None, refused
    try:
        quote = opening.quote(session, request.app.state.settings, typed.draft(project_id))
    except Invalid as invalid:
        wrong = refused or (invalid if typed.do == "quote" else None)
    models = run_offers.models(session)
    return page(
        request,
        "openings/_quote.html" if is_fragment(request) else "openings/new.html",
        status=422 if refused else 200,
        project=projects.get(session, project_id),
        most=LOOKS,
        looks=looks,
        spent=HoldoutSpent(looks).why if len(looks) >= LOOKS else "",
        prompts=run_offers.offered_prompts(session, project_id, typed.prompt_version_id),
        models=models,
        model=next((one for one in models if one.id == typed.endpoint_id), None),
        typed=typed,
        quote=quote,
        problems={problem.where: problem.message for problem in wrong.problems} if wrong else {},
    )


@router.get("/projects/{project_id}/openings/new")
def choose(request: Request, session: Reading, project_id: str, prompt: str = "") -> Response:
    """`prompt` is the version to look at."""
    projects.get(session, project_id)
    usual = opening.usual(session, request.app.state.settings, project_id, prompt)
    typed = Typed(
        prompt_version_id=usual.prompt_version_id,
        against_version_id=usual.against_version_id,
        endpoint_id=usual.endpoint_id,
        once=new_id(),
    )
    return _form(request, session, project_id, typed)


@router.post("/projects/{project_id}/openings/new")
def open_it(
    request: Request, session: Writing, later: BackgroundTasks, project_id: str, typed: Annotated[Typed, Form()]
) -> Response:
    if typed.do == "quote":
        return _form(request, session, project_id, typed)
    try:
        once = typed.once and typed.model_dump_json()
        made, nudges = opening.begin(session, request.app.state.settings, typed.draft(project_id), once)
    except Invalid as invalid:
        return _form(request, session, project_id, typed, invalid)
    poke_later(request, later, nudges)
    return RedirectResponse(f"/openings/{made.id}", 303)
