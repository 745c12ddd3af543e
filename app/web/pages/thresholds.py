"""The thresholds of an evaluation: look, slide, work out anew, freeze."""

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Form, Request
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from app.errors import Invalid
from app.services import freezing, retuning, threshold_views
from app.services.threshold_facts import ThresholdsView
from app.web import curving, frozen_words
from app.web.addresses import unknown
from app.web.dependencies import Reading, Writing
from app.web.nudging import poke_later
from app.web.numbers import Whole
from app.web.rendering import page

router = APIRouter(include_in_schema=False)
FIELDS = (
    "class", "rule", "beta", "precision", "recall", "fp", "fn", "t", "calibrate", "confidence", "accuracy", "doubt",
    "abstain", "expected", "said",
)  # fmt: skip


class Frozen(BaseModel):
    """The wish that the page showed; `which` is this class or every one, `abstain` says whether answers may be left out."""

    name: str = Field("", alias="class")
    rule: str = ""
    calibrate: str = ""
    confidence: str = ""
    accuracy: str = ""
    which: str = "this"
    abstain: str = ""


@router.get("/evaluations/{run_id}/thresholds")
def show(request: Request, session: Reading, run_id: str, offset: Whole = 0) -> Response:
    given = {name: request.query_params[name] for name in FIELDS if name in request.query_params}
    problems, status = dict[str, str](), 200
    try:
        view = threshold_views.thresholds_view(session, run_id, given, offset)
    except Invalid as invalid:
        problems, status = {problem.where: problem.message for problem in invalid.problems}, 422
        view = threshold_views.thresholds_view(session, run_id, {})
    return _page(request, session, view, problems, status)


def _page(request: Request, session: Session, view: ThresholdsView, problems: dict[str, str], status: int) -> Response:
    tuned, pending = view.tuned, retuning.pending(session, view.run_id)
    calibrated = next((one for one in tuned.calibrated if one.kind == view.wish.calibrate), None) if tuned else None
    return page(
        request,
        "thresholds/show.html",
        status=status,
        v=view,
        t=tuned,
        problems=problems,
        curving=curving,
        curve=curving.curve(tuned.stops, tuned.chosen) if tuned else None,
        before=curving.reliability(tuned.profile.bins) if tuned else None,
        after=curving.reliability(calibrated.bins) if calibrated else None,
        calibrated=calibrated,
        frozen=[
            one for one in freezing.frozen_of_version(session, view.version_id) if one.version_id == view.version_id
        ],
        frozen_words=frozen_words,
        unknown=unknown(request, (*FIELDS, "offset")),
        pending=pending,
        worker_missing=pending and retuning.worker_missing(session),
        simulated=view.task_model.simulated,
    )


@router.post("/evaluations/{run_id}/thresholds/work-out")
def work_out(request: Request, session: Writing, later: BackgroundTasks, run_id: str) -> Response:
    """A worker does it; the page shows when it is done."""
    poke_later(request, later, retuning.request(session, run_id))
    return RedirectResponse(f"/evaluations/{run_id}/thresholds", 303)


@router.post("/evaluations/{run_id}/thresholds")
def freeze(session: Writing, run_id: str, typed: Annotated[Frozen, Form()]) -> Response:
    given = {name: value for name, value in typed.model_dump(by_alias=True).items() if name in FIELDS and value}
    row = freezing.freeze(session, run_id, given, every=typed.which == "every", abstain=bool(typed.abstain))
    return RedirectResponse(f"/prompts/{row.prompt_version_id}#frozen", 303)
