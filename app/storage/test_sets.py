"""Test sets: frozen versions, their examples, and the split each example was placed in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    LargeBinary,
    ScalarSelect,
    Select,
    UniqueConstraint,
    case,
    func,
    select,
)
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column, undefer

from app.errors import NotFound
from app.storage.base import Base, BigId, Owned, new_id

OpenSplit = Literal["train", "dev"]


class TestSet(Owned, Base):
    __tablename__ = "test_set"
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    project_id: Mapped[str] = mapped_column(ForeignKey("project.id"), index=True)
    name: Mapped[str]


class TestSetVersion(Owned, Base):
    """One frozen list of examples, and the plan it was split by.

    `forbidden`, which is large, is all that a campaign is ever given of the holdout; `holdout_hash` tells whether two
    versions have the same examples sealed.
    """

    __tablename__ = "test_set_version"
    __table_args__ = (UniqueConstraint("test_set_id", "content_hash", "split_seed"),)
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    test_set_id: Mapped[str] = mapped_column(ForeignKey("test_set.id"))
    content_hash: Mapped[str]
    split_seed: Mapped[int]
    splits: Mapped[dict[str, Any]]
    label_counts: Mapped[dict[str, Any]]
    imported: Mapped[dict[str, Any]]
    variables: Mapped[list[Any]]
    plan: Mapped[dict[str, Any]] = mapped_column(default=dict)
    holdout_hash: Mapped[str] = mapped_column(default="")
    forbidden: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)


class Example(Base):
    __tablename__ = "example"
    __table_args__ = (UniqueConstraint("test_set_id", "key"),)
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    test_set_id: Mapped[str] = mapped_column(ForeignKey("test_set.id"))
    key: Mapped[str]
    input: Mapped[str]
    variables: Mapped[dict[str, Any]]
    group: Mapped[str | None]
    external_id: Mapped[str | None]
    at: Mapped[datetime | None]
    meta: Mapped[dict[str, Any]]


class Placement(Base):
    """Where an example stands in one version: the code of its expected answer, its split, its place in the fixed order.

    `reference` is the expected answer in words where a code cannot hold it: a number or a text.
    """

    __tablename__ = "placement"
    __table_args__ = (Index("ix_placement_order", "version_id", "split", "position", unique=True),)
    version_id: Mapped[str] = mapped_column(ForeignKey("test_set_version.id"), primary_key=True)
    example_id: Mapped[int] = mapped_column(ForeignKey("example.id"), primary_key=True)
    label: Mapped[int] = mapped_column(BigId)
    split: Mapped[str]
    position: Mapped[int]
    reference: Mapped[str | None]


@dataclass(frozen=True)
class Placed:
    """One example as a prompt sees it; `label` is the code of the expected answer, `reference` its words where needed."""

    example_id: int
    position: int
    values: Mapping[str, str]
    label: int
    reference: str | None = None


def get_version(session: Session, version_id: str) -> TestSetVersion:
    version = session.get(TestSetVersion, version_id)
    if version is None:
        raise NotFound("There is no such test set version.")
    return version


def get_with_forbidden(session: Session, version_id: str) -> TestSetVersion:
    """The version as the driver of a campaign needs it, beyond the end of the session."""
    query = select(TestSetVersion).where(TestSetVersion.id == version_id).options(undefer(TestSetVersion.forbidden))
    return session.scalars(query).one()


def newest_version(session: Session, project_id: str) -> TestSetVersion | None:
    return session.scalar(
        select(TestSetVersion)
        .join(TestSet, TestSet.id == TestSetVersion.test_set_id)
        .where(TestSet.project_id == project_id)
        .order_by(TestSetVersion.created_at.desc(), TestSetVersion.id)
        .limit(1)
    )


@dataclass(frozen=True)
class Member:
    """One example of a version, whatever its split, as an import needs it that adds rows to the version."""

    key: str
    input: str
    variables: Mapping[str, str]
    group: str | None
    external_id: str | None
    at: datetime | None
    label: int
    reference: str | None
    split: str


def members(session: Session, version_id: str) -> list[Member]:
    """All splits, the holdout among them: for the import alone, which places new rows beside old ones by their keys."""
    columns = (
        Example.key, Example.input, Example.variables, Example.group, Example.external_id, Example.at,
        Placement.label, Placement.reference, Placement.split,
    )  # fmt: skip
    query = (
        select(*columns).join(Placement, Placement.example_id == Example.id).where(Placement.version_id == version_id)
    )
    return [Member(*row) for row in session.execute(query.order_by(Example.key))]


def known_splits(session: Session, test_set_id: str) -> dict[str, str]:
    """The split of every example that any version of the set had, by key; what was ever open is never sealed again."""
    query = (
        select(Example.key, Placement.split)
        .join(Placement, Placement.example_id == Example.id)
        .join(TestSetVersion, TestSetVersion.id == Placement.version_id)
        .where(TestSetVersion.test_set_id == test_set_id)
        .order_by(TestSetVersion.created_at, TestSetVersion.id)
    )
    found: dict[str, str] = {}
    for key, split in session.execute(query):
        if split != "holdout" or key not in found:
            found[key] = split
    return found


def versions(session: Session, test_set_id: str) -> list[TestSetVersion]:
    """Newest first."""
    query = select(TestSetVersion).where(TestSetVersion.test_set_id == test_set_id)
    return list(session.scalars(query.order_by(TestSetVersion.created_at.desc(), TestSetVersion.id)))


def get_set(session: Session, test_set_id: str) -> TestSet:
    found = session.get(TestSet, test_set_id)
    if found is None:
        raise NotFound("There is no such test set.")
    return found


def examples(session: Session, version_id: str, split: OpenSplit, first: int | None = None) -> list[Placed]:
    """The first examples of an open split in its fixed order. The holdout has another door."""
    if split not in ("train", "dev"):
        raise ValueError("only train and dev are open")
    return _placed(session, version_id, split, first)


def sealed_examples(session: Session, version_id: str, opening_id: str) -> list[Placed]:
    """The holdout, for whoever holds a recorded opening of it."""
    _check_seal(session, version_id, opening_id)
    return _placed(session, version_id, "holdout", None)


def _check_seal(session: Session, version_id: str, opening_id: str | None) -> None:
    from app.storage.campaigns import HoldoutOpening

    opening = session.get(HoldoutOpening, opening_id) if opening_id else None
    if opening is None or opening.version_id != version_id:
        raise ValueError("the holdout is sealed")


def placed_between(
    session: Session,
    version_id: str,
    split: str,
    first: int,
    upto: int,
    beside: ScalarSelect[Any],
    opening_id: str | None = None,
) -> list[tuple[Placed, Any]]:
    """The examples at the places `first` to `upto` (not included) of a split's order; the holdout's with an opening.

    Beside each stands what a subquery about its placement finds.
    """
    if split not in ("train", "dev"):
        _check_seal(session, version_id, opening_id)
    there = (Placement.position >= first) & (Placement.position < upto)
    query = _order(version_id, split).where(there).add_columns(beside.label("beside"))
    return [(_placed_of(row), row.beside) for row in session.execute(query)]


def _placed(session: Session, version_id: str, split: str, first: int | None) -> list[Placed]:
    return [_placed_of(row) for row in session.execute(_order(version_id, split).limit(first))]


def _order(version_id: str, split: str) -> Select[Any]:
    return (
        select(
            Placement.example_id,
            Placement.position,
            Placement.label,
            Placement.reference,
            Example.input,
            Example.variables,
        )
        .join(Example, Example.id == Placement.example_id)
        .where(Placement.version_id == version_id, Placement.split == split)
        .order_by(Placement.position)
    )


def _placed_of(row: Any) -> Placed:
    return Placed(row.example_id, row.position, {**row.variables, "input": row.input}, row.label, row.reference)


def open_everywhere(session: Session, version_id: str, example_id: Any) -> list[ColumnElement[bool]]:
    """That no other version of the test set holds an example back; nothing to ask when there is no other.

    The split is no condition, so that nothing but the whole key of a placement is worth looking it up by.
    """
    others = _other_versions(session, version_id)
    if not others:
        return []
    there = aliased(Placement)
    held = select(func.max(case((there.split == "holdout", 1), else_=0)))
    held = held.where(there.version_id.in_(others), there.example_id == example_id)
    return [func.coalesce(held.scalar_subquery(), 0) == 0]


def held_back(session: Session, version_id: str, split: OpenSplit) -> int:
    """How many examples of this split other versions of the test set hold back: they are on no page."""
    others = _other_versions(session, version_id)
    if not others:
        return 0
    there = aliased(Placement)
    query = (
        select(func.count(Placement.example_id.distinct()))
        .join(there, there.example_id == Placement.example_id)
        .where(Placement.version_id == version_id, Placement.split == split)
        .where(there.version_id.in_(others), there.split == "holdout")
    )
    return session.scalar(query) or 0


def _other_versions(session: Session, version_id: str) -> list[str]:
    mine, other = aliased(TestSetVersion), aliased(TestSetVersion)
    query = select(other.id).join(mine, mine.test_set_id == other.test_set_id)
    return list(session.scalars(query.where(mine.id == version_id, other.id != version_id)))


def groups(session: Session, version_id: str, split: str) -> dict[int, int]:
    """By example id a number, the same for examples of one group; only of those whose group has one. No text leaves."""
    if not get_version(session, version_id).plan.get("groups"):
        return {}
    query = (
        select(Placement.example_id, func.dense_rank().over(order_by=Example.group))
        .join(Example, Example.id == Placement.example_id)
        .where(Placement.version_id == version_id, Placement.split == split, Example.group.is_not(None))
    )
    return {example_id: number for example_id, number in session.execute(query)}


def split_labels(session: Session, version_id: str) -> dict[str, dict[int, int]]:
    """How many examples of each label every split holds; counts only."""
    counts: dict[str, dict[int, int]] = {}
    query = (
        select(Placement.split, Placement.label, func.count())
        .where(Placement.version_id == version_id)
        .group_by(Placement.split, Placement.label)
    )
    for split, label, count in session.execute(query):
        counts.setdefault(split, {})[label] = count
    return counts


def add_examples(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    session.execute(Example.__table__.insert(), rows)  # type: ignore[attr-defined]


def place_examples(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    session.execute(Placement.__table__.insert(), rows)  # type: ignore[attr-defined]


def ids_by_key(session: Session, test_set_id: str) -> dict[str, int]:
    query = select(Example.key, Example.id).where(Example.test_set_id == test_set_id)
    return {key: example_id for key, example_id in session.execute(query)}
