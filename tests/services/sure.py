"""Tickets that were answered with probabilities: outputs and shares put straight into the tables, and a run of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.settings import Settings
from app.storage import evaluations, ledger, probabilities, prompts, runs
from app.storage.answers import StoredAnswer
from app.storage.campaigns import HoldoutOpening
from app.storage.evaluations import Evaluation
from app.storage.prompts import PromptVersion
from app.storage.runs import Run
from app.storage.session import Database
from app.storage.test_sets import Placement, TestSetVersion
from tests.services.tickets import Tickets

LOGPROBS = {"how": "text", "before": [], "probabilities": "logprobs"}


@dataclass(frozen=True)
class Sure:
    """One run, its evaluation, and the rows as they were made: expected codes and shares of shape (n, labels)."""

    tickets: Tickets
    run_id: str
    evaluation_id: str
    version_id: str
    expected: np.ndarray[Any, Any]
    shares: np.ndarray[Any, Any]

    @property
    def database(self) -> Database:
        return self.tickets.database


def drawn(expected: np.ndarray[Any, Any], labels: int, seed: int, sharp: float = 2.0) -> np.ndarray[Any, Any]:
    """Shares as 32-bit floats that lead to the expected label more often than not."""
    logits = np.random.default_rng(seed).normal(size=(len(expected), labels))
    logits[np.arange(len(expected)), expected] += sharp
    raised = np.exp(1.5 * logits)
    shares: np.ndarray[Any, Any] = (raised / raised.sum(axis=1, keepdims=True)).astype("<f4")
    return shares


def answered(
    database: Database, settings: Settings, size: int, seed: int = 1, source: str = "logprobs", **given: Any
) -> Sure:
    """Every dev ticket answered; `form`, `split` and the shares themselves can be given."""
    tickets = given.get("tickets") or Tickets.at(database, settings, "http://127.0.0.1:9/v1", size)
    with database.write() as session:
        line = session.get_one(PromptVersion, tickets.prompt_id).prompt_id
        version = prompts.add(session, line, "Topic? {{input}}", "person", form=given.get("form", LOGPROBS))
        placed = session.query(Placement).order_by(Placement.position).all()
        kind = session.query(TestSetVersion).one()
        split = given.get("split", "dev")
        evaluation = evaluations.find_or_add(session, version.id, tickets.endpoint_id, kind.id, split, "sure")
        mine = [one for one in placed if one.split == split]
        expected = np.array([one.label for one in mine])
        shares = given.get("shares", drawn(expected, 3, seed))
        keep_rows(session, evaluation.id, [one.example_id for one in mine], expected, shares, source)
        evaluation.n = len(mine)
        run = _run(session, tickets, evaluation, len(mine))
        return Sure(tickets, run.id, evaluation.id, version.id, expected, shares)


def keep_rows(session: Any, evaluation_id: str, ids: list[int], expected: Any, shares: Any, source: str) -> None:
    answer = StoredAnswer(
        request_hash=f"sure {evaluation_id}", owner="", sample=0, text="billing", finish_reason="stop"
    )
    session.add(answer)
    session.flush()
    rows = []
    for example, label, row in zip(ids, expected.tolist(), shares, strict=True):
        key: Mapping[str, Any] = {"evaluation_id": evaluation_id, "example_id": example, "sample": 0}
        told = {"score": None, "answer_id": answer.id, "served_by": None, "counts": True}
        rows.append((dict(key), {**key, "reading": int(row.argmax()), "label": label, **told}, row.tobytes()))
    outputs = [output for _, output, _ in rows]
    evaluations.add_outputs(session, outputs)
    doubt = {"source": source, "uncertain": False}
    probabilities.add(session, outputs, [{**key, "shares": packed, **doubt} for key, _, packed in rows])


def _run(session: Any, tickets: Tickets, evaluation: Evaluation, size: int) -> Run:
    account = ledger.open_account(session, f"run:{evaluation.id}", {})
    run = Run(
        project_id=tickets.project_id, evaluation_id=evaluation.id, account_id=account.id, upto=size, samples=1,
        temperature=0.0, max_tokens=16,
    )  # fmt: skip
    runs.add(session, run, size)
    run.status = "finished"
    session.flush()
    return run


def seal(database: Database, size: int) -> None:
    """Make the last tickets the holdout."""
    with database.write() as session:
        for place in session.query(Placement).order_by(Placement.position.desc()).limit(size):
            place.split = "holdout"


def opened(database: Database, version_id: str = "") -> str:
    """The id of an opening of the holdout."""
    with database.write() as session:
        version = version_id or session.query(TestSetVersion).one().id
        opening = HoldoutOpening(version_id=version, reason="to see", number=1, report=None)
        session.add(opening)
        session.flush()
        return opening.id
