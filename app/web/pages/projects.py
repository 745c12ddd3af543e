"""A project: what it is about, its champions, campaigns, prompts and test set; prompts and texts of one's own."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from app.domain import formats
from app.domain.confirming import LOOKS
from app.domain.formats import AnswerFormat
from app.errors import Conflict, Invalid
from app.services import editing, overviews, rules
from app.services.overviews import ProjectView
from app.storage import projects, prompts, test_sets
from app.storage.campaign_boards import unfinished_campaign
from app.web.dependencies import Reading, Writing
from app.web.numbers import Whole
from app.web.rendering import page
from app.web.rule_forms import RuleTyped, typed_rule

router = APIRouter(include_in_schema=False)


class Texts(BaseModel):
    """The edit form: `label` and `about` are equally long, one pair for each label."""

    name: str = ""
    description: str = ""
    goal: str | None = None
    label: list[str] = []
    about: list[str] = []


class Draft(BaseModel):
    """The form of a prompt; `parent` is the version that it was made from."""

    text: str = ""
    parent: str = ""
    how: str = "text"
    before: str = ""
    probabilities: str = "none"

    @property
    def form(self) -> AnswerFormat:
        """Raises Invalid for what no form offers."""
        before = [name for name in self.before.split(",") if name]
        return formats.load({"how": self.how, "before": before, "probabilities": self.probabilities})


@router.get("/projects/new")
def new() -> Response:
    return RedirectResponse("/uploads/new", 303)


@router.get("/projects/{project_id}")
def show(
    request: Request, session: Reading, project_id: str, campaigns: Whole | None = None, prompts: Whole | None = None
) -> Response:
    """`campaigns` and `prompts` are numbers: the lists begin below them."""
    view = overviews.project_view(session, request.app.state.settings, project_id, campaigns, prompts)
    newest = {"campaigns": campaigns is None, "prompts": prompts is None}
    return page(
        request,
        "projects/show.html",
        project=view,
        newest=newest,
        most_looks=LOOKS,
        simulated=_simulated(view),
    )


def _simulated(view: ProjectView) -> bool:
    """Whether every score on the page is one of a practice model."""
    scores = [score.task_model for line in view.prompts.prompts for score in line.scores]
    models = [*view.task_models, *scores, *(reign.task_model for reign in view.champions)]
    return bool(models) and all(model.simulated for model in models)


@router.get("/projects/{project_id}/edit")
def edit(request: Request, session: Reading, project_id: str) -> Response:
    return edit_page(request, session, project_id)


def _texts(session: Session, project_id: str) -> Texts:
    project = projects.get(session, project_id)
    labels = project.label_set
    return Texts(
        name=project.name,
        description=project.description,
        goal=project.goal,
        label=[label.name for label in labels],
        about=[label.description for label in labels],
    )


def edit_page(
    request: Request,
    session: Session,
    project_id: str,
    typed: Texts | None = None,
    problems: dict[str, str] | None = None,
    status: int = 200,
    days: str | None = None,
    rule: RuleTyped | None = None,
    not_now: str = "",
) -> Response:
    """All that a person changes by hand, each in a form of its own; `not_now` is why the rule cannot be changed."""
    project = projects.get(session, project_id)
    compared = rules.view(session, project)
    return page(
        request,
        "projects/edit.html",
        status=status,
        project=project,
        days=str(project.body_days) if days is None else days,
        unfinished=unfinished_campaign(session, project_id),
        typed=typed or _texts(session, project_id),
        problems=problems or {},
        compared=compared,
        rule=rule or RuleTyped(**typed_rule(compared.options)),
        not_now=not_now,
        graders=rules.graders(session),
        changes=rules.history(session, project),
    )


@router.post("/projects/{project_id}/days")
def keep_texts(request: Request, session: Writing, project_id: str, days: Annotated[str, Form()] = "") -> Response:
    """How long the log keeps the texts of calls."""
    try:
        editing.keep_texts(
            session, project_id, int(days) if days.isascii() and days.isdigit() and len(days) < 9 else -1
        )
    except Invalid as invalid:
        problems = {problem.where: problem.message for problem in invalid.problems}
        return edit_page(request, session, project_id, None, problems, 422, days)
    return RedirectResponse(f"/projects/{project_id}", 303)


@router.post("/projects/{project_id}/edit")
def describe(request: Request, session: Writing, project_id: str, typed: Annotated[Texts, Form()]) -> Response:
    labels = dict(zip(typed.label, typed.about, strict=False))
    try:
        editing.describe(session, project_id, typed.name, typed.description, labels, typed.goal)
    except Conflict:
        return edit_page(request, session, project_id, typed, status=409)
    except Invalid as invalid:
        problems = {problem.where: problem.message for problem in invalid.problems}
        return edit_page(request, session, project_id, typed, problems, status=422)
    return RedirectResponse(f"/projects/{project_id}", 303)


@router.get("/projects/{project_id}/prompts/new")
def write(request: Request, session: Reading, project_id: str, parent: str = "") -> Response:
    if not parent:
        return _write(request, session, project_id, Draft())
    version = prompts.get(session, parent)
    form = formats.load(version.format)
    draft = Draft(
        text=version.text, parent=parent, how=form.how, before=",".join(form.before), probabilities=form.probabilities
    )
    return _write(request, session, project_id, draft)


def _write(
    request: Request, session: Session, project_id: str, typed: Draft, problems: dict[str, str] | None = None
) -> Response:
    version = test_sets.newest_version(session, project_id)
    return page(
        request,
        "projects/prompt.html",
        status=422 if problems else 200,
        project=projects.get(session, project_id),
        parent=prompts.get(session, typed.parent) if typed.parent else None,
        known=["input", *(version.variables if version else [])],
        typed=typed,
        problems=problems or {},
    )


@router.post("/projects/{project_id}/prompts")
def add(request: Request, session: Writing, project_id: str, typed: Annotated[Draft, Form()]) -> Response:
    try:
        version = editing.add_prompt(session, project_id, typed.text, typed.parent, typed.form)
    except Invalid as invalid:
        said: dict[str, list[str]] = {}
        for problem in invalid.problems:
            said.setdefault(problem.where, []).append(problem.message)
        return _write(request, session, project_id, typed, {where: "; ".join(words) for where, words in said.items()})
    return RedirectResponse(f"/prompts/{version.id}", 303)
