"""Ends a campaign: opens the holdout if a candidate led on dev and it is not spent, reads the verdict, writes the report."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from app.domain.comparing import compare, verdict
from app.domain.improving.asks import Scored
from app.domain.improving.state import Rules, State, load
from app.domain.metrics import Estimate
from app.errors import BudgetExhausted
from app.services import frozen_reports, gathering, reporting
from app.services.gathering import Looked
from app.services.reporting import Confirmation
from app.services.scoring import Scorer
from app.storage import campaigns, champions, jobs, openings, prompts, test_sets
from app.storage.base import now
from app.storage.campaigns import Campaign, HoldoutOpening
from app.storage.jobs import Lease
from app.storage.openings import HoldoutSpent
from app.storage.session import Database

HOLDOUT_ROUND = -1
SECONDS_PER_EXAMPLE = 0.01  # more than comparing takes, so that nobody takes the job over meanwhile
GATHERING_SECONDS = 300.0  # the same for all candidates' dev answers together


def holdout_reserve(holdout_size: int, share_for_retries: float, calls_each: int = 1) -> int:
    """Calls kept back for both holdout evaluations, `calls_each` an answer with its grade, and some for retries."""
    return math.ceil(2 * holdout_size * calls_each * (1 + share_for_retries))


def conclude(
    database: Database,
    lease: Lease,
    scorer: Scorer,
    campaign_id: str,
    rules: Rules,
    count_time: Callable[[], None],
    alarm_above: float,
) -> None:
    """Finish the campaign. Raises what scoring raises; then everything bought is kept and it is tried again.

    A larger share of unreadable replies than `alarm_above` is an alarm in the report.
    """
    with database.read() as session:
        campaign = campaigns.get(session, campaign_id)
        state = load(campaign.state) if campaign.state else None
        holdout_size = test_sets.get_version(session, campaign.version_id).splits["holdout"]
    confirmation = _confirm(database, lease, scorer, campaign_id, rules, state, holdout_size)
    confirmation = _with_evidence(database, lease, campaign, rules, state, confirmation, alarm_above)
    count_time()
    with database.write() as session:
        jobs.renew(session, lease)
        campaign = campaigns.get(session, campaign_id)
        campaign.verdict = confirmation.verdict
        campaign.report = reporting.build(session, campaign, state, confirmation)
        campaign.status, campaign.finished_at = "finished", now()
        _crown(session, campaign)


def _crown(session: Session, campaign: Campaign) -> None:
    """The project's champion for this task model: the one proved better, else what was there, else the start."""
    report = campaign.report or {}
    better = campaign.verdict == "better"
    if not better and champions.of(session, campaign.project_id, campaign.task_endpoint_id) is not None:
        return
    side = report["best" if better else "start"]
    split = "holdout" if side["holdout"] else "dev"
    score = side[split]
    if score is not None:
        version_id = campaign.best_version_id if better else campaign.start_version_id
        champions.crown(session, campaign, version_id or campaign.start_version_id, split, Estimate(**score))


def _confirm(
    database: Database,
    lease: Lease,
    scorer: Scorer,
    campaign_id: str,
    rules: Rules,
    state: State | None,
    holdout_size: int,
) -> Confirmation:
    if state is None or state.champion == state.start:
        return Confirmation("start kept")
    if holdout_size == 0:
        return Confirmation("not enough evidence")
    try:
        opening = _open(database, lease, campaign_id)
    except HoldoutSpent as spent:
        return Confirmation("not enough evidence", spent=str(spent))
    start, best = _score(database, scorer, campaign_id, state, opening)
    looked = Looked(opening.number, start, best)
    if start.n == 0:
        return Confirmation("not enough evidence", looked=looked)
    with database.write() as session:
        jobs.renew(session, replace(lease, seconds=max(lease.seconds, start.n * SECONDS_PER_EXAMPLE)))
    both = start.amounts, best.amounts
    shape, units = rules.answer_shape, start.units
    gain = compare(
        rules.leading, start.expected, start.answered, best.answered, shape, seed=0, amounts=both, units=units
    )
    found = verdict(gain, rules.smallest_gain)
    return Confirmation(found, looked, rules.measure(start), rules.measure(best), gain)


def _with_evidence(
    database: Database,
    lease: Lease,
    campaign: Campaign,
    rules: Rules,
    state: State | None,
    confirmation: Confirmation,
    alarm_above: float,
) -> Confirmation:
    """What else the report says, reckoned in no transaction that others wait for."""
    if state is None:
        return confirmation
    with database.write() as session:
        jobs.renew(session, replace(lease, seconds=max(lease.seconds, GATHERING_SECONDS)))
    leader = state.champion
    scores = Estimate(leader.value, leader.low, leader.high, leader.n), confirmation.best
    with database.read() as session:
        found = gathering.of_campaign(session, campaign, rules, confirmation.looked, scores, alarm_above)
        thresholds = _thresholds(session, campaign)
    return replace(confirmation, evidence=replace(found, spent=confirmation.spent), thresholds=thresholds)


def _thresholds(session: Session, campaign: Campaign) -> list[dict[str, Any]]:
    """What the frozen thresholds of both prompts did on the holdout, if this campaign opened it."""
    opening = openings.of_campaign(session, campaign.id)
    if opening is None:
        return []
    best = campaign.best_version_id or campaign.start_version_id
    both: dict[frozen_reports.Side, str] = {"start": campaign.start_version_id, "best": best}
    return frozen_reports.of_opening(session, opening, campaign.task_endpoint_id, both)


def _open(database: Database, lease: Lease, campaign_id: str) -> HoldoutOpening:
    """This campaign's opening of its holdout. Raises HoldoutSpent."""
    with database.write() as session:
        jobs.renew(session, lease)
        campaign = campaigns.get(session, campaign_id)
        return openings.open_for_campaign(session, campaign, reason=f"end of campaign {campaign.number}")


def _score(
    database: Database, scorer: Scorer, campaign_id: str, state: State, opening: HoldoutOpening
) -> tuple[Scored, ...]:
    """Both prompts on the holdout; only on what both answered when the cap cut it short."""
    with database.read() as session:
        campaign = campaigns.get(session, campaign_id)
        examples = test_sets.sealed_examples(session, campaign.version_id, opening.id)
        first, texts = prompts.get(session, campaign.start_version_id), (state.start.text, state.champion.text)
        found = [prompts.with_text(session, first.prompt_id, text, first.format) for text in texts]
    versions = [version for version in found if version is not None]
    try:
        return scorer.score(versions, examples, "holdout", HOLDOUT_ROUND)
    except BudgetExhausted:
        return scorer.common_prefix(versions, examples, "holdout", HOLDOUT_ROUND)
