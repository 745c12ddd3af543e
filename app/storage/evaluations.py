"""Evaluations and their outputs: one prompt version on one task model over one split."""

from collections.abc import Sequence
from hashlib import sha256
from math import nan
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, ForeignKey, UniqueConstraint, case, func, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.domain.answercodes import UNGRADED, UNREADABLE
from app.domain.answered import Answers
from app.domain.units import units_of
from app.storage.answers import StoredAnswer
from app.storage.base import Base, BigId, new_id
from app.storage.session import add_rows, insert_new
from app.storage.test_sets import Placed, Placement, groups, placed_between

if TYPE_CHECKING:
    from app.domain.metrics import Estimate

TAKES = ("tokens", "cost")


class Evaluation(Base):
    """The summary is written when a prefix is scored; boards never scan outputs."""

    __tablename__ = "evaluation"
    __table_args__ = (UniqueConstraint("prompt_version_id", "endpoint_id", "version_id", "split", "settings_hash"),)
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    prompt_version_id: Mapped[str] = mapped_column(ForeignKey("prompt_version.id"))
    endpoint_id: Mapped[str] = mapped_column(ForeignKey("endpoint.id"))
    version_id: Mapped[str] = mapped_column(ForeignKey("test_set_version.id"))
    split: Mapped[str]
    settings_hash: Mapped[str]
    goal: Mapped[str | None]
    value: Mapped[float | None]
    low: Mapped[float | None]
    high: Mapped[float | None]
    n: Mapped[int] = mapped_column(default=0)
    right: Mapped[int] = mapped_column(default=0)
    unreadable: Mapped[int] = mapped_column(default=0)
    summary: Mapped[dict[str, Any] | None]


class Output(Base):
    """One example answered: `reading` is the code of the answer or UNREADABLE, scored against `label`, the one expected.

    `score` is there where an answer can be partly right: from 0 to 1.

    `served_by` is the endpoint that answered when it was not the evaluation's own; what does not count is asked again.
    """

    __tablename__ = "output"
    evaluation_id: Mapped[str] = mapped_column(ForeignKey("evaluation.id"), primary_key=True)
    example_id: Mapped[int] = mapped_column(ForeignKey("example.id"), primary_key=True)
    sample: Mapped[int] = mapped_column(primary_key=True, default=0)
    reading: Mapped[int] = mapped_column(BigId)
    label: Mapped[int] = mapped_column(BigId)
    score: Mapped[float | None]
    answer_id: Mapped[int] = mapped_column(ForeignKey("answer.id"))
    served_by: Mapped[str | None] = mapped_column(ForeignKey("endpoint.id"))
    counts: Mapped[bool] = mapped_column(default=True)


def find_or_add(
    session: Session, prompt_version_id: str, endpoint_id: str, version_id: str, split: str, settings_hash: str
) -> Evaluation:
    key = {
        "prompt_version_id": prompt_version_id,
        "endpoint_id": endpoint_id,
        "version_id": version_id,
        "split": split,
        "settings_hash": settings_hash,
    }
    session.execute(insert_new(session, Evaluation).values(id=new_id(), n=0, right=0, unreadable=0, **key))
    return session.scalars(select(Evaluation).filter_by(**key)).one()


def found(
    session: Session, prompt_version_id: str, endpoint_id: str, version_id: str, split: str, settings_hash: str
) -> Evaluation | None:
    """The evaluation if there is one; nothing is made."""
    key = {"prompt_version_id": prompt_version_id, "endpoint_id": endpoint_id, "version_id": version_id}
    return session.scalars(select(Evaluation).filter_by(split=split, settings_hash=settings_hash, **key)).first()


def on_holdout(session: Session, prompt_version_id: str, endpoint_id: str, version_id: str) -> list[Evaluation]:
    """The evaluations of a prompt version on this holdout, the one with most examples first; they hold no rows."""
    key = {"prompt_version_id": prompt_version_id, "endpoint_id": endpoint_id, "version_id": version_id}
    query = select(Evaluation).filter_by(split="holdout", **key).order_by(Evaluation.n.desc(), Evaluation.id)
    return list(session.scalars(query))


