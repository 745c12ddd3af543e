"""A campaign as it stands now: what it is doing, what it has spent, who leads, and how it ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.domain.improving.state import Rules
from app.domain.metrics import Estimate
from app.services import capping, pacing, veiling
from app.services.capping import CapUse
from app.services.pacing import Budget, Progress
from app.services.results import Result, result_of
from app.services.scoring import settings_hash, task_sampling
from app.services.veiling import Names, RoundView
from app.settings import Settings
from app.storage import endpoints, live, openings, projects, test_sets
from app.storage.campaigns import Campaign
from app.storage.live import Pooled, Turn

ROUNDS_SHOWN = 20


@dataclass(frozen=True)
class PoolMember:
    """One stay in the pool; `generator` is None for the start prompt, `why` says what pushed it out."""

    version_id: str
    version: int
    generator: str | None
    entered_round: int
    left_round: int | None
    why: str
    score: Estimate
    leads: bool


@dataclass(frozen=True)
class LeaderChange:
    """A version that came to lead on dev when `calls` calls were spent; round 0 is the start prompt."""

    calls: int
    round: int
    version_id: str
    version: int
    score: Estimate


@dataclass(frozen=True)
class Attempt:
    """A candidate's score on the `n` dev examples that it answered."""

    calls: int
    round: int
    value: float
    n: int
    entered: bool


@dataclass(frozen=True)
class CampaignView:
    """Everything that the page of a campaign shows; `battle` is the round under way, or the last one until it starts.

    `holdout_spent`: others opened it as often as may be, so that this campaign ends without a verdict.
    """

    id: str
    project_id: str
    project: str
    number: int
    status: str
    stopped_because: str | None
    note: str
    asked: list[str]
    worker_missing: bool
    goal: str
    smallest_gain: float
    task_model: str
    simulated: bool
    generators: int
    splits: dict[str, int]
    holdout_spent: bool
    seed: int
    max_rounds: int
    patience: int
    settled_rounds: int
    start_version_id: str
    start_version: int
    best_version_id: str
    best_version: int
    seconds: float
    started_at: datetime | None
    finished_at: datetime | None
    progress: Progress
    budget: Budget
    caps: list[CapUse]
    battle: RoundView | None
    leaders: list[LeaderChange]
    attempts: list[Attempt]
    pool: list[PoolMember]
    rounds: list[RoundView]
    older_rounds: int | None
    result: Result | None


@dataclass(frozen=True)
class RoundsPage:
    """Rounds, newest first; `older` is what to ask for as `before` next, None at the end."""

    rounds: list[RoundView]
    older: int | None


def campaign_view(session: Session, settings: Settings, campaign_id: str, before: int | None = None) -> CampaignView:
    """Raises NotFound. `before` is the page of rounds: those older than that number."""
    campaign = live.campaign(session, campaign_id)
    names = {endpoint.id: endpoint for endpoint in endpoints.listed(session)}
    version = test_sets.get_version(session, campaign.version_id)
    splits, spent = version.splits, openings.is_spent(session, version, campaign_id)
    sealed = 0 if spent else splits["holdout"]
    under_way, settled = live.latest_turns(session, campaign_id)
    opened_after = live.calls_after_opening(session, campaign_id)
    numbers = live.version_numbers(session, (campaign.start_version_id, campaign.best_version_id))
    best = campaign.best_version_id or campaign.start_version_id
    battle = _battle(session, campaign, under_way, settled, names)
    page = _rounds(session, campaign, names, before, battle)
    pool = live.pool(session, campaign_id)
    task = names[campaign.task_endpoint_id]
    return CampaignView(
        id=campaign.id,
        project_id=campaign.project_id,
        project=projects.get(session, campaign.project_id).name,
        number=campaign.number,
        status=campaign.status,
        stopped_because=campaign.stopped_because,
        note=campaign.note,
        asked=live.asked(session, campaign_id),
        worker_missing=pacing.worker_missing(session, campaign),
        goal=campaign.rules["goal"],
        smallest_gain=campaign.rules["smallest_gain"],
        task_model=task.full_name,
        simulated=task.simulated,
        generators=len(campaign.generators),
        splits=dict(splits),
        holdout_spent=spent,
        seed=campaign.seed,
        max_rounds=campaign.max_rounds,
        patience=campaign.rules["patience"],
        settled_rounds=campaign.settled_rounds,
        start_version_id=campaign.start_version_id,
        start_version=numbers[campaign.start_version_id],
        best_version_id=best,
        best_version=numbers[best],
        seconds=campaign.seconds,
        started_at=campaign.started_at,
        finished_at=campaign.finished_at,
        progress=pacing.progress(session, settings, campaign, under_way, opened_after, sealed),
        budget=pacing.budget(settings, campaign, sealed),
        caps=_caps(session, campaign),
        battle=battle,
        leaders=_leaders(session, campaign, pool, opened_after or 0),
        attempts=[Attempt(row[1], row[0], row[2] or 0.0, row[3], row[4]) for row in live.tries(session, campaign_id)],
        pool=[_member(found, names, best) for found in pool],
        rounds=page.rounds,
        older_rounds=page.older,
        result=result_of(session, campaign, names) if campaign.status == "finished" else None,
    )


