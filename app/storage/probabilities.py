"""How sure a task model was: shares over the possible answers beside an output, and thresholds that people froze."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.storage.base import Base, Owned, new_id
from app.storage.session import add_rows


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


def add(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Store shares; those of an output that gave way to a new one give way too."""
    if rows:
        add_rows(session, Probability, rows, _newest)


def _newest(adding: Any) -> Any:
    news = {name: adding.excluded[name] for name in ("shares", "source", "uncertain")}
    return adding.on_conflict_do_update(index_elements=["evaluation_id", "example_id", "sample"], set_=news)
