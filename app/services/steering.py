"""What people ask of a run that they ordered: to pause, go on, end, or do with other caps."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from app.errors import Conflict, Invalid, Problem
from app.services import capping, evaluating
from app.storage import endpoints, runs
from app.storage.evaluations import Evaluation
from app.storage.jobs import Nudge
from app.storage.runs import Run


def ask(session: Session, run_id: str, wish: str) -> list[Nudge]:
    """Do what a person asks of a run: pause, resume or stop; whom to nudge after the commit.

    Stopping one of an opening's two runs stops both: the opening ends with what both have answered. Raises NotFound, and Conflict when it cannot be done now or the run is a campaign's.
    """
    run = runs.get(session, run_id)
    _refuse_campaigns(run)
    if wish == "pause":
        evaluating.pause(session, run_id)
        return []
    return evaluating.resume(session, run_id) if wish == "resume" else _stop(session, run)


def _stop(session: Session, run: Run) -> list[Nudge]:
    nudges = evaluating.stop(session, run.id)
    others = runs.of_opening(session, run.opening_id) if run.opening_id else []
    open_ones = [one.id for one in others if one.id != run.id and one.status in runs.OPEN]
    return nudges + [nudge for one in open_ones for nudge in evaluating.stop(session, one)]


def set_caps(session: Session, run_id: str, caps: Mapping[str, int | None]) -> list[Nudge]:
    """Change those of `evaluating.CAPS` that are given, and let a run that had reached one go on; whom to nudge afterwards.

    Raises Invalid naming fields, NotFound, Conflict for a run that is over or a campaign's.
    """
    run = runs.get(session, run_id)
    _refuse_campaigns(run)
    if run.status not in runs.OPEN:
        raise Conflict(f"This run is {run.status} already; its caps mean nothing any more.")
    account, problems = run.account, evaluating.cap_problems(caps)
    for name, cap in caps.items():
        used = account.used(evaluating.CAPS[name])
        if cap is not None and 1 <= cap <= used:
            problems.append(Problem(f"must be more than is used already ({_amount(name, used)})", name))
    model = endpoints.get(session, session.get_one(Evaluation, run.evaluation_id).endpoint_id)
    if caps.get("max_cost") is not None:
        problems += capping.unpriced(session, run.project_id, {"max_cost": [model]}, caps["max_cost"])
    if problems:
        raise Invalid(problems)
    for name, cap in caps.items():
        setattr(account, f"cap_{evaluating.CAPS[name]}", cap)
    session.flush()
    under_it = runs.of_opening(session, run.opening_id) if run.opening_id else [run]
    return [nudge for one in under_it if one.status == "exhausted" for nudge in evaluating.resume(session, one.id)]


def _amount(name: str, used: int) -> str:
    return f"{used / 1_000_000:.6f}".rstrip("0").rstrip(".") if name == "max_cost" else f"{used:,}"


def _refuse_campaigns(run: Run) -> None:
    if run.campaign_id is not None:
        raise Conflict(f"A campaign ordered this run: see /campaigns/{run.campaign_id}.")
