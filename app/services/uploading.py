"""Files on their way in: kept with what a person decides about them until they are imported or given up."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.domain.previews import quoted_lines
from app.domain.prompts import clean, placeholders
from app.errors import Conflict, Invalid, Problem
from app.services import growing, importing, previewing, projects, rules
from app.services.arriving import ImportProgress, import_progress
from app.services.importing import Choices
from app.services.previewing import Filled, Preview
from app.services.projects import ProjectDraft
from app.settings import Settings
from app.storage import heartbeats, jobs, uploads
from app.storage.base import now
from app.storage.boards import TestSetFacts, test_set
from app.storage.uploads import WAITING, Upload

WAITING_SHOWN = 20
# A refused file is read again to quote its lines, but not one that would fill the memory.
_QUOTED_BYTES = 20_000_000


@dataclass(frozen=True)
class UploadView:
    """A file as it stands: draft, queued, refused or done. `quoted` are the lines that its problems name.

    Once it is done its preview holds no rows: some of them are sealed in the holdout. `progress` is there while queued.
    """

    id: str
    filename: str
    status: str
    stage: str
    seconds: float | None
    progress: ImportProgress | None
    worker_missing: bool
    problems: list[Problem]
    quoted: dict[int, str]
    preview: Preview
    draft: ProjectDraft
    choices: Choices
    project_id: str | None
    test_set: TestSetFacts | None
    created_at: datetime


@dataclass(frozen=True)
class WaitingUpload:
    """A file that is not imported yet."""

    id: str
    filename: str
    status: str
    created_at: datetime


def file_name(given: str | None) -> str:
    """A file's name without its folders, as a test set may be called."""
    return clean(given or "")[0].replace("\\", "/").rsplit("/", 1)[-1].strip()[:200] or "file"


def keep(session: Session, data: bytes, filename: str, filled: Filled, preview: Preview) -> Upload:
    """Store a file that was read, as a draft."""
    upload = Upload(filename=filename, data=data, choices=_kept(filled), preview=asdict(preview))
    session.add(upload)
    session.flush()
    return upload


def _kept(filled: Filled) -> dict[str, Any]:
    return {"draft": asdict(filled.draft), "choices": asdict(filled.choices)}


def read(session: Session, settings: Settings, data: bytes, filename: str, filled: Filled) -> Preview:
    """A file as it was sent, beside the test set that its rows would join, if any. Raises Invalid, NotFound, Conflict."""
    to = filled.choices.add_to
    return previewing.read(settings, data, filename, filled, growing.standing(session, to) if to else None)


def reread(session: Session, settings: Settings, upload_id: str, filled: Filled) -> Preview:
    """The stored preview, or a new one where other choices or placeholders are wanted now. Raises Invalid."""
    upload = uploads.get(session, upload_id)
    known = previewing.kept(upload.preview)
    wanted = sorted(set(placeholders(filled.draft.start_prompt)) - {"input"})
    as_before = known.settled == previewing.settled(filled.choices, known)
    if known.checked and as_before and (known.variables == wanted or filled.choices.add_to):
        return known
    if not upload.data:
        raise Conflict("This file was imported already.")
    return read(session, settings, upload.data, upload.filename, filled)


def note(session: Session, upload_id: str, filled: Filled, preview: Preview) -> None:
    """Keep what was filled in, and what the file was found to hold. Raises Conflict unless it still waits for choices."""
    upload = uploads.get(session, upload_id)
    if upload.status not in ("draft", "refused"):
        raise Conflict("This file is being imported already.")
    upload.choices, upload.preview = _kept(filled), asdict(preview)


def request(session: Session, upload_id: str, filled: Filled, preview: Preview) -> str:
    """Queue the import; returns the job to poke after the commit. Raises Invalid naming the fields."""
    note(session, upload_id, filled, preview)
    _check(session, filled, preview)
    job_id = importing.request_import(session, upload_id, filled.draft, filled.choices)
    upload = uploads.get(session, upload_id)
    upload.choices, upload.finished_at = {**upload.choices, "asked_at": now().isoformat()}, None
    return job_id


def request_seen(session: Session, view: UploadView, filled: Filled, preview: Preview) -> str | None:
    """As `request`, of what a person saw in this view; else only noted, to be shown first, and None."""
    if not preview.checked or previewing.shows(view.preview, preview):
        return request(session, view.id, filled, preview)
    note(session, view.id, filled, preview)
    _check(session, filled, preview)
    return None


