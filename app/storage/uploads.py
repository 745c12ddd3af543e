"""Uploads: files on their way in, kept until they are imported or given up."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, delete
from sqlalchemy.orm import Mapped, Session, deferred, mapped_column

from app.errors import NotFound
from app.storage.base import Base, Owned, new_id, now

WAITING = ("draft", "queued", "refused")


class Upload(Owned, Base):
    """A file with what a person decided about it. `status`: done, or one of those that wait."""

    __tablename__ = "upload"
    __table_args__ = (Index("ix_upload_waiting", "status", "created_at"),)
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    filename: Mapped[str]
    data: Mapped[bytes] = deferred(mapped_column(LargeBinary))
    choices: Mapped[dict[str, Any]]
    preview: Mapped[dict[str, Any]]
    status: Mapped[str] = mapped_column(default="draft")
    stage: Mapped[str] = mapped_column(default="")
    problems: Mapped[list[Any]] = mapped_column(default=list)
    project_id: Mapped[str | None] = mapped_column(ForeignKey("project.id"))
    finished_at: Mapped[datetime | None]


def get(session: Session, upload_id: str) -> Upload:
    upload = session.get(Upload, upload_id)
    if upload is None:
        raise NotFound("There is no such upload; it may have been imported or given up.")
    return upload


def forget_drafts(session: Session, days: int) -> None:
    """Delete files that nobody imported in so many days, those that could not be imported too."""
    left = Upload.status.in_(("draft", "refused")), Upload.created_at < now() - timedelta(days=days)
    session.execute(delete(Upload).where(*left))
