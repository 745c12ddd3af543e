"""What a campaign may buy before it is started: how many rounds its cap pays for, and the price at most."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.domain.comparing import minimum_detectable_gain
from app.domain.grading import requests_each
from app.domain.improving.arena import SEATS
from app.services import capping, pricing
from app.services.capping import Caps, CapUse
from app.services.concluding import holdout_reserve
from app.services.grading import grading_of
from app.settings import Settings
from app.storage import evaluations, openings, projects, spend
from app.storage.endpoints import Endpoint
from app.storage.spend import Sums
from app.storage.test_sets import TestSetVersion

PROPOSALS = len(SEATS)


@dataclass(frozen=True)
class Quote:
    """`rounds` at full length that the caps pay for, `fewest_calls` below which they pay for none.

    `kept_for_holdout` are the calls that no round may use, none where the holdout is `spent` and will not be opened;
    `cost` is at most that many millionths of money, None when a price is not known. `usual_cost` is what so many calls come to at the lengths that the project's earlier calls
    had, None before there were any. `shared` are the caps of project, day and instance with what they leave. What is
    `detectable` is the smallest difference in right answers that so many examples can show (power 80 %, when one in
    five answers differs); None without a holdout that can be opened.
    """

    rounds: int
    calls_a_round: int
    fewest_calls: int
    kept_for_holdout: int
    spent: bool
    cost: int | None
    usual_cost: int | None
    shared: list[CapUse]
    detectable_on_dev: float
    detectable_on_holdout: float | None


@dataclass(frozen=True)
class Usual:
    """Tokens and cost of a call for an answer or its grade, and of a generator's, on average so far; None when unknown."""

    tokens: float | None
    task_cost: float | None
    generator_cost: float | None


def quote(
    session: Session,
    settings: Settings,
    project_id: str,
    version: TestSetVersion,
    start_version_id: str,
    task: Endpoint,
    generators: Sequence[Endpoint],
    caps: Caps,
    max_rounds: int,
) -> Quote:
    """The worst case: nothing is found in the answer store, no prompt is dropped early, every round finds a leader."""
    dev, train = version.splits["dev"], version.splits["train"]
    project = projects.get(session, project_id)
    grading, each = grading_of(session, project), 1 + requests_each(project.answer_space)
    spent = openings.is_spent(session, version)
    sealed = 0 if spent else version.splits["holdout"]
    kept = holdout_reserve(sealed, settings.retry_reserve, each)
    opening = each * max(0, dev - evaluations.answered(session, start_version_id, task.id, version.id))
    a_round = PROPOSALS * (each * dev + 1) + each * min(settings.reflect_on, train)
    shared = capping.uses(session, capping.shared(project_id))
    grader = grading.grader if grading else None
    usual = _usual(session, project_id, task, generators, grader, each)
    calls = _calls(caps, shared, usual)
    paid = max(0, calls - kept - opening) // a_round
    rounds = min(paid, max_rounds) if max_rounds else paid
    work = pricing.work(session, settings, project_id, version.id, start_version_id)
    price = pricing.at_most(settings, work, task, generators, calls, max_rounds, grader)
    cost = capping.at_most(price, caps, shared)
    return Quote(
        rounds=rounds,
        calls_a_round=a_round,
        fewest_calls=kept + opening + PROPOSALS,
        kept_for_holdout=kept,
        spent=spent,
        cost=cost,
        usual_cost=_cost(usual, calls, rounds),
        shared=shared,
        detectable_on_dev=minimum_detectable_gain(dev),
        detectable_on_holdout=minimum_detectable_gain(sealed) if sealed else None,
    )


def _calls(caps: Caps, shared: Sequence[CapUse], usual: Usual) -> int:
    """How many calls every cap allows; those on tokens and money count where the usual length of a call is known."""
    each = {"calls": 1.0, "tokens": usual.tokens, "cost": usual.task_cost}
    own = [(kind, cap) for kind in each if (cap := getattr(caps, kind)) is not None]
    limits = [*own, *((use.kind, use.left) for use in shared)]
    return min(int(left / size) for kind, left in limits if (size := each[kind]))


def _usual(
    session: Session,
    project_id: str,
    task: Endpoint,
    generators: Sequence[Endpoint],
    grader: Endpoint | None,
    calls_each: int,
) -> Usual:
    """From the project's spend so far, at the prices of those who are chosen now."""
    spent = spend.of_project(session, project_id)
    answered, judged, written = (spent.get(purpose, Sums()) for purpose in ("task", "judge", "generator"))
    each = [(answered, task, 1), *([(judged, grader, calls_each - 1)] if grader else [])]
    lengths, prices = [_tokens(sums) for sums, _, _ in each], [_average(sums, one) for sums, one, _ in each]
    often = [count for _, _, count in each]
    costs = [_average(written, one) for one in generators]
    known = [cost for cost in costs if cost is not None]
    writing = sum(known) / len(known) if known and len(known) == len(costs) else None
    return Usual(_mean(lengths, often), _mean(prices, often), writing)


def _mean(known: Sequence[float | None], often: Sequence[int]) -> float | None:
    """Of one call, where each kind is made so often; None where one is not known."""
    found = [one for one in known if one is not None]
    if len(found) < len(known):
        return None
    return sum(one * count for one, count in zip(found, often, strict=True)) / sum(often)


def _tokens(sums: Sums) -> float | None:
    return (sums.tokens_in + sums.tokens_out) / sums.answers if sums.answers else None


def _average(sums: Sums, endpoint: Endpoint) -> float | None:
    """Millionths of money for one such call at this endpoint's price."""
    if not sums.answers or endpoint.price_in is None or endpoint.price_out is None:
        return None
    return (sums.tokens_in * endpoint.price_in + sums.tokens_out * endpoint.price_out) / sums.answers / 1_000_000


def _cost(usual: Usual, calls: int, rounds: int) -> int | None:
    if usual.task_cost is None or usual.generator_cost is None:
        return None
    proposals = min(calls, PROPOSALS * rounds)
    return round((calls - proposals) * usual.task_cost + proposals * usual.generator_cost)
