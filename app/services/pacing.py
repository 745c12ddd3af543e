"""How far a campaign is: what it is doing, what it has spent, and how long it may go on."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.services.concluding import holdout_reserve
from app.settings import Settings
from app.storage import confirmations, heartbeats, live
from app.storage.base import now
from app.storage.campaigns import Campaign
from app.storage.confirmations import Answered
from app.storage.live import Pace, Turn

FEWEST_ANSWERS = 10  # that tell a pace


@dataclass(frozen=True)
class Budget:
    """Calls, but for `tokens` and `cost`, which is in millionths of money and None when a price is unknown."""

    cap: int
    spent: int
    reserved: int
    kept_for_holdout: int
    tokens: int
    cost: int | None


@dataclass(frozen=True)
class Progress:
    """`phase`: queued, opening, reflecting, proposing, racing, between, confirming, paused or finished.

    `share` is of the calls or the rounds, whichever is further, and once they have ended of the holdout's answers;
    `seconds_left` is at most that long at this pace, the holdout included.
    """

    phase: str
    share: float
    seconds_left: float | None


def worker_missing(session: Session, campaign: Campaign) -> bool:
    """Whether a campaign waits for a worker and none has been seen for a while."""
    if campaign.status not in ("queued", "running"):
        return False
    return not heartbeats.anybody_alive(session)


def budget(settings: Settings, campaign: Campaign, holdout: int) -> Budget:
    kept = 0 if campaign.status == "finished" else _kept(settings, campaign, holdout)
    spent, reserved = campaign.calls_spent, campaign.calls_reserved
    return Budget(campaign.max_calls, spent, reserved, kept, campaign.tokens, campaign.cost)


def _kept(settings: Settings, campaign: Campaign, holdout: int) -> int:
    """Calls that only the holdout may use, less what of them is spent already."""
    reserve = holdout_reserve(holdout, settings.retry_reserve, _calls_each(campaign))
    return max(0, min(reserve, campaign.max_calls - campaign.calls_spent - campaign.calls_reserved))


def _calls_each(campaign: Campaign) -> int:
    """Those of one answer with its grade."""
    return int(campaign.rules.get("calls_each", 1))


def progress(
    session: Session, settings: Settings, campaign: Campaign, under_way: Turn | None, opened: int | None, holdout: int
) -> Progress:
    phase = _phase(session, campaign, under_way, opened)
    if phase == "finished":
        return Progress(phase, 1.0, None)
    pace = live.pace(session, campaign.id)
    if campaign.stopped_because is not None:
        return _confirming(session, campaign, phase, pace, holdout)
    free = max(1, campaign.max_calls - holdout_reserve(holdout, settings.retry_reserve, _calls_each(campaign)))
    shares = [campaign.calls_spent / free]
    if campaign.max_rounds:
        shares.append(campaign.settled_rounds / campaign.max_rounds)
    left = None
    if phase in ("reflecting", "proposing", "racing", "between"):
        rounds_left = campaign.max_rounds - campaign.settled_rounds if campaign.max_rounds else None
        elapsed = (now() - under_way.round.started_at).total_seconds() if under_way else 0.0
        left = seconds_left(pace, rounds_left, free - campaign.calls_spent, elapsed, 2 * holdout)
    return Progress(phase, min(1.0, max(shares)), left)


def _confirming(session: Session, campaign: Campaign, phase: str, pace: Pace, holdout: int) -> Progress:
    """How far both prompts have answered the holdout; no time while paused, or when there is nothing to confirm."""
    best = campaign.best_version_id or campaign.start_version_id
    if best == campaign.start_version_id or not holdout:
        return Progress(phase, 1.0, None)
    found = confirmations.answered(session, campaign, {campaign.start_version_id, best})
    wanted = 2 * holdout
    left = None if phase == "paused" else confirming_left(found, pace, wanted)
    return Progress(phase, min(1.0, found.there / wanted), left)


def confirming_left(found: Answered, pace: Pace, wanted: int) -> float | None:
    """Seconds for the answers that are missing, at the pace of those that came, else of the rounds; None if unknown."""
    missing = max(0, wanted - found.there)
    spent = (now() - found.since).total_seconds() if found.since else 0.0
    if found.bought >= FEWEST_ANSWERS and spent > 0:
        return missing * spent / found.bought
    return missing * pace.seconds / pace.calls if pace.calls else None


def _phase(session: Session, campaign: Campaign, under_way: Turn | None, opened: int | None) -> str:
    if campaign.status != "running":
        return campaign.status
    if campaign.stopped_because is not None:
        return "confirming"
    if opened is None:
        return "opening"
    if under_way is None:
        return "between"
    if under_way.proposals:
        return "racing"
    asked = live.proposals_asked(session, campaign.id, under_way.round.number)
    return "proposing" if asked else "reflecting"


def seconds_left(
    pace: Pace, rounds_left: int | None, calls_left: int, elapsed: float, confirming: int = 0
) -> float | None:
    """At most how long the rounds and the holdout go on, at the pace of the latest rounds; None when nothing tells.

    `rounds_left` is None without a limit; `elapsed` are the seconds of the round under way, a pause included;
    `confirming` are the calls of the holdout, whose time is unknown while rounds cost no call.
    """
    if pace.rounds == 0 or (confirming and not pace.calls):
        return None
    a_round = pace.seconds / pace.rounds
    limits = [] if rounds_left is None else [float(rounds_left)]
    if pace.calls > 0:
        limits.append(max(0, calls_left) * pace.rounds / pace.calls)
    if not limits:
        return None
    rounds = max(0.0, min(limits) * a_round - min(elapsed, a_round))
    return rounds + (confirming * pace.seconds / pace.calls if confirming else 0.0)