def _check(session: Session, filled: Filled, preview: Preview) -> None:
    problems = [*_open_questions(filled, preview), *rules.grader_problems(session, filled.choices.rule)]
    try:
        if not filled.choices.add_to:
            projects.check(filled.draft)
    except Invalid as invalid:
        problems = [*invalid.problems, *problems]
    if problems:
        raise Invalid(problems)


def _open_questions(filled: Filled, preview: Preview) -> list[Problem]:
    at = "replace" if filled.choices.add_to else "plan"
    problems = [Problem(preview.split.problem, at)] if preview.split.problem else []
    answer = filled.choices.label_column or ", ".join(filled.choices.field_columns)
    for column, role in ((filled.choices.input_column, "input"), (answer, "label")):
        if not preview.checked and not column:
            problems.append(Problem(f"choose the column that holds the {role}", f"{role}_column"))
    if filled.choices.split_seed < 0:
        problems.append(Problem("must be a whole number, 0 or more", "split_seed"))
    if filled.choices.on_conflict not in ("ask", "drop", "refuse"):
        problems.append(Problem("must be drop or refuse", "on_conflict"))
    elif preview.conflicts and filled.choices.on_conflict == "ask":
        several = f"{preview.conflicts} inputs have" if preview.conflicts > 1 else "one input has"
        what = "labels" if preview.kind == "label" else "answers"
        problems.append(Problem(f"{several} different {what} in different rows; choose what to do", "on_conflict"))
    return problems


def give_up(session: Session, upload_id: str) -> None:
    """Delete a file that is not imported. Raises Conflict while a worker has it, or when it is imported."""
    upload = uploads.get(session, upload_id)
    if upload.status == "done":
        raise Conflict("This file was imported already.")
    mine = (jobs.Job.kind == importing.KIND, jobs.Job.subject == upload_id)
    session.execute(delete(jobs.Job).where(*mine, jobs.Job.status != "running"))
    if session.scalar(select(jobs.Job.id).where(*mine)) is not None:
        raise Conflict("A worker is importing this file right now. Wait until it has ended.")
    session.execute(delete(Upload).where(Upload.id == upload_id))


def waiting(session: Session) -> list[WaitingUpload]:
    """Files that wait for a person or a worker, newest first."""
    query = select(Upload.id, Upload.filename, Upload.status, Upload.created_at).where(Upload.status.in_(WAITING))
    newest = query.order_by(Upload.created_at.desc(), Upload.id.desc()).limit(WAITING_SHOWN)
    return [WaitingUpload(*row) for row in session.execute(newest)]


def view(session: Session, upload_id: str) -> UploadView:
    """Raises NotFound."""
    upload = uploads.get(session, upload_id)
    problems = [Problem(found["message"], found["where"]) for found in upload.problems]
    seconds, preview = _seconds(upload), previewing.kept(upload.preview)
    queued = upload.status == "queued"
    return UploadView(
        id=upload.id,
        filename=upload.filename,
        status=upload.status,
        stage=upload.stage,
        seconds=seconds,
        progress=import_progress(upload.stage, preview.row_count, seconds or 0.0) if queued else None,
        worker_missing=queued and not heartbeats.anybody_alive(session),
        problems=problems,
        quoted=quoted(session, upload_id, problems),
        preview=replace(preview, rows=[]) if upload.status == "done" else preview,
        **_filled(upload.choices),
        project_id=upload.project_id,
        test_set=test_set(session, upload.project_id) if upload.project_id else None,
        created_at=upload.created_at,
    )


def quoted(session: Session, upload_id: str, problems: Sequence[Problem]) -> dict[int, str]:
    """The lines of the file that these problems name; none of a very large file."""
    small = select(Upload.data).where(Upload.id == upload_id, func.length(Upload.data) <= _QUOTED_BYTES)
    data = session.scalar(small) if problems else None
    return quoted_lines(data, problems) if data else {}


def _filled(kept: Mapping[str, Any]) -> dict[str, Any]:
    """JSON keeps no tuples, so that pairs come back as lists."""
    pairs = tuple((name, description) for name, description in kept["draft"]["label_descriptions"])
    draft = ProjectDraft(**{**kept["draft"], "label_descriptions": pairs})
    return {"draft": draft, "choices": importing.choices_of(kept["choices"])}


def _seconds(upload: Upload) -> float | None:
    """How long the import has run or ran, the wait for a worker included."""
    asked = upload.choices.get("asked_at")
    return ((upload.finished_at or now()) - datetime.fromisoformat(asked)).total_seconds() if asked else None
