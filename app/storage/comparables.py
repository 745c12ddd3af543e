"""Which evaluations can be set side by side: found by their own id or a run's, and others of the same test set."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, aliased

from app.storage.evaluations import Evaluation
from app.storage.prompts import Prompt, PromptVersion
from app.storage.runs import OPEN, Run
from app.storage.test_sets import TestSetVersion

VERSIONS_OFFERED = 50
OFFERED = 100
OPEN_SPLITS = ("train", "dev")


@dataclass(frozen=True)
class Comparable:
    """An evaluation with what it is about."""

    evaluation: Evaluation
    version: int
    parents: list[str]
    project_id: str
    test_set_id: str


@dataclass(frozen=True)
class LastRun:
    """How an evaluation was ordered last; `going` while any order of it is not over."""

    run_id: str
    temperature: float
    samples: int
    going: bool


def evaluation_ids(session: Session, ids: Collection[str]) -> dict[str, str]:
    """The evaluation that each id names: a run's, or its own. Unknown ones are left out."""
    of_runs = select(Run.id, Run.evaluation_id).where(Run.id.in_(ids))
    own = select(Evaluation.id, Evaluation.id).where(Evaluation.id.in_(ids))
    return {name: found for query in (of_runs, own) for name, found in session.execute(query)}


def beginning_with(session: Session, prefix: str, limit: int, *, runs_alone: bool = False) -> list[str]:
    """Ids of runs and evaluations that begin so, or of runs alone; so many of each at most."""
    found: list[str] = []
    for table in (Run,) if runs_alone else (Run, Evaluation):
        query = select(table.id).where(table.id.startswith(prefix, autoescape=True)).order_by(table.id)
        found += session.scalars(query.limit(limit))
    return found


def get(session: Session, ids: Sequence[str]) -> dict[str, Comparable]:
    """By evaluation id."""
    query = _comparables().where(Evaluation.id.in_(ids))
    return {row[0].id: Comparable(*row) for row in session.execute(query)}


def _comparables() -> Select[Any]:
    return (
        select(Evaluation, PromptVersion.number, PromptVersion.parents, Prompt.project_id, TestSetVersion.test_set_id)
        .join(PromptVersion, PromptVersion.id == Evaluation.prompt_version_id)
        .join(Prompt, Prompt.id == PromptVersion.prompt_id)
        .join(TestSetVersion, TestSetVersion.id == Evaluation.version_id)
    )


def last_runs(session: Session, ids: Collection[str]) -> dict[str, LastRun]:
    """By evaluation id; those that a campaign answered in place have none."""
    columns = Run.evaluation_id, Run.id, Run.temperature, Run.samples, Run.status
    query = select(*columns).where(Run.evaluation_id.in_(ids)).order_by(Run.created_at, Run.id)
    found: dict[str, LastRun] = {}
    for evaluation_id, run_id, temperature, samples, status in session.execute(query):
        earlier = found.get(evaluation_id)
        going = status in OPEN or (earlier is not None and earlier.going)
        found[evaluation_id] = LastRun(run_id, temperature, samples, going)
    return found


def offered(session: Session, one: Comparable) -> list[Comparable]:
    """Others of the same test set and split that are summed up, newest version first.

    Those of this version, of its parents and of the project's newest versions.
    """
    mine = aliased(PromptVersion)
    line = select(mine.prompt_id).where(mine.id == one.evaluation.prompt_version_id).scalar_subquery()
    newest = select(PromptVersion.id).where(PromptVersion.prompt_id == line)
    newest = newest.order_by(PromptVersion.number.desc()).limit(VERSIONS_OFFERED)
    versions = list(session.scalars(newest))
    near = {one.evaluation.prompt_version_id, *one.parents}
    query = (
        _comparables()
        .where(Evaluation.prompt_version_id.in_([*versions, *near]), TestSetVersion.test_set_id == one.test_set_id)
        .where(Evaluation.split == one.evaluation.split, Evaluation.id != one.evaluation.id)
        .where(Evaluation.value.is_not(None))
        .order_by(PromptVersion.number.desc(), Evaluation.id)
        .limit(OFFERED)
    )
    found = [Comparable(*row) for row in session.execute(query)]
    return sorted(found, key=lambda other: other.evaluation.prompt_version_id not in near)
