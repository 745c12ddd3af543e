"""Evaluations: order one, watch it live, pause, resume, stop, change its caps; a project's last ones."""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal

from fastapi import APIRouter, BackgroundTasks, Form, Request
from pydantic import BaseModel
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from app.errors import Conflict, Invalid
from app.services import evaluating, run_offers, run_views, shown_answers, steering
from app.services.evaluating import RunDraft
from app.storage import projects, test_sets
from app.storage.base import new_id
from app.web.dependencies import Reading, Writing
from app.web.kinds import is_fragment
from app.web.nudging import poke_later
from app.web.numbers import Code, Whole, typed_money
from app.web.rendering import page

router = APIRouter(include_in_schema=False)
WRONG = -1  # which no field allows
FALLBACKS = {"": None, "count": True, "again": False}


class TypedCaps(BaseModel):
    """Caps as they were filled in; `max_cost` in whole units of money. Empty is no cap."""

    max_calls: str = ""
    max_tokens: str = ""
    max_cost: str = ""

    def caps(self) -> dict[str, int | None]:
        money = _number(self.max_cost)
        cost = None if money is None else int(money * 1_000_000) if abs(money) < 10**12 else WRONG
        return {"max_calls": _whole(self.max_calls), "max_tokens": _whole(self.max_tokens), "max_cost": cost}


class Typed(TypedCaps):
    """The form as it was filled in; `do` is the button that sent it, `once` tells a second click from a second form."""

    prompt_version_id: str = ""
    endpoint_id: str = ""
    split: str = "dev"
    examples: str = ""
    samples: str = "1"
    temperature: str = "0"
    answer_tokens: str = ""
    fallbacks: str = ""
    do: str = "start"
    once: str = ""

    def draft(self, project_id: str) -> RunDraft:
        """What was typed, with a value that no field allows for what cannot be read."""
        temperature, samples = _number(self.temperature), _whole(self.samples)
        return RunDraft(
            project_id=project_id,
            prompt_version_id=self.prompt_version_id,
            endpoint_id=self.endpoint_id,
            split=self.split,
            examples=_whole(self.examples),
            samples=WRONG if samples is None else samples,
            temperature=float(WRONG if temperature is None else temperature),
            answer_tokens=_whole(self.answer_tokens),
            count_fallbacks=FALLBACKS.get(self.fallbacks),
            **self.caps(),
        )


def _number(text: str) -> Decimal | None:
    """A number, None when nothing was typed."""
    plain = text.replace(",", "").replace(" ", "").removeprefix("$")
    if not plain:
        return None
    try:
        number = Decimal(plain)
    except InvalidOperation:
        return Decimal(WRONG)
    return number if number.is_finite() else Decimal(WRONG)


def _whole(text: str) -> int | None:
    number = _number(text)
    return None if number is None else int(number) if abs(number) < 10**18 and number == int(number) else WRONG


def _typed(draft: RunDraft) -> Typed:
    said = {None: "", True: "count", False: "again"}
    return Typed(
        prompt_version_id=draft.prompt_version_id,
        endpoint_id=draft.endpoint_id,
        split=draft.split,
        examples=_text(draft.examples),
        samples=str(draft.samples),
        temperature=f"{draft.temperature:g}",
        answer_tokens=_text(draft.answer_tokens),
        fallbacks=said[draft.count_fallbacks],
        once=new_id(),
        **_typed_caps(draft.max_calls, draft.max_tokens, draft.max_cost),
    )


def _text(number: int | None) -> str:
    return "" if number is None else str(number)


def _typed_caps(calls: int | None, tokens: int | None, cost: int | None) -> dict[str, str]:
    return {"max_calls": _text(calls), "max_tokens": _text(tokens), "max_cost": typed_money(cost)}


def _form(request: Request, session: Session, project_id: str, typed: Typed, status: int = 200) -> Response:
    """The form with what was typed, what is wrong with it, or what it may buy."""
    quote, problems = None, {}
    try:
        quote = run_offers.quote(session, request.app.state.settings, typed.draft(project_id))
    except Conflict:
        pass  # without a test set there is no form
    except Invalid as invalid:
        problems = {problem.where: problem.message for problem in invalid.problems}
    models = run_offers.models(session)
    return page(
        request,
        "evaluations/_quote.html" if is_fragment(request) else "evaluations/new.html",
        status=status,
        project=projects.get(session, project_id),
        test_set=test_sets.newest_version(session, project_id),
        prompts=run_offers.offered_prompts(session, project_id, typed.prompt_version_id),
        models=models,
        model=next((one for one in models if one.id == typed.endpoint_id), None),
        typed=typed,
        quote=quote,
        problems=problems if status == 422 or typed.do == "quote" else {},
    )


