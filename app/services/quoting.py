"""What a campaign may buy before it is started: how many rounds its cap pays for, and the price at most."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.services.concluding import holdout_reserve
from app.services.pricing import BRIEF_TOKENS, CHARACTERS_PER_TOKEN, LABEL_TOKENS, PROMPT_CHARACTERS, PROPOSAL_TOKENS
from app.settings import Settings
from app.storage import evaluations, starts
from app.storage.endpoints import Endpoint
from app.storage.test_sets import TestSetVersion

PROPOSALS = 2


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
    opening = max(0, dev - evaluations.answered(session, start_version_id, task.id))
    a_round = PROPOSALS * (dev + 1) + min(settings.reflect_on, train)
    paid = max(0, max_calls - kept - opening) // a_round
    rounds = min(paid, max_rounds) if max_rounds else paid
    cost = _cost(task, generators, max_calls, min(paid + 1, max_rounds or paid + 1), _mean_input(session, version))
    return Quote(rounds, a_round, kept + opening + PROPOSALS, kept, cost)


def _mean_input(session: Session, version: TestSetVersion) -> float:
    return starts.mean_input(session, version.id) or 0.0


def _cost(task: Endpoint, generators: Sequence[Endpoint], max_calls: int, rounds: int, mean_input: float) -> int | None:
    """Every call of the cap at the task model's price, and each round's proposals at the dearest generator's."""
    tokens_in = round((PROMPT_CHARACTERS + mean_input) / CHARACTERS_PER_TOKEN)
    answer = task.cost(tokens_in, LABEL_TOKENS)
    proposals = [generator.cost(BRIEF_TOKENS, PROPOSAL_TOKENS) for generator in generators]
    known = [cost for cost in proposals if cost is not None]
    if answer is None or len(known) < len(proposals):
        return None
    return max_calls * answer + PROPOSALS * rounds * max(known, default=0)
