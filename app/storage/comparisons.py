"""Two evaluations side by side: their readings counted in the database, their examples listed in the fixed order.

Only train and dev have such doors. An example that any version of the test set holds back is in no count and no list.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import nan
from typing import Any

from sqlalchemy import ColumnElement, case, func, or_, select
from sqlalchemy.orm import Session

from app.domain.pairing import UNREADABLE, Cell, Kind
from app.storage.answers import Call, StoredAnswer
from app.storage.evaluations import Evaluation, Output, amount_columns
from app.storage.test_sets import Example, Placement, open_everywhere

Pair = tuple[int, int, int, tuple[float, ...]]  # expected, read of a, read of b, a's amounts and then b's
Given = tuple[int, int, int, tuple[float, ...]]  # example, expected, read, amounts


@dataclass(frozen=True)
class Place:
    """An example at its place in the order; `expected` is the code of its answer, `reference` the words if it has any."""

    example_id: int
    position: int
    expected: int
    reference: str | None


@dataclass(frozen=True)
class Wanted:
    """Which examples: of a kind, with one expected answer or any, behind or before a place (both not included)."""

    kind: Kind = "all"
    expected: int | None = None
    after: int | None = None
    before: int | None = None


@dataclass(frozen=True)
class Reply:
    """What one evaluation answered to one example; `score` where it can be partly right."""

    reading: int
    score: float | None
    text: str
    request_hash: str
    sample: int


def require_open(*found: Evaluation) -> None:
    if any(one.split not in ("train", "dev") for one in found):
        raise ValueError("only train and dev are open")


def cells(session: Session, a: Evaluation, b: Evaluation) -> tuple[Cell, ...]:
    """(expected, read of a, read of b, how many) of the examples that both answered, as a's test set expects it.

    One pass over the outputs of both, grouped by example: there is no join for a planner to get wrong.
    """
    require_open(a, b)
    of_a, of_b = Output.evaluation_id == a.id, Output.evaluation_id == b.id
    both = (
        select(
            func.max(case((of_a, Output.label))).label("expected"),
            func.max(case((of_a, Output.reading))).label("a"),
            func.max(case((of_b, Output.reading))).label("b"),
        )
        .where(Output.evaluation_id.in_((a.id, b.id)), Output.sample == 0, Output.counts)
        .group_by(Output.example_id)
        .having(func.count() == 2)
    )
    for nowhere_sealed in open_everywhere(session, a.version_id, Output.example_id):
        both = both.where(nowhere_sealed)
    found = both.subquery()
    key = found.c.expected, found.c.a, found.c.b
    query = select(*key, func.count()).group_by(*key).order_by(*key)
    return tuple((expected, read_a, read_b, n) for expected, read_a, read_b, n in session.execute(query))


def amounts(session: Session, a: Evaluation, b: Evaluation, names: Sequence[str]) -> tuple[Pair, ...]:
    """What each example that both answered gave, in no order; a score without a grade is not a number."""
    require_open(a, b)
    of_a, of_b = Output.evaluation_id == a.id, Output.evaluation_id == b.id
    query = (
        select(
            func.max(case((of_a, Output.label))),
            func.max(case((of_a, Output.reading))),
            func.max(case((of_b, Output.reading))),
            *(func.max(case((side, column))) for side in (of_a, of_b) for column in amount_columns(names)),
        )
        .join(StoredAnswer, StoredAnswer.id == Output.answer_id)
        .where(Output.evaluation_id.in_((a.id, b.id)), Output.sample == 0, Output.counts)
        .group_by(Output.example_id)
        .having(func.count() == 2)
    )
    for nowhere_sealed in open_everywhere(session, a.version_id, Output.example_id):
        query = query.where(nowhere_sealed)
    return tuple(
        (expected, read_a, read_b, tuple(nan if one is None else float(one) for one in known))
        for expected, read_a, read_b, *known in session.execute(query)
    )


def repeated(session: Session, a: Evaluation, b: Evaluation) -> bool:
    """Whether any example has more than one answer of a or of b."""
    query = select(Output.example_id).where(Output.evaluation_id.in_((a.id, b.id)), Output.sample > 0, Output.counts)
    return session.scalar(query.limit(1)) is not None


def given(session: Session, a: Evaluation, b: Evaluation, names: Sequence[str]) -> tuple[tuple[Given, ...], ...]:
    """Every answer of a and every one of b to the examples that both answered, by example and sample.

    Expected is what a's test set expects; a score without a grade is not a number.
    """
    require_open(a, b)
    query = select(Output.evaluation_id, Output.example_id, Output.sample, Output.label, Output.reading).where(
        Output.evaluation_id.in_((a.id, b.id)), Output.counts
    )
    if names:
        query = query.add_columns(*amount_columns(names)).join(StoredAnswer, StoredAnswer.id == Output.answer_id)
    for nowhere_sealed in open_everywhere(session, a.version_id, Output.example_id):
        query = query.where(nowhere_sealed)
    rows = session.execute(query.order_by(Output.example_id, Output.sample)).all()
    expected = {row.example_id: row.label for row in rows if row.evaluation_id == a.id and row.sample == 0}
    both = expected.keys() & {row.example_id for row in rows if row.evaluation_id == b.id and row.sample == 0}
    sides: dict[str, list[Given]] = {a.id: [], b.id: []}
    row: Any
    for row in rows:
        if row.example_id in both:
            amounts = tuple(nan if one is None else float(one) for one in row[5:])
            sides[row.evaluation_id].append((row.example_id, expected[row.example_id], row.reading, amounts))
    return tuple(sides[a.id]), tuple(sides[b.id])


def relabelled(session: Session, a: Evaluation, b: Evaluation) -> int:
    """Of the examples that both answered, how many expect another answer in b's version of the test set than in a's."""
    if a.version_id == b.version_id:
        return 0
    both = (
        select(Output.example_id)
        .where(Output.evaluation_id.in_((a.id, b.id)), Output.sample == 0, Output.counts)
        .group_by(Output.example_id)
        .having((func.count() == 2) & (func.min(Output.label) != func.max(Output.label)))
    )
    return session.scalars(select(func.count()).select_from(both.subquery())).one()


def places(session: Session, a: Evaluation, b: Evaluation, wanted: Wanted, limit: int) -> list[Place]:
    """The next examples that fit, in the order of a's split; with `before` those nearest before that place.

    Each output is looked up by its whole key: left to a join, PostgreSQL, which knows nothing of an evaluation that
    has just begun, may read all outputs of one for every example of the other.
    """
    require_open(a, b)
    query = (
        select(Placement.example_id, Placement.position, Placement.label, Placement.reference)
        .where(Placement.version_id == a.version_id, Placement.split == a.split)
        .where(*_fitting(wanted.kind, a, b))
    )
    for nowhere_sealed in open_everywhere(session, a.version_id, Placement.example_id):
        query = query.where(nowhere_sealed)
    if wanted.expected is not None:
        query = query.where(Placement.label == wanted.expected)
    found = [Place(*row) for row in session.execute(_from(query, wanted).limit(limit))]
    return found if wanted.before is None else found[::-1]


def _from(query: Any, wanted: Wanted) -> Any:
    if wanted.before is not None:
        return query.where(Placement.position < wanted.before).order_by(Placement.position.desc())
    if wanted.after is not None:
        query = query.where(Placement.position > wanted.after)
    return query.order_by(Placement.position)


def _fitting(kind: Kind, a: Evaluation, b: Evaluation) -> list[ColumnElement[bool]]:
    """`pairing.fits` in SQL; a missing output is NULL, which fits nothing."""
    expected: Any = Placement.label
    read_a, read_b = read_of(a.id), read_of(b.id)
    match kind:
        case "fixed":
            return [read_a != expected, read_b == expected]
        case "broken":
            return [read_a == expected, read_b != expected]
        case "both_right":
            return [read_a == expected, read_b == expected]
        case "both_wrong":
            return [read_a != expected, read_b != expected]
        case "changed":
            return [read_a != read_b]
        case "unreadable":
            return [
                or_(
                    (read_a == UNREADABLE) & read_b.is_not(None),
                    (read_b == UNREADABLE) & read_a.is_not(None),
                )
            ]
        case "disagreements":
            return [or_((read_a == expected) & (read_b != expected), (read_a != expected) & (read_b == expected))]
    return [read_a.is_not(None), read_b.is_not(None)]


def read_of(evaluation_id: str) -> Any:
    """What an evaluation read from the placement's example, NULL when nothing counts."""
    return (
        select(Output.reading)
        .where(
            Output.evaluation_id == evaluation_id,
            Output.example_id == Placement.example_id,
            Output.sample == 0,
            Output.counts,
        )
        .correlate(Placement)
        .scalar_subquery()
    )


