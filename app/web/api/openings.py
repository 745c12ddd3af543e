"""The JSON twin of openings: what a holdout was opened for, open it with a reason, and read what it showed."""

from dataclasses import dataclass

from fastapi import APIRouter, BackgroundTasks, Request
from pydantic import BaseModel, Field

from app.domain.confirming import LOOKS
from app.services import opening, report_views
from app.services.opening import OpeningDraft, OpeningQuote
from app.services.report_views import OpeningView
from app.storage import openings
from app.storage.openings import Look
from app.web.dependencies import Reading, Writing
from app.web.given import Given
from app.web.nudging import poke_later

router = APIRouter(tags=["openings"])


class OpeningChoice(Given):
    """What to compare and why; null caps are none, money is in millionths."""

    prompt_version_id: str
    endpoint_id: str
    against_version_id: str = Field("", description="the project's first prompt where it is empty")
    reason: str = Field("", description="at least three words, kept in the log")
    confirmed: bool = Field(False, description="true: you know that this look counts and cannot be undone")
    max_calls: int | None = None
    max_tokens: int | None = None
    max_cost: int | None = None
    once: str = Field("", description="anything of your own: the same order sent again with it opens nothing twice")

    def draft(self, project_id: str) -> OpeningDraft:
        return OpeningDraft(project_id=project_id, **self.model_dump(exclude={"once"}))


@dataclass(frozen=True)
class Looks:
    """Every opening of the examples that the project's newest test set version seals, oldest first."""

    of: int
    looks: list[Look]


class OpenedNow(BaseModel):
    """A holdout that was opened just now; both prompts are about to answer."""

    id: str
    look: int
    of: int


@router.get("/projects/{project_id}/openings")
def listing(session: Reading, project_id: str) -> Looks:
    return Looks(LOOKS, openings.looks(session, opening.sealed_version(session, project_id)))


@router.post("/projects/{project_id}/openings/quote")
def quote(request: Request, session: Reading, project_id: str, choice: OpeningChoice) -> OpeningQuote:
    """Which look it would be and what it may buy; nothing is opened."""
    return opening.quote(session, request.app.state.settings, choice.draft(project_id))


@router.post("/projects/{project_id}/openings", status_code=201)
def open_it(
    request: Request, session: Writing, later: BackgroundTasks, project_id: str, choice: OpeningChoice
) -> OpenedNow:
    """Open the holdout; the third time is refused."""
    once = choice.once and choice.model_dump_json()
    made, nudges = opening.begin(session, request.app.state.settings, choice.draft(project_id), once)
    poke_later(request, later, nudges)
    return OpenedNow(id=made.id, look=made.number, of=LOOKS)


@router.get("/openings/{opening_id}")
def show(session: Reading, opening_id: str) -> OpeningView:
    """How far it is, and its report once both prompts have answered."""
    return report_views.opening_view(session, opening_id)