def readings(session: Session, evaluation_id: str) -> dict[int, tuple[int, int]]:
    """(reading, answer id) by example id, of what counts."""
    query = select(Output.example_id, Output.reading, Output.answer_id).where(
        Output.evaluation_id == evaluation_id, Output.sample == 0, Output.counts
    )
    return {row.example_id: (row.reading, row.answer_id) for row in session.execute(query)}


def amounts(
    session: Session, evaluation_id: str, example_ids: Sequence[int], names: Sequence[str]
) -> dict[str, tuple[float, ...]]:
    """One number of each name for every example: its graded score, or its answer's tokens or cost (micro-units).

    What is not known counts as 0; an answer that is only right or wrong scores 1 or 0. So one without a grade scores 0:
    these amounts decide battles and verdicts, and no prompt may gain by what its judge cannot read.
    """
    if not names:
        return {}
    columns = amount_columns(names)
    query = (
        select(Output.example_id, *columns)
        .join(StoredAnswer, StoredAnswer.id == Output.answer_id)
        .where(Output.evaluation_id == evaluation_id, Output.sample == 0, Output.counts)
    )
    found = {row[0]: row[1:] for row in session.execute(query)}
    return {name: tuple(float(found[one][place] or 0) for one in example_ids) for place, name in enumerate(names)}


def amount_columns(names: Sequence[str]) -> "list[ColumnElement[Any]]":
    """These amounts of an output that is joined with its answer; NULL for an answer without a grade."""
    right = case((Output.reading == Output.label, 1.0), else_=0.0)
    columns: dict[str, ColumnElement[Any]] = {
        "score": case((Output.reading == UNGRADED, None), else_=func.coalesce(Output.score, right)),
        "tokens": func.coalesce(StoredAnswer.tokens_in, 0) + func.coalesce(StoredAnswer.tokens_out, 0),
        "cost": func.coalesce(StoredAnswer.cost, 0),
    }
    return [columns[name] for name in names]


def replies(session: Session, evaluation_id: str) -> dict[int, str]:
    """What the task model wrote, by example id."""
    query = (
        select(Output.example_id, StoredAnswer.text)
        .join(StoredAnswer, StoredAnswer.id == Output.answer_id)
        .where(Output.evaluation_id == evaluation_id, Output.sample == 0, Output.counts)
    )
    return {example_id: text for example_id, text in session.execute(query)}