def inputs(session: Session, example_ids: Collection[int]) -> dict[int, str]:
    query = select(Example.id, Example.input).where(Example.id.in_(example_ids))
    return {example_id: text for example_id, text in session.execute(query)}


def replies(
    session: Session, evaluation_ids: Sequence[str], example_ids: Collection[int]
) -> dict[tuple[str, int], Reply]:
    """What was answered, by evaluation and example."""
    columns = (
        Output.evaluation_id, Output.example_id, Output.reading, Output.score,
        StoredAnswer.text, StoredAnswer.request_hash, StoredAnswer.sample,
    )  # fmt: skip
    query = (
        select(*columns)
        .join(StoredAnswer, StoredAnswer.id == Output.answer_id)
        .where(Output.evaluation_id.in_(evaluation_ids), Output.example_id.in_(example_ids))
        .where(Output.sample == 0, Output.counts)
    )
    return {(row[0], row[1]): Reply(*row[2:]) for row in session.execute(query)}


def calls(
    session: Session, prompt_version_ids: Collection[str], example_ids: Collection[int]
) -> dict[tuple[str, int], str]:
    """The ids of the calls that brought answers to these examples, by the request's hash and the sample: the first of each.

    Neither the order nor the holdout's flag is put so that the log's own index could answer it: SQLite would take that
    one, and read the whole log.
    """
    query = select(Call.request_hash, Call.sample, Call.id, Call.created_at).where(
        Call.example_id.in_(example_ids),
        Call.prompt_version_id.in_(prompt_version_ids),
        Call.ok.is_(True),
        Call.holdout.is_not(True),
    )
    found = sorted(session.execute(query), key=lambda row: (row.created_at, row.id), reverse=True)
    return {(row.request_hash, row.sample): row.id for row in found}
