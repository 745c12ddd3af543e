"""What a campaign may buy before it is started: how many rounds its cap pays for, and the price at most."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.domain.improving.arena import SEATS
from app.services import pricing
from app.services.concluding import holdout_reserve
from app.settings import Settings
from app.storage import evaluations
from app.storage.endpoints import Endpoint
from app.storage.test_sets import TestSetVersion

PROPOSALS = len(SEATS)


@dataclass(frozen=True)
class Quote:
    """`rounds` at full length that the cap pays for, `fewest_calls` below which it pays for none.

    `kept_for_holdout` are the calls that no round may use; `cost` is at most that many millionths of money, None when
    a price is not known.
    """

    rounds: int
    calls_a_round: int
    fewest_calls: int
    kept_for_holdout: int
    cost: int | None


def quote(
    session: Session,
    settings: Settings,
    project_id: str,
    version: TestSetVersion,
    start_version_id: str,
    task: Endpoint,
    generators: Sequence[Endpoint],
    max_calls: int,
    max_rounds: int,
) -> Quote:
    """The worst case: nothing is found in the answer store, no prompt is dropped early, every round finds a leader."""
    dev, train = version.splits["dev"], version.splits["train"]
    kept = holdout_reserve(version.splits["holdout"], settings.retry_reserve)
    opening = max(0, dev - evaluations.answered(session, start_version_id, task.id, version.id))
    a_round = PROPOSALS * (dev + 1) + min(settings.reflect_on, train)
    paid = max(0, max_calls - kept - opening) // a_round
    rounds = min(paid, max_rounds) if max_rounds else paid
    work = pricing.work(session, settings, project_id, version.id, start_version_id)
    cost = pricing.at_most(settings, work, task, generators, max_calls, max_rounds)
    return Quote(rounds, a_round, kept + opening + PROPOSALS, kept, cost)
