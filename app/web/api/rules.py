"""The JSON twin of how a project's answers are compared."""

from dataclasses import dataclass

from fastapi import APIRouter, BackgroundTasks, Request
from sqlalchemy.orm import Session

from app.services import rules
from app.services.rules import RuleChanged, RuleView
from app.storage import projects
from app.web.dependencies import Reading, Writing
from app.web.nudging import poke_later
from app.web.rule_forms import RuleOptions

router = APIRouter(tags=["projects"])


@dataclass(frozen=True)
class RuleState:
    """The rule in force, and how it was changed, newest first."""

    rule: RuleView
    changes: list[RuleChanged]


def _state(session: Session, project_id: str) -> RuleState:
    project = projects.get(session, project_id)
    return RuleState(rules.view(session, project), rules.history(session, project))


@router.get("/projects/{project_id}/rule")
def show(session: Reading, project_id: str) -> RuleState:
    """Ask again while `rule.rereading` is there: stored answers are read again, and scores change."""
    return _state(session, project_id)


@router.patch("/projects/{project_id}/rule", status_code=202)
def change(
    request: Request, session: Writing, later: BackgroundTasks, project_id: str, options: RuleOptions
) -> RuleState:
    """Compare otherwise from now on, refused while campaigns or evaluations go on; stored answers are read again."""
    poke_later(request, later, rules.change(session, project_id, options.options()))
    session.flush()
    return _state(session, project_id)
