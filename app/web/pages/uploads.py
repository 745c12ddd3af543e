"""New project: a file is uploaded, its columns are confirmed, its import is watched."""

from pathlib import PurePath
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from app.domain.goals import SUGGESTED
from app.domain.previews import lines_of, quoted_lines
from app.errors import Invalid, Problem
from app.services import rules, uploading
from app.services.uploading import UploadView
from app.storage import boards, projects
from app.web.dependencies import Reading, Writing
from app.web.rendering import page
from app.web.upload_forms import Typed, typed_of

router = APIRouter(include_in_schema=False)
_NO_FILE = Problem("choose a file with labelled examples", "file")


def _new(
    request: Request, typed: Typed, problems: tuple[Problem, ...] = (), quoted: dict[int, str] | None = None
) -> Response:
    return page(
        request,
        "uploads/new.html",
        status=422 if problems else 200,
        typed=typed,
        problems=problems,
        quoted=quoted or {},
        lines_of=lines_of,
        goals=SUGGESTED,
        settings=request.app.state.settings,
    )


def rows_page(
    request: Request,
    session: Session,
    project_id: str,
    typed: Typed,
    problems: tuple[Problem, ...] = (),
    quoted: dict[int, str] | None = None,
) -> Response:
    """The form that asks for a file whose rows join a project's test set."""
    return page(
        request,
        "uploads/rows.html",
        status=422 if problems else 200,
        typed=typed,
        problems=problems,
        quoted=quoted or {},
        lines_of=lines_of,
        project=projects.get(session, project_id),
        test_set=boards.test_set(session, project_id),
        settings=request.app.state.settings,
    )


@router.get("/projects/{project_id}/rows")
def choose_rows(request: Request, session: Reading, project_id: str) -> Response:
    return rows_page(request, session, project_id, Typed(add_to=project_id))


@router.get("/uploads/new")
def choose(request: Request) -> Response:
    return _new(request, Typed(smallest_gain=f"{request.app.state.settings.smallest_gain:g}"))


@router.post("/uploads")
def receive(request: Request, session: Writing, typed: Annotated[Typed, Form()]) -> Response:
    """The file is read before anything is written; a bad one leaves nothing behind."""
    if typed.file is None or not typed.file.filename:
        if typed.add_to:
            return rows_page(request, session, typed.add_to, typed, (_NO_FILE,))
        return _new(request, typed, (_NO_FILE,))
    data, name = typed.file.file.read(), uploading.file_name(typed.file.filename)
    filled = typed.filled(PurePath(name).stem)
    try:
        preview = uploading.read(session, request.app.state.settings, data, name, filled)
    except Invalid as invalid:
        if filled.choices.add_to:
            return rows_page(
                request, session, filled.choices.add_to, typed, invalid.problems, quoted_lines(data, invalid.problems)
            )
        return _new(request, typed, invalid.problems, quoted_lines(data, invalid.problems))
    upload = uploading.keep(session, data, name, filled, preview)
    return RedirectResponse(f"/uploads/{upload.id}", 303)


def _show(
    request: Request,
    session: Session,
    view: UploadView,
    typed: Typed,
    problems: tuple[Problem, ...] = (),
    *,
    look: str = "",
) -> Response:
    return page(
        request,
        "uploads/show.html",
        status=422 if problems else 200,
        upload=view,
        typed=typed,
        problems=problems,
        quoted=uploading.quoted(session, view.id, problems) if problems else view.quoted,
        lines_of=lines_of,
        goals=SUGGESTED,
        graders=rules.graders(session),
        joins=projects.get(session, view.choices.add_to) if view.choices.add_to else None,
        draft_days=request.app.state.settings.draft_days,
        look=look,
    )


@router.get("/uploads/{upload_id}")
def show(request: Request, session: Reading, upload_id: str, look: str = "") -> Response:
    """With `look=anew` it says why nothing was imported: the splits had not been shown."""
    view = uploading.view(session, upload_id)
    return _show(request, session, view, typed_of(view), look=look)


@router.get("/uploads/{upload_id}/live")
def live(request: Request, session: Reading, upload_id: str) -> Response:
    """The import as it runs; a page whose import was refused is loaded anew, as its form comes back."""
    view = uploading.view(session, upload_id)
    headers = {} if view.status in ("queued", "done") else {"hx-redirect": f"/uploads/{upload_id}"}
    return page(request, "uploads/_import.html", headers=headers, upload=view)


@router.post("/uploads/{upload_id}")
def decide(
    request: Request,
    reading: Reading,
    session: Writing,
    later: BackgroundTasks,
    upload_id: str,
    typed: Annotated[Typed, Form()],
) -> Response:
    """Read the file with other columns, or import it; splits that the page has not shown are shown first."""
    view = uploading.view(reading, upload_id)
    typed.add_to = view.choices.add_to
    filled = typed.filled(PurePath(view.filename).stem)
    try:
        preview = uploading.reread(reading, request.app.state.settings, upload_id, filled)
        if typed.do == "columns":
            uploading.note(session, upload_id, filled, preview)
            return RedirectResponse(f"/uploads/{upload_id}", 303)
        job_id = uploading.request_seen(session, view, filled, preview)
    except Invalid as invalid:
        return _show(request, session, uploading.view(session, upload_id), typed, invalid.problems)
    if job_id is None:
        return RedirectResponse(f"/uploads/{upload_id}?look=anew", 303)
    later.add_task(request.app.state.poke, job_id)
    return RedirectResponse(f"/uploads/{upload_id}", 303)


@router.post("/uploads/{upload_id}/delete")
def give_up(session: Writing, upload_id: str) -> Response:
    joins = uploading.view(session, upload_id).choices.add_to
    uploading.give_up(session, upload_id)
    return RedirectResponse(f"/projects/{joins}" if joins else "/", 303)
