"""Outputs as pages list them: what is right, what is wrong, and the answers of one cell of a confusion table."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from app.domain.answercodes import UNGRADED, UNREADABLE
from app.storage.answers import StoredAnswer
from app.storage.evaluations import Output
from app.storage.test_sets import Example, Placement, open_everywhere


@dataclass(frozen=True)
class Cell:
    """Answers by one digit of their codes: `expected` there, and `read`; UNREADABLE is no digit but the whole reading.

    One of the two may be None: then it is anything but the other, so that a value was missed or wrongly named. A digit
    is `code // weight % size`; of codes as they are the weight is 1 and the size that of all codes.
    """

    weight: int
    size: int
    expected: int | None
    read: int | None


def outputs(
    session: Session,
    evaluation_id: str,
    version_id: str,
    split: str,
    *,
    show: str,
    limit: int,
    offset: int = 0,
    cell: Cell | None = None,
) -> list[Any]:
    """Rows of an open split for a page: `show` those that are right, wrong, unreadable or without a grade, or those of one cell.

    The holdout has no such door, nor has an example that any other version of the test set holds back.
    """
    if split not in ("train", "dev"):
        raise ValueError("only train and dev are open")
    hit = Output.reading == Output.label
    kinds = {
        "right": hit,
        "wrong": ~hit,
        "unreadable": Output.reading == UNREADABLE,
        "ungraded": Output.reading == UNGRADED,
    }
    wanted = _in_cell(cell) if cell else kinds[show]
    query = (
        select(
            Output.example_id,
            Example.input,
            Output.label,
            Output.reading,
            Output.score,
            StoredAnswer.text.label("reply"),
            StoredAnswer.request_hash,
            StoredAnswer.sample,
            Placement.position,
            Placement.reference,
        )
        .join(Placement, (Placement.example_id == Output.example_id) & (Placement.version_id == version_id))
        .join(Example, Example.id == Output.example_id)
        .join(StoredAnswer, StoredAnswer.id == Output.answer_id)
        .where(
            Output.evaluation_id == evaluation_id, Output.sample == 0, Output.counts, Placement.split == split, wanted
        )
        .where(*open_everywhere(session, version_id, Output.example_id))
        .order_by(Placement.position)
        .limit(limit)
        .offset(offset)
    )
    return list(session.execute(query))


def _in_cell(cell: Cell) -> ColumnElement[bool]:
    there, named = Output.label // cell.weight % cell.size, Output.reading // cell.weight % cell.size
    if cell.expected is None:
        return (Output.reading >= 0) & (named == cell.read) & (there != cell.read)
    if cell.read is None:
        return (there == cell.expected) & ((Output.reading < 0) | (named != cell.expected))
    said = (Output.reading >= 0) & (named == cell.read) if cell.read >= 0 else Output.reading == cell.read
    return (there == cell.expected) & said
