"""Ends an opening that a person asked for: compares what both prompts answered of the holdout, and writes the report."""

from dataclasses import asdict
from typing import Any

from sqlalchemy.orm import Session

from app.domain.comparing import compare, verdict
from app.domain.goals import parse_goals
from app.domain.metrics import Estimate, measure
from app.domain.shapes import shape_of
from app.domain.summing import amounts_of
from app.services import faults, frozen_reports, gathering
from app.services.gathering import Looked, Pair
from app.services.holding import OPENING
from app.settings import Settings
from app.storage import confirmations, endpoints, jobs, openings, projects, prompts, runs, test_sets
from app.storage.base import now
from app.storage.campaigns import HoldoutOpening
from app.storage.evaluations import Evaluation
from app.storage.jobs import Nudge
from app.storage.projects import Project
from app.storage.prompts import PromptVersion
from app.storage.session import Database

LEASE_SECONDS = 600.0


def conclude(database: Database, settings: Settings, job_id: str) -> list[Nudge]:
    """Write the report of this job's opening once both prompts' runs are over."""
    with database.write() as session:
        lease = jobs.claim(session, job_id, max(settings.lease_seconds, LEASE_SECONDS))
    if lease is None:
        return []
    with database.read() as session:
        opening = openings.get(session, lease.subject)
        over = all(run.finished_at is not None for run in runs.of_opening(session, opening.id))
    with faults.put_off(database, lease):
        report = _report(database, settings, opening) if over and opening.finished_at is None else None
    with database.write() as session:
        jobs.renew(session, lease)
        if not over:
            return [Nudge(job_id, OPENING)] if jobs.release(session, lease) else []
        row = openings.get(session, opening.id)
        if row.finished_at is None:
            row.report, row.finished_at = report, now()
        jobs.finish(session, lease)
    return []


def _report(database: Database, settings: Settings, opening: HoldoutOpening) -> dict[str, Any]:
    """What the look showed, as plain data of the form that campaigns' reports have."""
    with database.read() as session:
        project = _project_of(session, opening)
        pair = _pair(session, opening, project)
        looked = _looked(session, opening, pair)
        dev = [gathering.dev_score(session, pair, one) for one in (pair.start_id, pair.best_id)]
    start, best, goal = looked.start, looked.best, pair.goal
    holdout: list[Estimate | None] = [None, None]
    gain, found = None, "not enough evidence"
    if start.n:
        both = start.amounts, best.amounts
        gain = compare(
            goal, start.expected, start.answered, best.answered, pair.shape, seed=0, amounts=both, units=start.units
        )
        found = verdict(gain, project.smallest_gain)
        holdout = [
            measure(goal, one.expected, one.answered, pair.shape, one.amounts, one.units) for one in (start, best)
        ]
    with database.read() as session:
        evidence = gathering.of_pair(session, pair, looked, (dev[1], holdout[1]), settings.unreadable_alarm)
        return {
            **_facts(session, opening, project, goal.name),
            "verdict": found,
            "start": _side(prompts.get(session, pair.start_id), dev[0], holdout[0]),
            "best": _side(prompts.get(session, pair.best_id), dev[1], holdout[1]),
            "gain_on_holdout": gain and {"value": gain.value, "low": gain.low, "high": gain.high, "p": gain.p},
            "evidence": asdict(evidence),
            "thresholds": frozen_reports.of_opening(
                session, opening, pair.endpoint_id, {"start": pair.start_id, "best": pair.best_id}
            ),
        }


def _facts(session: Session, opening: HoldoutOpening, project: Project, goal: str) -> dict[str, Any]:
    account = runs.of_opening(session, opening.id)[0].account
    version = test_sets.get_version(session, opening.version_id)
    return {
        "project": project.name,
        "goal": goal,
        "smallest_gain": project.smallest_gain,
        "task_model": endpoints.get(session, opening.endpoint_id or "").full_name,
        "splits": {split: version.splits[split] for split in ("train", "dev", "holdout")},
        "calls_paid": account.used("calls"),
        "tokens": account.spent_tokens,
        "cost": None if account.unpriced else account.spent_cost / 1_000_000,
        "reason": opening.reason,
    }


def _project_of(session: Session, opening: HoldoutOpening) -> Project:
    ordered = runs.of_opening(session, opening.id)
    return projects.get(session, ordered[0].project_id)


def _pair(session: Session, opening: HoldoutOpening, project: Project) -> Pair:
    evaluation = session.get_one(Evaluation, runs.of_opening(session, opening.id)[0].evaluation_id)
    return Pair(
        start_id=opening.against_version_id or "",
        best_id=opening.prompt_version_id or "",
        endpoint_id=opening.endpoint_id or "",
        version_id=opening.version_id,
        settings_hash=evaluation.settings_hash,
        goals=parse_goals(project.goal),
        shape=shape_of(project.answer_space),
    )


def _looked(session: Session, opening: HoldoutOpening, pair: Pair) -> Looked:
    """Both prompts' answers on the longest prefix that both have answered."""
    sealed = test_sets.sealed_examples(session, opening.version_id, opening.id)
    order = [(one.example_id, one.label) for one in sealed]
    both = (pair.start_id, pair.best_id)
    ids = confirmations.evaluations_of(session, both, pair.endpoint_id, pair.version_id, "holdout", pair.settings_hash)
    amounts = list(dict.fromkeys(name for goal in pair.goals for name in amounts_of(goal)))
    groups = test_sets.groups(session, pair.version_id, "holdout")
    scored = [gathering.answers_of(session, ids.get(one), order, amounts, groups) for one in both]
    n = min(one.n for one in scored)
    start, best = (one.first(n) for one in scored)
    return Looked(opening.number, start, best)


def _side(version: PromptVersion, dev: Estimate | None, holdout: Estimate | None) -> dict[str, Any]:
    scores = {"dev": dev and asdict(dev), "holdout": holdout and asdict(holdout)}
    return {"prompt": version.text, **scores}
