"""The answers of an evaluation as people read them: right, wrong, unreadable, or those of one cell of its confusions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from sqlalchemy.orm import Session

from app.domain.answercodes import UNREADABLE, UNREADABLE_NAME, name_of
from app.domain.grading import is_graded
from app.domain.shapes import Shape, shape_of
from app.errors import Conflict, NotFound
from app.services.questions import Questions, questions_of
from app.services.scoring import wanted
from app.storage import campaign_boards, comparisons, grades, projects, prompts, run_boards, shown
from app.storage.campaign_boards import Model
from app.storage.shown import Cell

SHOWN = 20
Digits = tuple[int, int | None, int | None]  # the place of a digit, what is expected there, and what was read


@dataclass(frozen=True)
class ShownAnswer:
    """An example with the reply it got; `answered` is None when the reply could not be read.

    `why` says what could not be read, or what a grader said; `graded` whether one was asked. `call_id` is None when it
    came from the store and no call for this example is in the log.
    """

    position: int
    input: str
    expected: str
    answered: str | None
    reply: str
    why: str
    right: bool
    score: float | None
    call_id: str | None
    graded: bool = False


@dataclass(frozen=True)
class ShownCell:
    """A cell in words: of one field, or label of a set, what is expected and what was read ("unreadable" too).

    Where one of them is None, it is anything but the other.
    """

    place: int
    expected_code: int | None
    read_code: int | None
    field: str
    expected: str | None
    read: str | None


@dataclass(frozen=True)
class RunAnswers:
    """A page of the answers of a run's evaluation, in the test set's fixed order.

    `n`, `right`, `unreadable` and `ungraded` were counted when a run of it ended.
    """

    run_id: str
    project_id: str
    project: str
    version_id: str
    version: int
    task_model: Model
    split: str
    n: int
    right: int
    unreadable: int
    ungraded: int
    show: str
    cell: ShownCell | None
    answers: list[ShownAnswer]
    offset: int
    next_offset: int | None


def run_answers(
    session: Session, run_id: str, show: str = "wrong", cell: Digits | None = None, offset: int = 0
) -> RunAnswers:
    """Raises NotFound, and Conflict for a holdout's run."""
    facts = run_boards.facts(session, run_id)
    evaluation = facts.evaluation
    if evaluation.split not in ("train", "dev"):
        raise Conflict("The holdout's answers are not shown; its report says what they came to.")
    project = projects.get(session, facts.run.project_id)
    asking = questions_of(project, prompts.get(session, evaluation.prompt_version_id))
    shape = shape_of(project.answer_space)
    rows = shown.outputs(
        session,
        evaluation.id,
        evaluation.version_id,
        evaluation.split,
        show=show,
        cell=_stored(shape, cell) if cell else None,
        limit=SHOWN + 1,
        offset=offset,
    )
    told = evaluation.summary or {}
    return RunAnswers(
        run_id=run_id,
        project_id=project.id,
        project=project.name,
        version_id=evaluation.prompt_version_id,
        version=facts.version,
        task_model=campaign_boards.models(session)[evaluation.endpoint_id],
        split=evaluation.split,
        n=told["samples"]["examples"] if "samples" in told else evaluation.n,
        right=evaluation.right,
        unreadable=evaluation.unreadable,
        ungraded=told["ungraded"]["count"] if "ungraded" in told else 0,
        show=show,
        cell=_in_words(shape, cell) if cell else None,
        answers=shown_answers(session, evaluation.id, asking, evaluation.prompt_version_id, rows[:SHOWN]),
        offset=offset,
        next_offset=offset + SHOWN if len(rows) > SHOWN else None,
    )


def cell_of(place: int | None, expected: int | None, read: int | None) -> Digits | None:
    """The cell that was asked for: a place with one value or two."""
    return None if place is None or expected == read is None else (place, expected, read)


def shown_answers(
    session: Session, evaluation_id: str, asking: Questions, version_id: str, rows: Sequence[Any]
) -> list[ShownAnswer]:
    """Rows of `shown.outputs`, read again for the words of what they say."""
    ids = [row.example_id for row in rows]
    calls = comparisons.calls(session, [version_id], ids)
    found = [_shown(asking, row, calls.get((row.request_hash, row.sample))) for row in rows]
    if not is_graded(asking.answers):
        return found
    given = grades.of_examples(session, evaluation_id, ids)
    said = [given.get(one) for one in ids]
    return [replace(one, why=grade.why, graded=True) if grade else one for one, grade in zip(found, said, strict=True)]


def _shown(asking: Questions, row: Any, call_id: str | None) -> ShownAnswer:
    read = asking.value(row.reply, row.reference)
    unreadable = row.reading == UNREADABLE
    return ShownAnswer(
        position=row.position,
        input=row.input,
        expected=wanted(asking.answers, row.label, row.reference),
        answered=None if unreadable else read.value or name_of(asking.answers, row.reading),
        why=read.why if unreadable else "",
        right=row.reading == row.label,
        score=row.score,
        reply=row.reply,
        call_id=call_id,
    )


def _stored(shape: Shape, cell: Digits) -> Cell:
    place, expected, read = cell
    size = len(shape.digits[place].values) if place < len(shape.digits) else 0
    fits = (expected is None or 0 <= expected < size) and (read is None or -1 <= read < size)
    if not size or not fits or (expected is None and read == UNREADABLE):
        raise NotFound("The project has no such answers.")
    return Cell(prod(len(one.values) for one in shape.digits[:place]), size, expected, read)


def _in_words(shape: Shape, cell: Digits) -> ShownCell:
    place, expected, read = cell
    digit = shape.digits[place]
    names = [*digit.values, UNREADABLE_NAME]  # which is the last, so that -1 finds it
    there, said = (None if code is None else names[code] for code in (expected, read))
    return ShownCell(*cell, digit.name, there, said)
