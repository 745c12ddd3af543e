"""How many prompts were tried on the examples of a comparison, and what choosing among so many does to their scores."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from app.domain.comparing import Difference
from app.domain.confirming import FEWEST_CANDIDATES
from app.domain.goals import parse_goal
from app.domain.metrics import DECIMALS, Z95, Estimate
from app.domain.shrinkage import shrink
from app.storage import confirmations
from app.storage.evaluations import Evaluation
from app.storage.projects import Project


@dataclass(frozen=True)
class Tried:
    """`n` prompts have a score on these dev examples by this model; `complete` of them answered all and by this goal.

    `base` and `other` are the scores to expect on new data, pulled towards the mean of all that are complete; None
    where those are too few. `p` is that of the comparison, were the other one picked as the best of all but the base.
    """

    n: int
    complete: int
    base: float | None = None
    other: float | None = None
    p: float | None = None


def tried(
    session: Session,
    project: Project,
    both: tuple[Evaluation, Evaluation],
    scores: tuple[Estimate, Estimate],
    d: Difference,
) -> Tried | None:
    """None for evaluations of different examples or models, outside of dev, or where no third prompt was tried."""
    base, other = both
    if base.split != "dev" or _world(base) != _world(other):
        return None
    rows = confirmations.dev_scores(session, project.id, base)
    if len(rows) <= len(both):
        return None
    goal = parse_goal(project.goal)
    ours = {text for text in {row.goal for row in rows} if text and parse_goal(text) == goal}
    complete = [row.value for row in rows if row.goal in ours and row.n == d.n and row.value is not None]
    found = Tried(len(rows), len(complete), p=None if d.p is None else min(1.0, d.p * (len(rows) - 1)))
    if len(complete) < FEWEST_CANDIDATES:
        return found
    pulled = _pulled(complete, d)
    return replace(found, base=pulled(scores[0].value), other=pulled(scores[1].value))


def _world(evaluation: Evaluation) -> tuple[str, ...]:
    return evaluation.version_id, evaluation.split, evaluation.endpoint_id, evaluation.settings_hash


def _pulled(complete: Sequence[float], d: Difference) -> Callable[[float], float]:
    """All answered the same examples, so the luck of one is half of the variance of a paired difference."""
    luck = ((d.high - d.low) / (2 * Z95)) ** 2 / 2
    spread = shrink(complete, [luck] * len(complete))
    kept = spread.between_variance / (spread.between_variance + luck) if spread.between_variance else 0.0
    return lambda score: round(spread.mean + kept * (score - spread.mean), DECIMALS)
