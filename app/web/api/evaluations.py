"""The JSON twin of evaluations: order one, watch it, pause, resume, stop, change its caps."""

from typing import Literal

from fastapi import APIRouter, BackgroundTasks, Request
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from app.services import evaluating, run_offers, run_views, shown_answers, steering
from app.services.evaluating import RunDraft
from app.services.run_offers import RunQuote
from app.services.run_views import RunsPage, RunView
from app.services.shown_answers import RunAnswers
from app.web.dependencies import Reading, Writing
from app.web.given import Given
from app.web.nudging import poke_later
from app.web.numbers import Code, Whole

router = APIRouter(tags=["evaluations"])


class Caps(Given):
    """Those that are named change; null takes a cap away. Money is in millionths."""

    max_calls: int | None = None
    max_tokens: int | None = None
    max_cost: int | None = None


class RunChoice(Caps):
    """What to order; null means all examples, the usual number of tokens, what the model's page says, or no cap."""

    prompt_version_id: str
    endpoint_id: str
    split: str = "dev"
    examples: int | None = None
    samples: int = 1
    temperature: float = 0.0
    answer_tokens: int | None = None
    count_fallbacks: bool | None = Field(None, description="score answers of a fallback as if they were the model's")
    once: str = Field("", description="anything of your own: the same order sent again with it starts nothing twice")

    def draft(self, project_id: str) -> RunDraft:
        return RunDraft(project_id=project_id, **self.model_dump(exclude={"once"}))


class Ordered(BaseModel):
    """A queued run."""

    id: str
    status: str


@router.post("/projects/{project_id}/evaluations/quote")
def quote(request: Request, session: Reading, project_id: str, choice: RunChoice) -> RunQuote:
    """What this order may buy; nothing is started."""
    return run_offers.quote(session, request.app.state.settings, choice.draft(project_id))


@router.post("/projects/{project_id}/evaluations", status_code=201)
def start(request: Request, session: Writing, later: BackgroundTasks, project_id: str, choice: RunChoice) -> Ordered:
    once = choice.once and choice.model_dump_json()
    run, nudges = evaluating.start(session, request.app.state.settings, choice.draft(project_id), once)
    poke_later(request, later, nudges)
    return Ordered(id=run.id, status=run.status)


@router.get("/projects/{project_id}/evaluations")
def listing(session: Reading, project_id: str, before: str | None = None) -> RunsPage:
    """Runs that people ordered, newest first; go on with `before` = `older`."""
    return run_views.runs_page(session, project_id, before)


@router.get("/evaluations/{run_id}")
def show(session: Reading, run_id: str) -> RunView:
    return run_views.run_view(session, run_id)


@router.get("/evaluations/{run_id}/answers")
def answers(
    session: Reading,
    run_id: str,
    show: Literal["wrong", "right", "unreadable", "ungraded"] = "wrong",
    place: Whole | None = None,
    expected: Code | None = None,
    read: Code | None = None,
    offset: Whole = 0,
) -> RunAnswers:
    """Answers in the fixed order of the examples; go on with `offset` = `next_offset`.

    `place`, `expected` and `read` ask for one cell of the confusions, as `measures` has them: a label of a set or a
    field by its place (0 where an answer is one label), with what is expected there and what was read, -1 for
    unreadable. Without `read` it is what was missed, without `expected` what was wrongly named.
    """
    return shown_answers.run_answers(session, run_id, show, shown_answers.cell_of(place, expected, read), offset)


@router.patch("/evaluations/{run_id}")
def change_caps(request: Request, session: Writing, later: BackgroundTasks, run_id: str, caps: Caps) -> RunView:
    """Change caps; a run that had reached one goes on."""
    poke_later(request, later, steering.set_caps(session, run_id, caps.model_dump(exclude_unset=True)))
    return _fresh(session, run_id)


@router.post("/evaluations/{run_id}/pause", status_code=202)
def pause(request: Request, session: Writing, later: BackgroundTasks, run_id: str) -> RunView:
    """Start no further call; those under way come in and are kept."""
    return _ask(request, session, later, run_id, "pause")


@router.post("/evaluations/{run_id}/resume", status_code=202)
def resume(request: Request, session: Writing, later: BackgroundTasks, run_id: str) -> RunView:
    return _ask(request, session, later, run_id, "resume")


@router.post("/evaluations/{run_id}/stop", status_code=202)
def stop(request: Request, session: Writing, later: BackgroundTasks, run_id: str) -> RunView:
    """End it for good; what was bought is kept and summed up."""
    return _ask(request, session, later, run_id, "stop")


def _ask(request: Request, session: Session, later: BackgroundTasks, run_id: str, wish: str) -> RunView:
    poke_later(request, later, steering.ask(session, run_id, wish))
    return _fresh(session, run_id)


def _fresh(session: Session, run_id: str) -> RunView:
    session.expire_all()
    return run_views.run_view(session, run_id)
