"""The JSON twin of campaigns: start, watch, pause, resume, stop, and read the report."""

from typing import Any

from fastapi import APIRouter, BackgroundTasks, Request
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from app.errors import Conflict
from app.services import campaigns, capping, report_data, starting, watching
from app.services.capping import CapUse
from app.services.quoting import Quote
from app.services.starting import Chosen
from app.services.watching import CampaignView, RoundsPage
from app.settings import Settings
from app.storage import live, projects, starts
from app.storage.starts import StartPrompt
from app.web.api.caps import CapsGiven
from app.web.dependencies import Reading, Writing
from app.web.given import Given
from app.web.numbers import Whole, micro

router = APIRouter(tags=["campaigns"])


class CampaignChoice(Given):
    """What to start; whatever is left out is as the form would offer it."""

    project_id: str
    start_version_id: str | None = None
    task_endpoint_id: str | None = None
    generator_ids: list[str] | None = None
    max_calls: int | None = None
    max_rounds: int | None = Field(None, description="0 goes on until the calls are used up or it is stopped")
    max_tokens: int | None = None
    max_cost: float | None = Field(None, description="in money, such as 2.5")
    seed: int | None = None
    once: str = Field("", description="anything of your own: the same choice sent again with it starts nothing twice")

    def completed(self, session: Session, settings: Settings) -> Chosen:
        usual = starting.defaults(session, settings, self.project_id)
        given = self.model_dump(exclude={"project_id", "once"}, exclude_none=True)
        if "generator_ids" in given:
            given["generator_ids"] = tuple(dict.fromkeys(given["generator_ids"]))
        if "max_cost" in given:
            given["max_cost"] = micro(given["max_cost"], "max_cost")
        return Chosen(**{**vars(usual), **given})


class Offer(BaseModel):
    """What the form offers: the usual choice, what it may buy, and the prompts to start from."""

    usual: Chosen
    prompts: list[StartPrompt]


class Started(BaseModel):
    """A queued campaign, and what it may buy."""

    id: str
    number: int
    status: str
    quote: Quote


class Asked(BaseModel):
    """What was asked for takes effect after the calls under way."""

    id: str
    status: str
    asked: list[str]


@router.get("/projects/{project_id}/campaigns/new")
def offer(request: Request, session: Reading, project_id: str) -> Offer:
    projects.get(session, project_id)
    usual = starting.defaults(session, request.app.state.settings, project_id)
    return Offer(usual=usual, prompts=starts.start_prompts(session, project_id))


@router.post("/campaigns/quote")
def quote(request: Request, session: Reading, choice: CampaignChoice) -> Quote:
    """What this choice may buy; nothing is started."""
    projects.get(session, choice.project_id)
    settings = request.app.state.settings
    return starting.quote(session, settings, choice.project_id, choice.completed(session, settings))


@router.post("/campaigns", status_code=201)
def start(request: Request, session: Writing, later: BackgroundTasks, choice: CampaignChoice) -> Started:
    projects.get(session, choice.project_id)
    settings = request.app.state.settings
    chosen = choice.completed(session, settings)
    quote = starting.quote(session, settings, choice.project_id, chosen)
    once = choice.once and choice.model_dump_json()
    campaign, job_id = starting.begin(session, settings, choice.project_id, chosen, once)
    later.add_task(request.app.state.poke, job_id)
    return Started(id=campaign.id, number=campaign.number, status=campaign.status, quote=quote)


@router.get("/campaigns/{campaign_id}")
def show(request: Request, session: Reading, campaign_id: str) -> CampaignView:
    return watching.campaign_view(session, request.app.state.settings, campaign_id)


@router.get("/campaigns/{campaign_id}/rounds")
def rounds(request: Request, session: Reading, campaign_id: str, before: Whole | None = None) -> RoundsPage:
    """Rounds, newest first; go on with `before` = `older`."""
    return watching.rounds_page(session, campaign_id, before)


@router.get("/campaigns/{campaign_id}/report")
def report(session: Reading, campaign_id: str) -> dict[str, Any]:
    """The report that `agon improve --json` writes; there is none before the end."""
    campaign = live.campaign(session, campaign_id)
    if campaign.report is None:
        raise Conflict("This campaign is not finished, so it has no report yet.")
    return report_data.told(campaign)


@router.put("/campaigns/{campaign_id}/caps")
def change_caps(session: Writing, campaign_id: str, given: CapsGiven) -> list[CapUse]:
    """Other caps for a campaign that is not over; they count from its next round."""
    campaign = campaigns.change_caps(session, campaign_id, given.read())
    return capping.uses(session, [campaign.account_id])


@router.post("/campaigns/{campaign_id}/pause", status_code=202)
def pause(request: Request, session: Writing, later: BackgroundTasks, campaign_id: str) -> Asked:
    return _ask(request, session, later, campaign_id, "pause")


@router.post("/campaigns/{campaign_id}/resume", status_code=202)
def resume(request: Request, session: Writing, later: BackgroundTasks, campaign_id: str) -> Asked:
    return _ask(request, session, later, campaign_id, "resume")


@router.post("/campaigns/{campaign_id}/stop", status_code=202)
def stop(request: Request, session: Writing, later: BackgroundTasks, campaign_id: str) -> Asked:
    """Stopping ends the campaign for good; a leader on dev is then confirmed on the holdout."""
    return _ask(request, session, later, campaign_id, "stop")


def _ask(request: Request, session: Session, later: BackgroundTasks, campaign_id: str, kind: str) -> Asked:
    later.add_task(request.app.state.poke, campaigns.ask(session, campaign_id, kind))
    session.flush()
    status = live.campaign(session, campaign_id).status
    return Asked(id=campaign_id, status=status, asked=live.asked(session, campaign_id))