def _caps(session: Session, campaign: Campaign) -> list[CapUse]:
    """Its own caps, and until it is over those that it shares."""
    over = campaign.status == "finished"
    return capping.uses(session, [campaign.account_id, *([] if over else capping.shared(campaign.project_id))])


def rounds_page(session: Session, campaign_id: str, before: int | None) -> RoundsPage:
    """Raises NotFound."""
    names = {endpoint.id: endpoint for endpoint in endpoints.listed(session)}
    return _rounds(session, live.campaign(session, campaign_id), names, before, None)


def _rounds(
    session: Session, campaign: Campaign, names: Names, before: int | None, known: RoundView | None
) -> RoundsPage:
    """A page of rounds; one that is `known` already is not read again."""
    found = live.turns(session, campaign.id, before, ROUNDS_SHOWN + 1)
    views = [
        known if known and known.number == turn.round.number else round_view(session, campaign, turn, names)
        for turn in found[:ROUNDS_SHOWN]
    ]
    return RoundsPage(views, views[-1].number if len(found) > ROUNDS_SHOWN else None)


def round_view(session: Session, campaign: Campaign, turn: Turn, names: Names) -> RoundView:
    """A round; an undecided one with what its race says so far."""
    view = veiling.seen(turn, names)
    if view.settled or (view.left.version_id is None and view.right.version_id is None):
        return view
    versions = [corner.version_id for corner in (view.left, view.right) if corner.version_id]
    sampling = task_sampling(Rules(**campaign.rules).task_max_tokens)
    found = live.evaluations(session, campaign, versions, settings_hash(sampling))
    return veiling.raced(session, campaign, view, found)


def _battle(
    session: Session,
    campaign: Campaign,
    under_way: Turn | None,
    settled: Turn | None,
    names: Names,
) -> RoundView | None:
    """The round under way once there is something to see of it; until then the last one, with its names."""
    shown = settled if settled and (under_way is None or not under_way.proposals) else under_way
    return round_view(session, campaign, shown, names) if shown else None


def _leaders(session: Session, campaign: Campaign, pool: Sequence[Pooled], opened_after: int) -> list[LeaderChange]:
    leaders = []
    for found in pool:
        if found.entry.entered_round == 0:
            score = _score(found)
            leaders.append(LeaderChange(opened_after, 0, found.entry.prompt_version_id, found.number, score))
    for calls, proposal in live.title_changes(session, campaign.id):
        row = proposal.candidate
        score = Estimate(row.value or 0.0, row.low or 0.0, row.high or 0.0, row.n)
        leaders.append(LeaderChange(calls, row.round, row.prompt_version_id or "", proposal.number or 0, score))
    return leaders


def _member(found: Pooled, names: Names, best: str) -> PoolMember:
    entry = found.entry
    return PoolMember(
        version_id=entry.prompt_version_id,
        version=found.number,
        generator=names[found.endpoint_id].full_name if found.endpoint_id else None,
        entered_round=entry.entered_round,
        left_round=entry.left_round,
        why=entry.why,
        score=_score(found),
        leads=entry.prompt_version_id == best,
    )


def _score(found: Pooled) -> Estimate:
    return Estimate(found.entry.value, found.entry.low, found.entry.high, found.entry.n)