@router.get("/projects/{project_id}/evaluations/new")
def choose(request: Request, session: Reading, project_id: str, prompt: str = "", run: str = "") -> Response:
    """`prompt` is the version to begin with, `run` one whose order is given again."""
    projects.get(session, project_id)
    settings = request.app.state.settings
    draft = run_offers.again(session, run) if run else run_offers.usual(session, settings, project_id, prompt)
    return _form(request, session, project_id, _typed(draft))


@router.post("/projects/{project_id}/evaluations/new")
def start(
    request: Request, session: Writing, later: BackgroundTasks, project_id: str, typed: Annotated[Typed, Form()]
) -> Response:
    if typed.do == "quote":
        return _form(request, session, project_id, typed)
    try:
        once = typed.once and typed.model_dump_json()
        run, nudges = evaluating.start(session, request.app.state.settings, typed.draft(project_id), once)
    except Invalid:
        return _form(request, session, project_id, typed, status=422)
    poke_later(request, later, nudges)
    return RedirectResponse(f"/evaluations/{run.id}", 303)


@router.get("/projects/{project_id}/evaluations")
def listing(request: Request, session: Reading, project_id: str, before: str | None = None) -> Response:
    found = run_views.runs_page(session, project_id, before)
    project = projects.get(session, project_id)
    return page(request, "evaluations/list.html", project=project, found=found, before=before)


def _run(request: Request, session: Session, run_id: str, template: str) -> Response:
    view = run_views.run_view(session, run_id)
    alarm = request.app.state.settings.unreadable_alarm
    return page(request, template, run=view, simulated=view.task_model.simulated, alarm=alarm)


@router.get("/evaluations/{run_id}")
def show(request: Request, session: Reading, run_id: str) -> Response:
    return _run(request, session, run_id, "evaluations/show.html")


@router.get("/evaluations/{run_id}/live")
def live(request: Request, session: Reading, run_id: str) -> Response:
    """The part of the page that changes."""
    return _run(request, session, run_id, "evaluations/_live.html")


@router.get("/evaluations/{run_id}/answers")
def answers(
    request: Request,
    session: Reading,
    run_id: str,
    show: Literal["wrong", "right", "unreadable", "ungraded"] = "wrong",
    place: Whole | None = None,
    expected: Code | None = None,
    read: Code | None = None,
    offset: Whole = 0,
) -> Response:
    """`place` with `expected`, `read` or both is one cell of the confusions, which then goes before `show`."""
    found = shown_answers.run_answers(session, run_id, show, shown_answers.cell_of(place, expected, read), offset)
    return page(request, "evaluations/answers.html", a=found, simulated=found.task_model.simulated)


@router.get("/evaluations/{run_id}/stop")
def ask_to_stop(request: Request, session: Reading, run_id: str) -> Response:
    return _run(request, session, run_id, "evaluations/stop.html")


@router.post("/evaluations/{run_id}/pause")
def pause(request: Request, session: Writing, later: BackgroundTasks, run_id: str) -> Response:
    return _ask(request, session, later, run_id, "pause")


@router.post("/evaluations/{run_id}/resume")
def resume(request: Request, session: Writing, later: BackgroundTasks, run_id: str) -> Response:
    return _ask(request, session, later, run_id, "resume")


@router.post("/evaluations/{run_id}/stop")
def stop(request: Request, session: Writing, later: BackgroundTasks, run_id: str) -> Response:
    return _ask(request, session, later, run_id, "stop")


@router.get("/evaluations/{run_id}/caps")
def show_caps(request: Request, session: Reading, run_id: str) -> Response:
    order = run_offers.again(session, run_id)
    return _caps(request, session, run_id, TypedCaps(**_typed_caps(order.max_calls, order.max_tokens, order.max_cost)))


def _caps(
    request: Request, session: Session, run_id: str, typed: TypedCaps, problems: dict[str, str] | None = None
) -> Response:
    view = run_views.run_view(session, run_id)
    return page(
        request,
        "evaluations/caps.html",
        status=422 if problems else 200,
        run=view,
        simulated=view.task_model.simulated,
        typed=typed,
        problems=problems or {},
    )


@router.post("/evaluations/{run_id}/caps")
def change_caps(
    request: Request, session: Writing, later: BackgroundTasks, run_id: str, typed: Annotated[TypedCaps, Form()]
) -> Response:
    try:
        nudges = steering.set_caps(session, run_id, typed.caps())
    except Invalid as invalid:
        problems = {problem.where: problem.message for problem in invalid.problems}
        return _caps(request, session, run_id, typed, problems)
    poke_later(request, later, nudges)
    return RedirectResponse(f"/evaluations/{run_id}", 303)


def _ask(request: Request, session: Session, later: BackgroundTasks, run_id: str, wish: str) -> Response:
    poke_later(request, later, steering.ask(session, run_id, wish))
    return RedirectResponse(f"/evaluations/{run_id}", 303)
