"""Writes a round down: its beginning, its result, and what people asked for in between."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.domain.budgets import UNITS
from app.domain.improving.arena import BattleResult, Contender, RoundResult
from app.domain.improving.asks import Refusal
from app.domain.improving.state import Member, State
from app.storage import campaigns, prompts, rounds
from app.storage.base import now
from app.storage.campaigns import Campaign
from app.storage.prompts import PromptVersion
from app.storage.rounds import Battle, Candidate, PoolEntry, Round, UsedAnswer


def obey(campaign: Campaign, wish: str) -> None:
    """Apply one thing that a person asked for; what is finished stays as it is."""
    if campaign.status == "finished":
        return
    if wish == "pause":
        campaign.status, campaign.note = "paused", ""
    elif wish == "resume":
        campaign.status = "running"
    elif wish == "stop":
        campaign.status = "running"
        campaign.stopped_because = campaign.stopped_because or "stopped by a person"


def _version_of(session: Session, campaign: Campaign, text: str) -> PromptVersion:
    start = prompts.get(session, campaign.start_version_id)
    version = prompts.with_text(session, start.prompt_id, text, start.format)
    assert version is not None, "every prompt in a state was proposed or was the start"
    return version


def _add_to_pool(session: Session, campaign: Campaign, member: Member) -> None:
    session.add(
        PoolEntry(
            campaign_id=campaign.id,
            prompt_version_id=_version_of(session, campaign, member.text).id,
            entered_round=member.round,
            value=member.value,
            low=member.low,
            high=member.high,
            n=member.n,
        )
    )


def _answers_used(session: Session, campaign_id: str, number: int) -> int:
    query = select(func.count()).where(UsedAnswer.campaign_id == campaign_id, UsedAnswer.round == number)
    return session.scalar(query) or 0


def settle_opening(session: Session, campaign_id: str, state: State) -> None:
    campaign = campaigns.get(session, campaign_id)
    campaign.state = state.dump()
    _add_to_pool(session, campaign, state.start)
    session.add(
        Round(
            campaign_id=campaign_id,
            number=0,
            inputs={},
            settled=True,
            champion_version_id=campaign.start_version_id,
            answers=_answers_used(session, campaign_id, 0),
            calls_after=campaign.calls_spent,
            settled_at=now(),
        )
    )


def begin_round(
    session: Session, campaign_id: str, number: int, state: State, seated: dict[str, str], engine: int
) -> None:
    campaign = campaigns.get(session, campaign_id)
    pool = [member.fingerprint for member in state.pool]
    session.add(
        Round(
            campaign_id=campaign_id,
            number=number,
            inputs={**seated, "engine": engine, "seed": campaign.seed, "pool": pool},
            champion_version_id=_version_of(session, campaign, state.champion.text).id,
            calls_before=campaign.calls_spent,
        )
    )


def settle_round(
    session: Session, campaign_id: str, result: RoundResult, seated: dict[str, str], end: str | None
) -> None:
    """One transaction: candidates, battle, pool, snapshot, and the reason to end here if there is one."""
    campaign, number = campaigns.get(session, campaign_id), result.state.round
    for contender in result.contenders:
        _settle_candidate(session, campaign_id, number, contender, seated)
    session.add(_battle(campaign_id, number, result.battle, seated, played=not _cut_short(result)))
    _move_pool(session, campaign, result)
    turn = session.get_one(Round, (campaign_id, number))
    turn.settled, turn.settled_at, turn.champion_changed = True, now(), result.champion_changed
    turn.answers, turn.calls_after = _answers_used(session, campaign_id, number), campaign.calls_spent
    turn.state = result.state.dump()
    if result.exhausted:
        turn.note = f"Cut short: the cap on {end if end in UNITS.values() else 'calls'} was reached."
    campaign.state, campaign.settled_rounds, campaign.stopped_because = turn.state, number, end
    campaign.best_version_id = _version_of(session, campaign, result.state.champion.text).id


def _cut_short(result: RoundResult) -> bool:
    return result.exhausted and result.battle.n == 0 and not result.battle.walkover


def _settle_candidate(
    session: Session, campaign_id: str, number: int, contender: Contender, seated: dict[str, str]
) -> None:
    if contender.draft is None:
        return
    candidate = session.get_one(Candidate, (campaign_id, number, contender.seat))
    assert candidate.endpoint_id == seated[contender.seat], "a seat keeps its generator through a round"
    candidate.entered, candidate.dropped_at = contender.entered, contender.dropped_at
    if contender.estimate is not None and not isinstance(contender.draft, Refusal):
        estimate = contender.estimate
        candidate.value, candidate.low, candidate.high = estimate.value, estimate.low, estimate.high
        candidate.n, candidate.right = estimate.n, sum(contender.scored.right)
        candidate.unreadable = contender.scored.answered.count(-1)


def _battle(campaign_id: str, number: int, battle: BattleResult, seated: dict[str, str], *, played: bool) -> Battle:
    difference = battle.difference
    return Battle(
        campaign_id=campaign_id,
        round=number,
        left_endpoint_id=seated["left"],
        right_endpoint_id=seated["right"],
        outcome=battle.outcome,
        rated=played and battle.outcome != "none" and seated["left"] != seated["right"],
        walkover=battle.walkover,
        decisive=battle.decisive,
        n=battle.n,
        left_value=battle.left and battle.left.value,
        right_value=battle.right and battle.right.value,
        difference=difference and difference.value,
        low=difference and difference.low,
        high=difference and difference.high,
        evidence=battle.evidence,
        only_left=battle.only_left,
        only_right=battle.only_right,
        both_right=battle.both_right,
        both_wrong=battle.both_wrong,
    )


def _move_pool(session: Session, campaign: Campaign, result: RoundResult) -> None:
    number = result.state.round
    came = {contender.seat for contender in result.contenders if contender.entered}
    for contender in result.contenders:
        if contender.seat in came and isinstance(contender.draft, str) and contender.estimate is not None:
            estimate = contender.estimate
            member = Member(contender.draft, estimate.value, estimate.low, estimate.high, estimate.n, number)
            _add_to_pool(session, campaign, member)
    session.flush()
    gone = {departure.fingerprint: departure.why for departure in result.departures}
    for entry, version in rounds.pool(session, campaign.id):
        if version.fingerprint in gone and entry.left_round is None:
            entry.left_round, entry.why = number, gone[version.fingerprint]
