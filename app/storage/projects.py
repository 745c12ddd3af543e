"""Projects: one job to be done by prompts."""

from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.domain import answerspace
from app.domain.answers import Label
from app.domain.answerspace import Answers, Kind
from app.errors import NotFound
from app.storage.base import Base, Owned, new_id

BODY_DAYS = 30


class Project(Owned, Base):
    """One job for a language model; what its calls said is kept for `body_days`. `answers` says what one can be."""

    __tablename__ = "project"
    __table_args__ = (Index("ix_project_newest", "created_at", "id"),)
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    description: Mapped[str]
    labels: Mapped[list[Any]]
    goal: Mapped[str]
    smallest_gain: Mapped[float]
    answers: Mapped[dict[str, Any]] = mapped_column(default=lambda: {"kind": "label"})
    body_days: Mapped[int] = mapped_column(default=BODY_DAYS)

    @property
    def label_set(self) -> tuple[Label, ...]:
        return tuple(Label(label["name"], label.get("description", "")) for label in self.labels)

    @property
    def label_names(self) -> tuple[str, ...]:
        return tuple(label["name"] for label in self.labels)

    @property
    def answer_kind(self) -> Kind:
        kind: Kind = self.answers.get("kind", "label")
        return kind

    @property
    def answer_space(self) -> Answers:
        """What an answer can be, the labels with their descriptions."""
        has_labels = self.answer_kind in ("label", "labels")
        return answerspace.load({**self.answers, "labels": self.labels} if has_labels else self.answers)


def get(session: Session, project_id: str) -> Project:
    project = session.get(Project, project_id)
    if project is None:
        raise NotFound("There is no such project.")
    return project
