"""Every goal's score of a project's newest prompts, for the Pareto front; summaries alone are read."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.metrics import Estimate
from app.storage.campaign_boards import Model, Models
from app.storage.evaluations import Evaluation
from app.storage.prompts import PromptVersion, line_id

VERSIONS = 200


@dataclass(frozen=True)
class GoalScores:
    """One prompt on one task model, with the score of each of the project's goals in their order."""

    version_id: str
    number: int
    task_model: Model
    scores: tuple[Estimate, ...]


def goal_scores(session: Session, named: Models, project_id: str, version_id: str, goals: str) -> list[GoalScores]:
    """Of the newest prompts those that were scored for exactly these goals on this test set's dev, newest first."""
    newest = (
        select(PromptVersion.id, PromptVersion.number)
        .where(PromptVersion.prompt_id == line_id(project_id))
        .order_by(PromptVersion.number.desc())
        .limit(VERSIONS)
        .subquery()
    )
    query = (
        select(newest.c.id, newest.c.number, Evaluation.endpoint_id, Evaluation.summary["goals"].label("goals"))
        .join(Evaluation, Evaluation.prompt_version_id == newest.c.id)
        .where(Evaluation.version_id == version_id, Evaluation.split == "dev", Evaluation.goal == goals)
        .where(Evaluation.summary.is_not(None))
        .order_by(newest.c.number.desc(), Evaluation.n.desc(), Evaluation.id)
    )
    found: dict[tuple[str, str], GoalScores] = {}
    for row in session.execute(query):
        scores = tuple(Estimate(one["value"], one["low"], one["high"], one["n"]) for one in row.goals or ())
        if scores:
            one = GoalScores(row.id, row.number, named[row.endpoint_id], scores)
            found.setdefault((row.id, row.endpoint_id), one)
    return list(found.values())
