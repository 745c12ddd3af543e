"""How many prompts were tried on the examples of a comparison, and what choosing among so many does to their scores."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from app.domain.comparing import Difference
from app.domain.confirming import FEWEST_CANDIDATES, pseudo_values
from app.domain.goals import parse_goal
from app.domain.metrics import DECIMALS, Estimate
from app.domain.shapes import shape_of
from app.domain.shrinkage import shrink, shrink_paired
from app.domain.summing import amounts_of
from app.services import gathering
from app.storage import confirmations, test_sets
from app.storage.evaluations import Evaluation
from app.storage.projects import Project

SAMPLED, MOST_READ = 12, 2_000  # evaluations and examples that the luck of a score is reckoned from


@dataclass(frozen=True)
class Tried:
    """`n` prompts have answered these dev examples on this model; `complete` of them all, scored by today's goal.

    `base` and `other` are the scores to expect on new data, pulled towards the mean of all that are complete; None
    where those are too few, and `otherwise` is how many would be such had they been scored by today's goal. `p` is that of the comparison, were the other one, which leads, picked as the best of all but the base.
    """

    n: int
    complete: int
    base: float | None = None
    other: float | None = None
    p: float | None = None
    otherwise: int = 0


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
    n = confirmations.scored_on_dev(session, base.endpoint_id, base.version_id)
    if n <= len(both):
        return None
    rows = confirmations.dev_scores(session, project.id, base)
    goal = parse_goal(project.goal)
    ours = {text for text in {row.goal for row in rows} if parse_goal(text) == goal}
    complete = [row for row in rows if row.goal in ours and row.n == d.n]
    otherwise = sum(row.goal not in ours and row.n == d.n for row in rows)
    found = Tried(n, len(complete), p=_as_best_of(n - 1, d), otherwise=otherwise)
    if len(complete) < FEWEST_CANDIDATES:
        return found
    luck = _luck(session, project, base, [row.id for row in complete], d.n)
    if luck is None:
        return found
    spread = shrink([row.value for row in complete], [luck] * len(complete))
    kept = spread.between_variance / (spread.between_variance + luck) if spread.between_variance else 0.0
    expected = [round(spread.mean + kept * (score.value - spread.mean), DECIMALS) for score in scores]
    return replace(found, base=expected[0], other=expected[1])


def _as_best_of(others: int, d: Difference) -> float | None:
    """None for one that does not lead: nobody picks that as the best."""
    return None if d.p is None or d.value <= 0 else min(1.0, d.p * others)


def _world(evaluation: Evaluation) -> tuple[str, ...]:
    return evaluation.version_id, evaluation.split, evaluation.endpoint_id, evaluation.settings_hash


def _luck(session: Session, project: Project, like: Evaluation, ids: Sequence[str], n: int) -> float | None:
    """The sampling variance of a score among these evaluations of the same examples, from the first few by their ids:
    so it is the same whichever two are compared. None where so many examples would have to be read.
    """
    if n > MOST_READ:
        return None
    goal, shape = parse_goal(project.goal), shape_of(project.answer_space)
    order = confirmations.dev_order(session, like.version_id)
    groups = test_sets.groups(session, like.version_id, "dev")
    few = [gathering.answers_of(session, one, order, amounts_of(goal), groups) for one in sorted(ids)[:SAMPLED]]
    rows = [pseudo_values(goal, shape, one).tolist() for one in few if one.n == n]
    return shrink_paired(rows).sampling_variance if len(rows) >= FEWEST_CANDIDATES else None
