"""How answers are compared: changed on the page where a project is edited, and watched while answers are read again."""

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Form, Request
from starlette.responses import RedirectResponse, Response

from app.errors import Conflict, Invalid
from app.services import rules
from app.storage import projects
from app.web.dependencies import Reading, Writing
from app.web.nudging import poke_later
from app.web.pages.projects import edit_page
from app.web.rendering import page
from app.web.rule_forms import RuleTyped

router = APIRouter(include_in_schema=False)


@router.post("/projects/{project_id}/rule")
def change(
    request: Request,
    session: Writing,
    later: BackgroundTasks,
    project_id: str,
    typed: Annotated[RuleTyped, Form()],
) -> Response:
    kind = projects.get(session, project_id).answer_kind
    try:
        nudges = rules.change(session, project_id, typed.options(kind))
    except Conflict as conflict:
        return edit_page(request, session, project_id, status=409, rule=typed, not_now=str(conflict))
    except Invalid as invalid:
        problems: dict[str, str] = {}
        for problem in invalid.problems:
            where = problem.where if problem.where in RuleTyped.model_fields else "match"
            said = problem.message if where == problem.where else f"{problem.where}: {problem.message}"
            problems[where] = f"{problems[where]}; {said}" if where in problems else said
        return edit_page(request, session, project_id, problems=problems, status=422, rule=typed)
    poke_later(request, later, nudges)
    return RedirectResponse(f"/projects/{project_id}", 303)


@router.get("/projects/{project_id}/rereading")
def live(request: Request, session: Reading, project_id: str) -> Response:
    """How far it is; a page is loaded anew when it is over, as its scores are others then."""
    found = rules.view(session, projects.get(session, project_id)).rereading
    headers = {} if found else {"hx-refresh": "true"}
    return page(request, "projects/_rereading.html", headers=headers, project_id=project_id, rereading=found)
