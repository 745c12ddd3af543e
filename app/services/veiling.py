"""Rounds as anybody may see them: who sat in a seat stays hidden until the battle is decided."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from sqlalchemy.orm import Session

from app.domain.comparing import Difference, evidence, paired_interval
from app.domain.goals import Goal
from app.domain.improving.state import Rules
from app.domain.metrics import Estimate
from app.domain.racing import looks
from app.domain.shapes import Shape
from app.domain.summing import amounts_of
from app.storage import live, test_sets
from app.storage.campaigns import Campaign
from app.storage.endpoints import Endpoint
from app.storage.evaluations import Evaluation
from app.storage.live import Pairing, Turn
from app.storage.rounds import Battle

Names = Mapping[str, Endpoint]


@dataclass(frozen=True)
class Corner:
    """One seat of a round. `generator` is None while it is hidden; a refused proposal has a rule and no version."""

    seat: str
    generator: str | None = None
    simulated: bool = False
    version_id: str | None = None
    version: int | None = None
    characters: int | None = None
    score: Estimate | None = None
    right: int | None = None
    unreadable: int = 0
    refusal_rule: str | None = None
    refusal_detail: str = ""
    dropped_at: int | None = None
    entered: bool = False


@dataclass(frozen=True)
class RoundView:
    """One round. `difference` is right minus left on the `n` examples that both answered."""

    number: int
    settled: bool
    left: Corner
    right: Corner
    outcome: str | None = None
    walkover: bool = False
    decisive: bool | None = None
    evidence: str | None = None
    difference: Difference | None = None
    n: int = 0
    only_left: int = 0
    only_right: int = 0
    both_right: int = 0
    both_wrong: int = 0
    next_look: int | None = None
    champion_version_id: str | None = None
    champion_changed: bool = False
    calls: int = 0
    answers: int = 0
    note: str = ""
    started_at: datetime | None = None
    settled_at: datetime | None = None


def seen(turn: Turn, names: Names) -> RoundView:
    """A round from its rows alone."""
    row, battle = turn.round, turn.battle if turn.round.settled else None
    left, right = (_corner(turn, seat, names) for seat in ("left", "right"))
    return RoundView(
        number=row.number,
        settled=row.settled,
        left=left,
        right=right,
        outcome=battle.outcome if battle else None,
        walkover=battle.walkover if battle else False,
        decisive=battle.decisive if battle else None,
        evidence=battle.evidence if battle else None,
        difference=_difference(battle),
        n=battle.n if battle else 0,
        only_left=battle.only_left if battle else 0,
        only_right=battle.only_right if battle else 0,
        both_right=battle.both_right if battle else 0,
        both_wrong=battle.both_wrong if battle else 0,
        champion_version_id=row.champion_version_id,
        champion_changed=row.champion_changed,
        calls=row.calls_after - row.calls_before if row.settled else 0,
        answers=row.answers,
        note=row.note,
        started_at=row.started_at,
        settled_at=row.settled_at,
    )


def _corner(turn: Turn, seat: str, names: Names) -> Corner:
    """The name comes from the settled battle and nowhere else."""
    proposal = turn.proposals.get(seat)
    endpoint = _revealed(turn, seat, names)
    name, simulated = (endpoint.full_name, endpoint.simulated) if endpoint else (None, False)
    if proposal is None:
        return Corner(seat, name, simulated)
    candidate = proposal.candidate
    return Corner(
        seat,
        name,
        simulated,
        version_id=candidate.prompt_version_id,
        version=proposal.number,
        characters=proposal.characters,
        score=_estimate(candidate.value, candidate.low, candidate.high, candidate.n),
        right=candidate.right if candidate.value is not None else None,
        unreadable=candidate.unreadable,
        refusal_rule=candidate.refusal_rule,
        refusal_detail=candidate.refusal_detail,
        dropped_at=candidate.dropped_at,
        entered=candidate.entered,
    )


def _revealed(turn: Turn, seat: str, names: Names) -> Endpoint | None:
    if not turn.round.settled or turn.battle is None:
        return None
    return names.get(turn.battle.left_endpoint_id if seat == "left" else turn.battle.right_endpoint_id)


def _estimate(value: float | None, low: float | None, high: float | None, n: int) -> Estimate | None:
    return Estimate(value, low, high, n) if value is not None and low is not None and high is not None else None


def _difference(battle: Battle | None) -> Difference | None:
    if battle is None or battle.difference is None or battle.low is None or battle.high is None:
        return None
    return Difference(battle.difference, battle.low, battle.high, None, battle.n)


def raced(session: Session, campaign: Campaign, view: RoundView, found: Mapping[str, Evaluation]) -> RoundView:
    """An undecided round with its race so far: each side's score, and what both have answered."""
    ours, theirs = found.get(view.left.version_id or ""), found.get(view.right.version_id or "")
    left, right = _scored_so_far(view.left, ours), _scored_so_far(view.right, theirs)
    answered = max((one.n for one in (ours, theirs) if one), default=0)
    view = replace(view, left=left, right=right, next_look=look_after(answered, campaign.rules["dev_size"]))
    if ours is None or theirs is None:
        return view
    pairs = live.pairings(session, campaign.version_id, ours.id, theirs.id, min(ours.n, theirs.n))
    grouped = test_sets.get_version(session, campaign.version_id).plan.get("groups")
    return _paired(view, pairs, campaign, None if grouped else compared(Rules(**campaign.rules), pairs))


def _scored_so_far(corner: Corner, found: Evaluation | None) -> Corner:
    """A racing corner with the score of the looks it has answered."""
    if found is None or corner.version_id is None:
        return corner
    score = _estimate(found.value, found.low, found.high, found.n)
    return replace(corner, score=score, right=found.right if score else None, unreadable=found.unreadable)


def _paired(
    view: RoundView, pairs: tuple[Pairing, ...], campaign: Campaign, difference: Difference | None
) -> RoundView:
    """Counted readings do not tell the difference of examples in groups: the settled round has it."""
    hits: Counter[tuple[bool, bool]] = Counter()
    for label, left, right, count in pairs:
        hits[left == label, right == label] += count
    return replace(
        view,
        difference=difference,
        evidence=evidence(difference, campaign.rules["smallest_gain"]) if difference else None,
        n=hits.total(),
        only_left=hits[True, False],
        only_right=hits[False, True],
        both_right=hits[True, True],
        both_wrong=hits[False, False],
    )


def compared(rules: Rules, pairs: tuple[Pairing, ...]) -> Difference | None:
    """The paired difference behind counted readings; None where the goal asks for more than readings."""
    if not pairs or amounts_of(rules.leading):
        return None
    return _compared(rules.leading, rules.answer_shape, pairs)


@lru_cache(maxsize=64)
def _compared(goal: Goal, shape: Shape, pairs: tuple[Pairing, ...]) -> Difference:
    """Kept, because pages ask for the same one again and again."""
    expected, left, right = ([row[place] for row in pairs for _ in range(row[3])] for place in range(3))
    return paired_interval(goal, expected, left, right, shape)


def look_after(answered: int, dev_size: int) -> int | None:
    """How many examples the next look of a race is at."""
    return next((look for look in looks(dev_size) if look > answered), None)
