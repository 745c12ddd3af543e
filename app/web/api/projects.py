"""The JSON twin of projects: the list of all, one with everything its page shows, its texts, its prompts."""

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from app.domain import formats
from app.services import editing, overviews
from app.services.overviews import Home, ProjectView
from app.storage import projects
from app.web.dependencies import Reading, Writing
from app.web.given import Given
from app.web.numbers import Whole

router = APIRouter(tags=["projects"])


class Texts(Given):
    """What is left out stays as it is."""

    name: str | None = None
    description: str | None = None
    goal: str | None = Field(None, description="such as macro_f1 or recall[spam] at precision>=0.9")
    label_descriptions: dict[str, str] = Field({}, description="by label name")
    body_days: int | None = Field(None, description="days for which the log keeps what calls said")


class NewPrompt(Given):
    text: str
    parent: str = Field("", description="the version that it was made from")
    format: dict[str, Any] = Field({}, description="how (text, json, codes), before (a list), probabilities")


class PromptRef(BaseModel):
    """A version; `number` counts within its project."""

    id: str
    number: int


@router.get("/projects")
def show_all(session: Reading, before: str | None = None) -> Home:
    """Projects, newest first; go on with `before` = `older`."""
    return overviews.home(session, before)


@router.get("/projects/{project_id}")
def show(
    request: Request,
    session: Reading,
    project_id: str,
    campaigns_before: Whole | None = None,
    prompts_before: Whole | None = None,
) -> ProjectView:
    """Campaigns and prompts, newest first; go on with the `older` of each."""
    settings = request.app.state.settings
    return overviews.project_view(session, settings, project_id, campaigns_before, prompts_before)


@router.patch("/projects/{project_id}")
def describe(request: Request, session: Writing, project_id: str, texts: Texts) -> ProjectView:
    """Change what later campaigns tell generators, refused while a campaign goes on; and for how long texts are kept."""
    now = projects.get(session, project_id)
    if texts.body_days is not None:
        editing.keep_texts(session, project_id, texts.body_days)
    if texts.model_fields_set - {"body_days"}:
        name = now.name if texts.name is None else texts.name
        description = now.description if texts.description is None else texts.description
        editing.describe(session, project_id, name, description, texts.label_descriptions, texts.goal)
    session.flush()
    return overviews.project_view(session, request.app.state.settings, project_id)


@router.post("/projects/{project_id}/prompts", status_code=201)
def add_prompt(session: Writing, project_id: str, prompt: NewPrompt) -> PromptRef:
    """A version by a person; a text that the project has already is that version."""
    version = editing.add_prompt(session, project_id, prompt.text, prompt.parent, formats.load(prompt.format))
    return PromptRef(id=version.id, number=version.number)
