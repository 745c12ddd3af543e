"""How sure a task model was: shares over the possible answers beside an output, and thresholds that people froze."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ForeignKey, Index, LargeBinary, Row, Select, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.storage import comparisons
from app.storage.answers import StoredAnswer
from app.storage.base import Base, Owned, new_id
from app.storage.campaigns import HoldoutOpening
from app.storage.evaluations import Evaluation, Output
from app.storage.session import add_rows
from app.storage.test_sets import Example, Placement, open_everywhere

Key = tuple[str, int, int]
AT_ONCE = 500  # ids in one statement


class Probability(Base):
    """The shares of one output as little-endian 32-bit floats, field after field; `source` says where they come from."""

    __tablename__ = "probability"
    evaluation_id: Mapped[str] = mapped_column(ForeignKey("evaluation.id"), primary_key=True)
    example_id: Mapped[int] = mapped_column(ForeignKey("example.id"), primary_key=True)
    sample: Mapped[int] = mapped_column(primary_key=True, default=0)
    shares: Mapped[bytes] = mapped_column(LargeBinary)
    source: Mapped[str]
    uncertain: Mapped[bool] = mapped_column(default=False)


class Threshold(Owned, Base):
    """Thresholds chosen on dev for one prompt version on one task model; they hold while `key` is what it was."""

    __tablename__ = "threshold"
    __table_args__ = (Index("ix_threshold_version", "prompt_version_id", "endpoint_id", "created_at"),)
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"))
    prompt_version_id: Mapped[str] = mapped_column(ForeignKey("prompt_version.id"))
    endpoint_id: Mapped[str] = mapped_column(ForeignKey("endpoint.id"))
    evaluation_id: Mapped[str] = mapped_column(ForeignKey("evaluation.id"))
    key: Mapped[str]
    chosen: Mapped[dict[str, Any]]


def add(session: Session, outputs: Sequence[dict[str, Any]], rows: Sequence[dict[str, Any]]) -> None:
    """Store the shares of outputs that were stored just now, and forget those of outputs that gave way to them.

    An output that stayed in place of the one given keeps its own.
    """
    by_evaluation: dict[str, list[dict[str, Any]]] = {}
    for output in outputs:
        by_evaluation.setdefault(output["evaluation_id"], []).append(output)
    shared = {_key(row) for row in rows}
    there = set[Key]()
    for evaluation_id, mine in by_evaluation.items():
        if any(_key(output) in shared for output in mine) or any_shares(session, evaluation_id):
            there |= _stored(session, evaluation_id, mine)
            _forget(session, evaluation_id, there - shared)
    if kept := [row for row in rows if _key(row) in there]:
        add_rows(session, Probability, kept, _newest)


def _key(row: dict[str, Any]) -> Key:
    return row["evaluation_id"], row["example_id"], row["sample"]


def _stored(session: Session, evaluation_id: str, outputs: Sequence[dict[str, Any]]) -> set[Key]:
    """The keys of those of these outputs that are the ones in the table."""
    given = {_key(output): output["answer_id"] for output in outputs}
    ids, found = sorted({example_id for _, example_id, _ in given}), set[Key]()
    for start in range(0, len(ids), AT_ONCE):
        some = Output.example_id.in_(ids[start : start + AT_ONCE])
        query = select(Output.example_id, Output.sample, Output.answer_id).where(Output.evaluation_id == evaluation_id)
        for example_id, sample, answer_id in session.execute(query.where(some)):
            if given.get((evaluation_id, example_id, sample)) == answer_id:
                found.add((evaluation_id, example_id, sample))
    return found


def _forget(session: Session, evaluation_id: str, keys: Collection[Key]) -> None:
    by_sample: dict[int, list[int]] = {}
    for _, example_id, sample in sorted(key for key in keys if key[0] == evaluation_id):
        by_sample.setdefault(sample, []).append(example_id)
    for sample, ids in by_sample.items():
        for start in range(0, len(ids), AT_ONCE):
            some = Probability.example_id.in_(ids[start : start + AT_ONCE])
            mine = (Probability.evaluation_id == evaluation_id, Probability.sample == sample)
            session.execute(delete(Probability).where(*mine, some).execution_options(synchronize_session=False))


class ShareRows(NamedTuple):
    """The first samples that count and have shares, column by column, in the order of their examples.

    `shares` are the BLOBs joined; `sizes` their lengths in bytes.
    """

    examples: tuple[int, ...]
    groups: tuple[str | None, ...]
    expected: tuple[int, ...]
    readings: tuple[int, ...]
    uncertain: tuple[bool, ...]
    sources: frozenset[str]
    sizes: tuple[int, ...]
    shares: bytes


def share_rows(session: Session, evaluation: Evaluation, most: int, opening_id: str | None = None) -> ShareRows:
    """The shares of at most `most` examples, in one query. Raises ValueError for a holdout without its opening."""
    _check_seal(session, evaluation, opening_id)
    query = (
        _in_order(
            evaluation, Output.label, Output.reading, Probability.uncertain, Probability.source, Probability.shares
        )
        .join(
            Probability,
            (Probability.evaluation_id == Output.evaluation_id)
            & (Probability.example_id == Output.example_id)
            & (Probability.sample == Output.sample),
        )
        .where(Output.sample == 0)
        .limit(most)
    )
    columns = tuple(zip(*session.execute(query).all(), strict=True)) or ((),) * 7
    examples, groups, expected, readings, uncertain, sources, shares = columns
    sizes = tuple(map(len, shares))
    return ShareRows(examples, groups, expected, readings, uncertain, frozenset(sources), sizes, b"".join(shares))


def vote_rows(session: Session, evaluation: Evaluation, most: int, opening_id: str | None = None) -> Sequence[Row[Any]]:
    """(example, group, expected, reading, sample) of every sample that counts, in the order of the examples.

    Raises ValueError for a holdout without its opening.
    """
    _check_seal(session, evaluation, opening_id)
    query = _in_order(evaluation, Output.label, Output.reading, Output.sample).order_by(Output.sample)
    return session.execute(query.limit(most)).all()


def _in_order(evaluation: Evaluation, *columns: Any) -> Select[Any]:
    return (
        select(Output.example_id, Example.group, *columns)
        .join(Placement, Placement.example_id == Output.example_id)
        .join(Example, Example.id == Output.example_id)
        .where(Output.evaluation_id == evaluation.id, Output.counts)
        .where(Placement.version_id == evaluation.version_id, Placement.split == evaluation.split)
        .order_by(Placement.position)
    )


def _check_seal(session: Session, evaluation: Evaluation, opening_id: str | None) -> None:
    if evaluation.split in ("train", "dev"):
        return
    opening = session.get(HoldoutOpening, opening_id) if opening_id else None
    if opening is None or opening.version_id != evaluation.version_id:
        raise ValueError("the holdout is sealed")


def any_shares(session: Session, evaluation_id: str) -> bool:
    query = select(Probability.example_id).where(Probability.evaluation_id == evaluation_id)
    return session.scalar(query.limit(1)) is not None


def repeated(session: Session, evaluation_id: str) -> bool:
    """Whether an example was answered more than once."""
    query = select(Output.example_id).where(Output.evaluation_id == evaluation_id, Output.sample == 1)
    return session.scalar(query.limit(1)) is not None


def lacking(session: Session, evaluation_id: str, with_shares: int) -> int:
    """How many first samples count and have no shares."""
    counted = (Output.evaluation_id == evaluation_id, Output.sample == 0, Output.counts)
    return (session.scalar(select(func.count()).where(*counted)) or 0) - with_shares


class Doubtful(NamedTuple):
    """An example of an open split with what was read of it, and the call that brought its answer while that is known."""

    text: str
    expected: int
    reading: int
    reply: str
    uncertain: bool
    call_id: str | None


def doubtful(session: Session, evaluation: Evaluation, example_ids: Sequence[int]) -> dict[int, Doubtful]:
    """By example id. Raises ValueError for a holdout: its examples are on no page, nor are those that it is in elsewhere."""
    _check_seal(session, evaluation, None)
    query = (
        select(
            Output.example_id, Example.input, Output.label, Output.reading, StoredAnswer.text,
            Probability.uncertain, StoredAnswer.request_hash,
        )
        .join(Example, Example.id == Output.example_id)
        .join(StoredAnswer, StoredAnswer.id == Output.answer_id)
        .outerjoin(
            Probability,
            (Probability.evaluation_id == Output.evaluation_id)
            & (Probability.example_id == Output.example_id)
            & (Probability.sample == Output.sample),
        )
        .where(Output.evaluation_id == evaluation.id, Output.sample == 0, Output.example_id.in_(example_ids))
        .where(*open_everywhere(session, evaluation.version_id, Output.example_id))
    )  # fmt: skip
    calls = comparisons.calls(session, (evaluation.prompt_version_id,), example_ids)
    return {
        example_id: Doubtful(text, expected, reading, reply, bool(uncertain), calls.get((request_hash, 0)))
        for example_id, text, expected, reading, reply, uncertain, request_hash in session.execute(query)
    }


def freeze(session: Session, threshold: Threshold) -> Threshold:
    session.add(threshold)
    session.flush()
    return threshold


def frozen(session: Session, prompt_version_ids: Sequence[str], most: int = 50) -> list[Threshold]:
    """Thresholds of these prompt versions, the newest first."""
    query = select(Threshold).where(Threshold.prompt_version_id.in_(prompt_version_ids))
    return list(session.scalars(query.order_by(Threshold.created_at.desc(), Threshold.id).limit(most)))


def _newest(adding: Any) -> Any:
    news = {name: adding.excluded[name] for name in ("shares", "source", "uncertain")}
    return adding.on_conflict_do_update(index_elements=["evaluation_id", "example_id", "sample"], set_=news)
