"""Gathers what a holdout report rests on, once, when a campaign or an opening ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from app.domain import confirming
from app.domain.confirming import Evidence, Luck, Unreadable, Use
from app.domain.goals import Goal, parse_goal, parse_goals
from app.domain.improving.asks import Scored
from app.domain.improving.state import Rules
from app.domain.metrics import Estimate
from app.domain.shapes import Shape
from app.domain.units import units_of
from app.services.scoring import settings_hash, task_sampling
from app.storage import confirmations, evaluations, rounds, test_sets
from app.storage.campaigns import Campaign
from app.storage.evaluations import Evaluation

Order = Sequence[tuple[int, int]]  # example ids with the codes of their expected answers


@dataclass(frozen=True)
class Looked:
    """What came of a look at the holdout: its number, and both prompts' answers, as far as both have answered."""

    number: int
    start: Scored
    best: Scored


@dataclass(frozen=True)
class Pair:
    """The two prompts that are compared: on which model and test set version, and by which goals."""

    start_id: str
    best_id: str
    endpoint_id: str
    version_id: str
    settings_hash: str
    goals: tuple[Goal, ...]
    shape: Shape

    @property
    def goal(self) -> Goal:
        """The one that decides: the first."""
        return self.goals[0]


def of_campaign(
    session: Session,
    campaign: Campaign,
    rules: Rules,
    looked: Looked | None,
    scores: tuple[Estimate | None, Estimate | None],
    alarm_above: float,
) -> Evidence:
    """`scores` are the best's on dev and on the holdout."""
    pair = Pair(
        start_id=campaign.start_version_id,
        best_id=campaign.best_version_id or campaign.start_version_id,
        endpoint_id=campaign.task_endpoint_id,
        version_id=campaign.version_id,
        settings_hash=settings_hash(task_sampling(rules.task_max_tokens)),
        goals=parse_goals(rules.goal),
        shape=rules.answer_shape,
    )
    order = confirmations.dev_order(session, pair.version_id)
    candidates = [one for one in rounds.candidates(session, campaign.id) if one.prompt_version_id]
    tried = {one.prompt_version_id or "": min(one.n, len(order)) for one in candidates}
    wanted = {pair.start_id: len(order), **tried}
    dev = _on_dev(session, pair, order, wanted, rules.amounts)
    start, best = dev[pair.start_id], dev.get(pair.best_id)
    chosen = list(tried).index(pair.best_id) if pair.best_id in tried else None
    luck = confirming.luck(pair.goal, pair.shape, start, [dev[one] for one in tried], chosen)
    said = _unreadable("dev", (start, best if pair.best_id != pair.start_id else None), alarm_above)
    return _with_holdout(session, pair, Evidence(luck=luck, unreadable=said), looked, scores, alarm_above)


def of_pair(
    session: Session, pair: Pair, looked: Looked, scores: tuple[Estimate | None, Estimate | None], alarm_above: float
) -> Evidence:
    """For two prompts that a person chose: what is known of the luck is how many were tried on this dev set."""
    tried = confirmations.scored_on_dev(session, pair.endpoint_id, pair.version_id)
    luck = Luck(tried, tried) if tried else None
    return _with_holdout(session, pair, Evidence(luck=luck), looked, scores, alarm_above)


def _with_holdout(
    session: Session,
    pair: Pair,
    evidence: Evidence,
    looked: Looked | None,
    scores: tuple[Estimate | None, Estimate | None],
    alarm_above: float,
) -> Evidence:
    uses = _uses(session, pair, "holdout" if looked else "dev")
    evidence = replace(evidence, start_use=uses[0], best_use=uses[1], alarm_above=alarm_above)
    evidence = replace(evidence, classes=len(pair.shape.classes), look=looked.number if looked else None)
    if looked is None or not looked.start.n:
        return evidence
    dev, holdout = scores
    discordance, detectable = confirming.detectable(looked.start, looked.best)
    return replace(
        evidence,
        gap=confirming.gap(dev, holdout) if dev and holdout else None,
        units=len(set(looked.start.units)),
        discordance=discordance,
        detectable=detectable,
        recalls=confirming.recalls(pair.shape, looked.start, looked.best),
        further=confirming.further(pair.goals[1:], pair.shape, looked.start, looked.best),
        unreadable=(*evidence.unreadable, *_unreadable("holdout", (looked.start, looked.best), alarm_above)),
    )


def _on_dev(
    session: Session, pair: Pair, order: Order, wanted: dict[str, int], amounts: Sequence[str]
) -> dict[str, Scored]:
    """The first so many dev answers of each prompt version, cut where one is missing."""
    ids = confirmations.evaluations_of(
        session, list(wanted), pair.endpoint_id, pair.version_id, "dev", pair.settings_hash
    )
    groups = test_sets.groups(session, pair.version_id, "dev")
    return {one: answers_of(session, ids.get(one), order[:upto], amounts, groups) for one, upto in wanted.items()}


def answers_of(
    session: Session, evaluation_id: str | None, order: Order, amounts: Sequence[str], groups: Mapping[int, int]
) -> Scored:
    """What an evaluation answered of these examples, cut where the first answer is missing.

    `groups` are those of the examples, as `test_sets.groups` has them.
    """
    if evaluation_id is None:
        return Scored((), ())
    readings = evaluations.readings(session, evaluation_id)
    there = [example_id in readings for example_id, _ in order]
    known = order[: there.index(False)] if False in there else order
    ids = [example_id for example_id, _ in known]
    return Scored(
        expected=tuple(label for _, label in known),
        answered=tuple(readings[example_id][0] for example_id in ids),
        amounts=evaluations.amounts(session, evaluation_id, ids, amounts),
        units=units_of(groups, ids),
    )


def _uses(session: Session, pair: Pair, split: str) -> tuple[Use | None, Use | None]:
    both = (pair.start_id, pair.best_id)
    ids = confirmations.evaluations_of(session, both, pair.endpoint_id, pair.version_id, split, pair.settings_hash)
    start, best = (_use(session, ids.get(one)) for one in both)
    return start, best


def _use(session: Session, evaluation_id: str | None) -> Use | None:
    found = confirmations.used(session, evaluation_id) if evaluation_id else None
    if not found or not found.answers:
        return None
    sums = (found.tokens_in, found.tokens_out, found.cost)
    return Use(*(None if total is None else round(total / found.answers, 2) for total in sums))


def _unreadable(split: str, both: tuple[Scored, Scored | None], alarm_above: float) -> tuple[Unreadable, ...]:
    start, best = both
    found = [confirming.unreadable("start", split, start, alarm_above)]
    if best is not None:
        found.append(confirming.unreadable("best", split, best, alarm_above))
    return tuple(one for one in found if one.n)


def dev_score(session: Session, pair: Pair, version_id: str) -> Estimate | None:
    """A prompt version's stored dev score by this goal, if there is one."""
    ids = confirmations.evaluations_of(
        session, [version_id], pair.endpoint_id, pair.version_id, "dev", pair.settings_hash
    )
    row = session.get(Evaluation, ids[version_id]) if version_id in ids else None
    if row is None or row.goal is None or parse_goal(row.goal) != pair.goal:
        return None
    if row.value is None or row.low is None or row.high is None:
        return None
    return Estimate(row.value, row.low, row.high, row.n)
