"""Shares are those of the output that is there, on both databases: whoever gave way, and whoever stayed."""

from typing import Any

import numpy as np
import pytest

from app.settings import Settings
from app.storage import evaluations, probabilities
from app.storage.answers import StoredAnswer
from app.storage.evaluations import Output
from app.storage.probabilities import Probability
from app.storage.session import Database
from tests.services.sure import Sure, answered

OLD, NEW = 0.25, 0.75


def replied(sure: Sure, example_id: int, *, share: float | None, counts: bool, answer: str) -> None:
    """One more answer to the example, as a block would store it."""
    with sure.database.write() as session:
        stored = StoredAnswer(request_hash=answer, owner="", sample=0, text="billing", finish_reason="stop")
        session.add(stored)
        session.flush()
        key = {"evaluation_id": sure.evaluation_id, "example_id": example_id, "sample": 0}
        told = {"reading": 0, "label": 0, "score": None, "served_by": None, "counts": counts}
        outputs = [{**key, **told, "answer_id": stored.id}]
        evaluations.add_outputs(session, outputs)
        probabilities.add(session, outputs, [{**key, **packed(share)}] if share is not None else [])


def packed(share: float) -> dict[str, Any]:
    return {"shares": np.array([share, 0, 0], "<f4").tobytes(), "source": "logprobs", "uncertain": False}


def share_of(sure: Sure, example_id: int) -> float | None:
    with sure.database.read() as session:
        row = session.get(Probability, (sure.evaluation_id, example_id, 0))
        return None if row is None else float(np.frombuffer(row.shares, "<f4")[0])


@pytest.mark.parametrize(
    ("first_counts", "first", "second", "left"),
    [
        (False, OLD, NEW, NEW), (False, OLD, None, None), (False, None, NEW, NEW),
        (True, OLD, NEW, OLD), (True, OLD, None, OLD), (True, None, NEW, None),
    ],
)  # fmt: skip
def test_shares_are_those_of_the_output_that_is_there(
    database: Database,
    settings: Settings,
    first_counts: bool,
    first: float | None,
    second: float | None,
    left: float | None,
) -> None:
    sure = answered(database, settings, 6)
    with database.write() as session:
        example_id = session.query(Output.example_id).order_by(Output.example_id).first()[0]  # type: ignore[index]
        for table in (Probability, Output):
            session.query(table).filter_by(example_id=example_id).delete()
    replied(sure, example_id, share=first, counts=first_counts, answer="one")
    replied(sure, example_id, share=second, counts=True, answer="two")
    assert share_of(sure, example_id) == left
    with database.read() as session:
        assert session.query(Probability).count() == 5 + (left is not None), "no other example's shares are touched"


def test_shares_of_more_outputs_than_one_statement_takes_are_stored(database: Database, settings: Settings) -> None:
    sure = answered(database, settings, 2 * probabilities.AT_ONCE + 1)
    with database.read() as session:
        assert session.query(Probability).count() == len(sure.shares)
