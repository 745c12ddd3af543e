"""The report of a campaign, for people and programs: what was tried, what was found, what it cost."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from app.domain.comparing import Difference
from app.domain.confirming import Evidence
from app.domain.improving.state import Member, Rules, State
from app.domain.metrics import Estimate, majority_baseline
from app.domain.ratings import rate_counts
from app.domain.shapes import OPEN
from app.services.gathering import Looked
from app.storage import endpoints, grades, projects, prompts, rounds, test_sets
from app.storage.campaigns import Campaign


@dataclass(frozen=True)
class Confirmation:
    """What the holdout said, if it was opened; `gain` is best minus start.

    `spent` says why it was not, where it had been opened as often as may be.
    """

    verdict: str
    looked: Looked | None = None
    start: Estimate | None = None
    best: Estimate | None = None
    gain: Difference | None = None
    spent: str = ""
    evidence: Evidence | None = None
    thresholds: list[dict[str, Any]] = field(default_factory=list)


def build(session: Session, campaign: Campaign, state: State | None, confirmation: Confirmation) -> dict[str, Any]:
    """The report as plain data; calls, tokens, cost and seconds are those of this run, the rest repeats."""
    project = projects.get(session, campaign.project_id)
    version = test_sets.get_version(session, campaign.version_id)
    names = {endpoint.id: endpoint.full_name for endpoint in endpoints.listed(session)}
    start = prompts.get(session, campaign.start_version_id)
    used = rounds.used_by_role(session, campaign.id)
    task, generator = used.get("task", 0) + used.get("holdout", 0), used.get("generator", 0)
    better = confirmation.verdict == "better"
    return {
        "project": project.name,
        "goal": campaign.rules["goal"],
        "smallest_gain": campaign.rules["smallest_gain"],
        "task_model": names[campaign.task_endpoint_id],
        "splits": {split: version.splits[split] for split in ("train", "dev", "holdout")},
        "majority_baseline": _majority(session, campaign),
        "start": _side(start.text, state.start if state else None, confirmation.start),
        "best": _best(session, campaign, state, confirmation, names),
        "kept": "best" if better else "start",
        "gain_on_holdout": _gain(confirmation.gain),
        "verdict": confirmation.verdict,
        "holdout_opened": int(confirmation.looked is not None),
        "evidence": asdict(confirmation.evidence) if confirmation.evidence else None,
        "thresholds": confirmation.thresholds,
        "answers": {
            "task": task,
            "generator": generator,
            "total": task + generator,
            "grades": grades.used(session, campaign),
        },
        "calls_paid": campaign.calls_spent,
        "tokens": campaign.tokens,
        "cost": None if campaign.cost is None else campaign.cost / 1_000_000,
        "seconds": round(campaign.seconds, 1),
        "stopped_because": campaign.stopped_because,
        "generators": _generators(session, names, campaign),
        "rounds": [_round(turn, battle, names, entered) for turn, battle, entered in _rounds(session, campaign.id)],
    }


def _majority(session: Session, campaign: Campaign) -> float | None:
    """The dev score of always giving the commonest answer; None where answers are numbers or texts."""
    counts = test_sets.split_labels(session, campaign.version_id).get("dev", {})
    expected = [label for label, count in sorted(counts.items()) for _ in range(count)]
    rules = Rules(**campaign.rules)
    if rules.answer_shape.kind in OPEN:
        return None
    return majority_baseline(rules.leading, expected, rules.answer_shape)


def _estimate(estimate: Estimate | Member | None) -> dict[str, Any] | None:
    if estimate is None:
        return None
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high, "n": estimate.n}


def _side(text: str, dev: Member | None, holdout: Estimate | None) -> dict[str, Any]:
    return {"prompt": text, "dev": _estimate(dev), "holdout": _estimate(holdout)}


def _best(
    session: Session, campaign: Campaign, state: State | None, confirmation: Confirmation, names: dict[str, str]
) -> dict[str, Any]:
    """The dev leader; the start prompt has no generator and round 0."""
    if state is None:
        start = prompts.get(session, campaign.start_version_id)
        return {**_side(start.text, None, None), "generator": None, "round": 0}
    leader = state.champion
    who = None
    if leader.round:
        turn = rounds.get_round(session, campaign.id, leader.round)
        who = names[turn.inputs[leader.seat]] if turn else None
    return {**_side(leader.text, leader, confirmation.best), "generator": who, "round": leader.round}


def _gain(gain: Difference | None) -> dict[str, Any] | None:
    return None if gain is None else {"value": gain.value, "low": gain.low, "high": gain.high, "p": gain.p}


def _generators(session: Session, names: dict[str, str], campaign: Campaign) -> list[dict[str, Any]]:
    """Every generator's record and rating in this campaign."""
    counted = rounds.rated_battles(session, campaign.id)
    battles = {(names[left], names[right], outcome): count for left, right, outcome, count in counted}
    rated = {rating.name: rating for rating in rate_counts(battles)}
    refused = rounds.refusals(session, campaign.id)
    rows = [_generator_row(names[seat], rated, refused.get(seat, 0)) for seat in campaign.generators]
    return sorted(rows, key=lambda row: (-(row["rating"] or 0), row["name"]))


def _generator_row(name: str, rated: Any, invalid: int) -> dict[str, Any]:
    rating = rated.get(name)
    if rating is None:
        empty = {"battles": 0, "wins": 0, "ties": 0, "losses": 0}
        return {"name": name, **empty, "invalid": invalid, "rating": None, "low": None, "high": None}
    return {
        "name": name,
        "battles": rating.battles,
        "wins": rating.wins,
        "ties": rating.ties,
        "losses": rating.losses,
        "invalid": invalid,
        "rating": rating.rating,
        "low": rating.low,
        "high": rating.high,
    }


def _rounds(session: Session, campaign_id: str) -> Sequence[tuple[Any, Any, list[str]]]:
    entered: dict[int, list[str]] = {}
    for candidate in rounds.candidates(session, campaign_id):
        if candidate.entered:
            entered.setdefault(candidate.round, []).append(candidate.seat)
    return [(turn, battle, entered.get(turn.number, [])) for turn, battle in rounds.settled(session, campaign_id)]


def _round(turn: Any, battle: Any, names: dict[str, str], entered: list[str]) -> dict[str, Any]:
    return {
        "round": turn.number,
        "left": names[battle.left_endpoint_id],
        "right": names[battle.right_endpoint_id],
        "outcome": battle.outcome,
        "walkover": battle.walkover,
        "decisive": battle.decisive,
        "entered": entered,
        "champion_changed": turn.champion_changed,
        "answers": turn.answers,
    }
