"""Reads every stored output of a project again after its rule changed: from the store, a few at a time, buying nothing."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from sqlalchemy.orm import Session

from app.domain import answerspace
from app.domain.answercodes import RIGHT, UNGRADED, WRONG
from app.domain.answerspace import GRADED
from app.domain.grading import is_graded
from app.services import evaluating
from app.services.questions import questions_of
from app.services.rules import KIND
from app.settings import Settings
from app.storage import evaluations, grades, jobs, projects, prompts, rules
from app.storage.base import now
from app.storage.evaluations import Evaluation, Output
from app.storage.jobs import Lease, LeaseLost, Nudge
from app.storage.projects import Project
from app.storage.rules import Rereading, RuleChange
from app.storage.session import Database, hold_row
from app.storage.test_sets import Placed

ROWS = 500
SUMMING_SECONDS = 600.0


def work(database: Database, settings: Settings, job_id: str) -> list[Nudge]:
    """Go on reading until all is read or the slice is over; whom to nudge afterwards."""
    with database.write() as session:
        lease = jobs.claim(session, job_id, settings.lease_seconds)
    if lease is None:
        return []
    try:
        until = time.monotonic() + settings.slice_seconds
        while (more := _step(database, lease)) and time.monotonic() < until:
            pass
    except LeaseLost:
        return []
    except (KeyboardInterrupt, SystemExit):
        with database.write() as session:
            jobs.release(session, lease, again=True)
        raise
    except Exception as fault:
        logging.getLogger(__name__).exception("outputs could not be read again")
        _put_off(database, lease, f"A fault inside Agon ({type(fault).__name__}); the worker's log has it.")
        return []
    with database.write() as session:
        again = jobs.release(session, lease, again=more)
    return [Nudge(job_id, KIND)] if again else []


def _put_off(database: Database, lease: Lease, said: str) -> None:
    with database.write() as session:
        jobs.put_off(session, lease, said, min(60.0, 2.0 ** (jobs.failures(session, lease) + 1)))


def _step(database: Database, lease: Lease) -> bool:
    """Read some outputs, or sum an evaluation up; whether anything is left. Any step may be done twice."""
    with database.write() as session:
        jobs.renew(session, lease)
        hold_row(session, Project, lease.subject)  # a change that is made meanwhile waits, and then begins anew
        change = rules.going_on(session, lease.subject)
        if change is None:
            return False
        left = rules.next_left(session, change.id)
        if left is None:
            change.finished_at = now()
            return False
        if not left.read:
            _read_some(session, change, left)
            return True
        done, goal = (change.id, left.evaluation_id), session.get_one(Evaluation, left.evaluation_id).goal
        jobs.renew(session, replace(lease, seconds=SUMMING_SECONDS))
    evaluating.sum_up(database, lease.subject, done[1], goal)
    with database.write() as session:
        jobs.renew(session, lease)
        rules.forget(session, *done)
    return True


def _read_some(session: Session, change: RuleChange, left: Rereading) -> None:
    """The next outputs of an evaluation; where a grader must grade them first, it is without a score at its end."""
    read = _reader(session, change, left.evaluation_id)
    found = rules.outputs_after(session, left, ROWS)
    for output, text, tokens, position, reference in found:
        example = Placed(output.example_id, position, {}, output.label, reference)
        _write(output, *read(output, example, text, tokens))
        left.example_id, left.sample = output.example_id, output.sample
    change.outputs += len(found)
    left.read = len(found) < ROWS
    session.flush()
    if not _moves_the_mark(change):
        grades.forget(session, left.evaluation_id, [row[0].example_id for row in found])
    if left.read and _is_ungraded(change):
        evaluations.clear(session, left.evaluation_id)
        rules.forget(session, change.id, left.evaluation_id)


Read = Callable[[Output, Placed, str, bytes | None], tuple[int, float | None]]


def _reader(session: Session, change: RuleChange, evaluation_id: str) -> Read:
    """Gives (reading, score) of an output by the new rule."""
    if _moves_the_mark(change):
        mark = Decimal(change.after["texts"]["right_from"])
        return lambda output, *_: (_by_mark(output, mark), output.score)
    evaluation = session.get_one(Evaluation, evaluation_id)
    version = prompts.get(session, evaluation.prompt_version_id)
    questions = questions_of(projects.get(session, change.project_id), version)

    def read(output: Output, example: Placed, text: str, tokens: bytes | None) -> tuple[int, float | None]:
        columns = questions.answered(example, text, tokens).output
        return columns["reading"], columns["score"]

    return read


def _moves_the_mark(change: RuleChange) -> bool:
    """Whether only the grade from which an answer is right is another, so that the grades stay."""
    before, after = change.before.get("texts", {}), change.after.get("texts", {})
    return bool(before) and before.get("match") in GRADED and {**before, "right_from": after["right_from"]} == after


def _by_mark(output: Output, mark: Decimal) -> int:
    if output.score is None or output.reading < 0:
        return output.reading
    return RIGHT if Decimal(repr(output.score)) >= mark else WRONG


def _write(output: Output, reading: int, score: float | None) -> None:
    """What has no grade does not count, so that it is asked for; what another model answered counts as it did."""
    was_waiting, output.reading, output.score = output.reading == UNGRADED, reading, score
    if reading == UNGRADED:
        output.counts = False
    elif was_waiting and output.served_by is None:
        output.counts = True


def _is_ungraded(change: RuleChange) -> bool:
    return is_graded(answerspace.load(change.after)) and not _moves_the_mark(change)