def add_outputs(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Store outputs; one that counts already stays, one that does not gives way to the new one.

    No example may be there twice.
    """
    if rows:
        add_rows(session, Output, rows, _unless_counted)


def _unless_counted(adding: Any) -> Any:
    news = {name: adding.excluded[name] for name in ("reading", "label", "score", "answer_id", "served_by", "counts")}
    key = ["evaluation_id", "example_id", "sample"]
    return adding.on_conflict_do_update(index_elements=key, set_=news, where=~Output.counts)


def missing(
    session: Session, evaluation: Evaluation, sample: int, first: int, upto: int, opening_id: str | None = None
) -> tuple[list[Placed], set[int]]:
    """The examples at these places of the evaluation's split whose output is not there, or does not count.

    And the ids of those whose output does not count. Each is looked up by its whole key: left to itself PostgreSQL,
    which knows nothing of an evaluation that has just begun, would read all its outputs.
    """
    counts = (
        select(Output.counts)
        .where(
            Output.evaluation_id == evaluation.id, Output.example_id == Placement.example_id, Output.sample == sample
        )
        .scalar_subquery()
    )
    place = evaluation.version_id, evaluation.split, first, upto
    found = placed_between(session, *place, counts, opening_id)
    lacking = [example for example, there in found if not there]
    return lacking, {example.example_id for example, there in found if there is not None and not there}


def answered_in_order(session: Session, evaluation_id: str) -> Answers:
    """Everything that counts, in the order of its examples, samples of one example beside each other."""
    evaluation = session.get_one(Evaluation, evaluation_id)
    query = (
        select(
            Output.example_id,
            Output.label,
            Output.reading,
            Output.score,
            *amount_columns(TAKES),
            or_(StoredAnswer.tokens_in.is_(None), StoredAnswer.tokens_out.is_(None)).label("no_tokens"),
            StoredAnswer.cost.is_(None).label("no_cost"),
        )
        .join(StoredAnswer, StoredAnswer.id == Output.answer_id)
        .where(Output.evaluation_id == evaluation_id, Output.counts)
        .order_by(Output.example_id, Output.sample)
    )
    found: dict[int, list[Any]] = {}
    for row in session.execute(query):
        found.setdefault(row.example_id, []).append(row)
    placed = (
        select(Placement.example_id)
        .where(Placement.version_id == evaluation.version_id, Placement.split == evaluation.split)
        .order_by(Placement.position)
    )
    rows = [row for example_id in session.scalars(placed) for row in found.get(example_id, ())]
    scores = [_score(row) for row in rows]
    return Answers(
        expected=[row.label for row in rows],
        answered=[row.reading for row in rows],
        examples=[row.example_id for row in rows],
        amounts={"score": scores, "tokens": [float(row[4]) for row in rows], "cost": [float(row[5]) for row in rows]},
        units=units_of(groups(session, evaluation.version_id, evaluation.split), [row.example_id for row in rows]),
        unknown=frozenset(name for name in TAKES if any(getattr(row, f"no_{name}") for row in rows)),
    )


def _score(row: Any) -> float:
    if row.reading == UNGRADED:
        return nan
    return float(row.label == row.reading) if row.score is None else float(row.score)


def summary_of(session: Session, evaluation_id: str) -> dict[str, Any] | None:
    """What was summed up last; None for a holdout, which its openings alone tell of."""
    row = session.get_one(Evaluation, evaluation_id)
    return None if row.split == "holdout" else row.summary


def means_of(session: Session, evaluation_id: str) -> dict[str, float]:
    """What an answer takes on average by the stored summary: tokens, and cost in micro-units, where they are known."""
    means = (session.get_one(Evaluation, evaluation_id).summary or {}).get("means", {})
    return {name: found["value"] if isinstance(found, dict) else found for name, found in means.items()}


def summarise(
    session: Session,
    evaluation_id: str,
    goal: str,
    estimate: "Estimate",
    expected: Sequence[int],
    answered: Sequence[int],
    summary: dict[str, Any] | None = None,
) -> None:
    """Store the score, and all that is told beside it, so that no page has to scan outputs."""
    row = session.get_one(Evaluation, evaluation_id)
    row.goal, row.n, row.summary = goal, estimate.n, summary
    row.value, row.low, row.high = estimate.value, estimate.low, estimate.high
    row.right = sum(a == b for a, b in zip(expected, answered, strict=True))
    row.unreadable = sum(reading == UNREADABLE for reading in answered)


def clear(session: Session, evaluation_id: str) -> None:
    """Without a score, until somebody sums it up again."""
    row = session.get_one(Evaluation, evaluation_id)
    row.value = row.low = row.high = row.summary = None
    row.n = row.right = row.unreadable = 0


def settings_hash(temperature: float, max_tokens: int, seed: int | None = None) -> str:
    """The identity of how answers are drawn."""
    return sha256(
        f"Sampling(temperature={temperature!r}, max_tokens={max_tokens!r}, seed={seed!r})".encode()
    ).hexdigest()[:16]


def answered(session: Session, prompt_version_id: str, endpoint_id: str, version_id: str) -> int:
    """How many dev examples of this test set version the prompt version has answered already."""
    query = select(func.max(Evaluation.n)).where(
        Evaluation.prompt_version_id == prompt_version_id,
        Evaluation.endpoint_id == endpoint_id,
        Evaluation.version_id == version_id,
        Evaluation.split == "dev",
    )
    return session.scalar(query) or 0
