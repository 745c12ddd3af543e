"""A campaign: start it, watch it live, pause, resume, stop."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Form, Request
from pydantic import BaseModel
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from app.domain.confirming import LOOKS
from app.domain.racing import looks
from app.errors import Conflict, Invalid
from app.services import campaigns, starting
from app.services.capping import Caps
from app.services.starting import Chosen
from app.services.watching import campaign_view
from app.storage import live as live_boards
from app.storage import openings, projects, starts, test_sets
from app.storage.base import new_id
from app.web.dependencies import Reading, Writing
from app.web.kinds import is_fragment
from app.web.numbers import Whole, read_count, read_money, typed_money
from app.web.rendering import page

router = APIRouter(include_in_schema=False)


class Typed(BaseModel):
    """The start form as it was filled in; `do` is the button that sent it, `once` tells a second click from a second form."""

    start: str = ""
    task_model: str = ""
    generators: list[str] = []
    calls: str = ""
    tokens: str = ""
    cost: str = ""
    rounds: str = ""
    seed: str = ""
    do: str = "start"
    once: str = ""

    def chosen(self) -> Chosen:
        """What was typed, with -1, which no field allows, for what is no whole number. Raises Invalid for other caps."""
        numbers = [_whole(text) for text in (self.calls, self.rounds, self.seed)]
        tokens, cost = read_count(self.tokens, "tokens"), read_money(self.cost, "cost")
        chosen = Chosen(self.start, self.task_model, tuple(dict.fromkeys(self.generators)), *numbers)
        return replace(chosen, max_tokens=tokens, max_cost=cost)


def _whole(text: str) -> int:
    try:
        return int(text.replace(",", "").replace(" ", "") or "-1")
    except ValueError:
        return -1


def _typed(chosen: Chosen) -> Typed:
    return Typed(
        start=chosen.start_version_id,
        task_model=chosen.task_endpoint_id,
        generators=list(chosen.generator_ids),
        calls=str(chosen.max_calls),
        rounds=str(chosen.max_rounds),
        tokens="" if chosen.max_tokens is None else str(chosen.max_tokens),
        cost=typed_money(chosen.max_cost),
        seed=str(chosen.seed),
        once=new_id(),
    )


def _form(request: Request, session: Session, project_id: str, typed: Typed, status: int = 200) -> Response:
    """The form with what was typed, what is wrong with it, or what it may buy."""
    quote, problems = None, {}
    try:
        quote = starting.quote(session, request.app.state.settings, project_id, typed.chosen())
    except Conflict:
        pass  # without a test set there is no form
    except Invalid as invalid:
        problems = {problem.where: problem.message for problem in invalid.problems}
    tasks, version = starting.task_models(session), test_sets.newest_version(session, project_id)
    task = next((endpoint for endpoint in tasks if endpoint.id == typed.task_model), None)
    template = "campaigns/_quote.html" if is_fragment(request) else "campaigns/new.html"
    return page(
        request,
        template,
        status=status,
        project=projects.get(session, project_id),
        test_set=version,
        looks=openings.looks(session, version) if version else [],
        most_looks=LOOKS,
        prompts=starts.start_prompts(session, project_id),
        task_models=tasks,
        generators=starting.generators(session),
        typed=typed,
        quote=quote,
        task=task,
        problems=problems if status == 422 or typed.do == "quote" else {},
    )


@router.get("/projects/{project_id}/campaigns/new")
def choose(request: Request, session: Reading, project_id: str) -> Response:
    projects.get(session, project_id)
    chosen = starting.defaults(session, request.app.state.settings, project_id)
    return _form(request, session, project_id, _typed(chosen))


@router.post("/projects/{project_id}/campaigns/new")
def start(
    request: Request, session: Writing, later: BackgroundTasks, project_id: str, typed: Annotated[Typed, Form()]
) -> Response:
    if typed.do == "quote":
        return _form(request, session, project_id, typed)
    try:
        chosen, once = typed.chosen(), typed.once and typed.model_dump_json()
        campaign, job_id = starting.begin(session, request.app.state.settings, project_id, chosen, once)
    except Invalid:
        return _form(request, session, project_id, typed, status=422)
    later.add_task(request.app.state.poke, job_id)
    return RedirectResponse(f"/campaigns/{campaign.id}", 303)


def _campaign(request: Request, session: Session, campaign_id: str, before: int | None, template: str) -> Response:
    view = campaign_view(session, request.app.state.settings, campaign_id, before)
    return page(request, template, campaign=view, simulated=view.simulated, before=before, looks=looks)


@router.get("/campaigns/{campaign_id}")
def show(request: Request, session: Reading, campaign_id: str, before: Whole | None = None) -> Response:
    return _campaign(request, session, campaign_id, before, "campaigns/show.html")


@router.get("/campaigns/{campaign_id}/live")
def live(request: Request, session: Reading, campaign_id: str, before: Whole | None = None) -> Response:
    """The part of the page that changes."""
    return _campaign(request, session, campaign_id, before, "campaigns/_live.html")


class TypedCaps(BaseModel):
    """Caps as they were typed; empty is none."""

    calls: str = ""
    tokens: str = ""
    cost: str = ""

    def read(self) -> Caps:
        """Raises Invalid naming the field."""
        counts = read_count(self.calls, "calls"), read_count(self.tokens, "tokens")
        return Caps(*counts, read_money(self.cost, "cost"))


def _caps_form(
    request: Request, session: Session, campaign_id: str, typed: TypedCaps, problems: dict[str, str]
) -> Response:
    view = campaign_view(session, request.app.state.settings, campaign_id)
    status = 422 if problems else 200
    return page(request, "campaigns/caps.html", status=status, campaign=view, typed=typed, problems=problems)


@router.get("/campaigns/{campaign_id}/caps")
def show_caps(request: Request, session: Reading, campaign_id: str) -> Response:
    account = live_boards.campaign(session, campaign_id).account
    counts = {
        kind: "" if (cap := getattr(account, f"cap_{kind}")) is None else str(cap) for kind in ("calls", "tokens")
    }
    return _caps_form(request, session, campaign_id, TypedCaps(**counts, cost=typed_money(account.cap_cost)), {})


@router.post("/campaigns/{campaign_id}/caps")
def change_caps(request: Request, session: Writing, campaign_id: str, typed: Annotated[TypedCaps, Form()]) -> Response:
    try:
        campaigns.change_caps(session, campaign_id, typed.read())
    except Invalid as invalid:
        problems = {problem.where: problem.message for problem in invalid.problems}
        return _caps_form(request, session, campaign_id, typed, problems)
    return RedirectResponse(f"/campaigns/{campaign_id}", 303)


@router.get("/campaigns/{campaign_id}/stop")
def ask_to_stop(request: Request, session: Reading, campaign_id: str) -> Response:
    view = campaign_view(session, request.app.state.settings, campaign_id)
    return page(request, "campaigns/stop.html", campaign=view, simulated=view.simulated)


@router.post("/campaigns/{campaign_id}/pause")
def pause(request: Request, session: Writing, later: BackgroundTasks, campaign_id: str) -> Response:
    return _ask(request, session, later, campaign_id, "pause")


@router.post("/campaigns/{campaign_id}/resume")
def resume(request: Request, session: Writing, later: BackgroundTasks, campaign_id: str) -> Response:
    return _ask(request, session, later, campaign_id, "resume")


@router.post("/campaigns/{campaign_id}/stop")
def stop(request: Request, session: Writing, later: BackgroundTasks, campaign_id: str) -> Response:
    return _ask(request, session, later, campaign_id, "stop")


def _ask(request: Request, session: Session, later: BackgroundTasks, campaign_id: str, kind: str) -> Response:
    later.add_task(request.app.state.poke, campaigns.ask(session, campaign_id, kind))
    return RedirectResponse(f"/campaigns/{campaign_id}", 303)
