"""New project: a file is uploaded, its columns are confirmed, its import is watched."""

from pathlib import PurePath
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Form, Request, UploadFile
from pydantic import BaseModel
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from app.domain.columns import NO_COLUMN
from app.domain.goals import SUGGESTED
from app.domain.previews import lines_of, quoted_lines
from app.errors import Invalid, Problem
from app.services import uploading
from app.services.importing import Choices
from app.services.previewing import Filled
from app.services.projects import ProjectDraft
from app.services.uploading import UploadView
from app.storage import boards, projects
from app.web.dependencies import Reading, Writing
from app.web.rendering import page

router = APIRouter(include_in_schema=False)
_NO_FILE = Problem("choose a file with labelled examples", "file")


class Typed(BaseModel):
    """The forms of a new project as they were filled in; `label` and `about` are pairs, `do` is the button."""

    file: UploadFile | None = None
    name: str = ""
    description: str = ""
    goal: str = "accuracy"
    smallest_gain: str = ""
    prompt: str = ""
    split_seed: str = "0"
    on_conflict: str = "ask"
    input_column: str = ""
    label_column: str = ""
    kind: str = ""
    field_column: list[str] = []
    group_column: str = ""
    time_column: str = ""
    plan: str = ""
    dev_share: str = ""
    holdout_share: str = ""
    add_to: str = ""
    replace: str = ""
    label: list[str] = []
    about: list[str] = []
    do: str = "import"

    def described(self) -> dict[str, str]:
        """What was written about each label."""
        pairs = zip(self.label, self.about, strict=False)
        return {label: _lines(about) for label, about in pairs if about.strip()}

    def filled(self, name: str) -> Filled:
        """What was typed; a number that is none becomes one that no check lets pass."""
        draft = ProjectDraft(
            name=self.name.strip() or name,
            description=_lines(self.description),
            goal=self.goal,
            smallest_gain=_number(self.smallest_gain),
            start_prompt=_lines(self.prompt),
            label_descriptions=tuple(self.described().items()),
        )
        return Filled(draft, self.choices())

    def choices(self) -> Choices:
        """Several fields are a checklist of columns: the answer is then in no single column."""
        seed = _number(self.split_seed)
        fields = tuple(self.field_column) if self.kind in ("", "fields") else ()
        return Choices(
            input_column=self.input_column,
            label_column="" if fields else self.label_column,
            on_conflict=self.on_conflict,
            split_seed=int(seed) if seed == int(seed) else -1,
            kind=self.kind,
            field_columns=fields,
            group_column=self.group_column,
            time_column=self.time_column,
            plan=self.plan,
            dev_share=_share(self.dev_share),
            holdout_share=_share(self.holdout_share),
            add_to=self.add_to,
            replace=bool(self.replace),
        )


def _number(text: str) -> float:
    try:
        number = float(text.strip().replace(",", "."))
    except ValueError:
        return -1
    return number if abs(number) < 2**31 else -1


def _share(percent: str) -> float | None:
    """A share of 1 from what was typed as percent; nothing where the size is to decide."""
    return round(_number(percent.replace("%", "")) / 100, 4) if percent.strip() else None


def _lines(text: str) -> str:
    """Browsers send line ends of two characters."""
    return text.replace("\r\n", "\n").strip()


def _typed(view: UploadView) -> Typed:
    """The form as it stands in the database."""
    draft, described = view.draft, dict(view.draft.label_descriptions)
    labels = list(view.preview.labels or {}) if view.preview.kind in ("label", "labels") else []
    return Typed(
        name=draft.name,
        description=draft.description,
        goal=draft.goal,
        smallest_gain=f"{draft.smallest_gain:g}",
        prompt=draft.start_prompt,
        split_seed=str(view.choices.split_seed),
        on_conflict=view.choices.on_conflict,
        input_column=view.choices.input_column or view.preview.input,
        label_column=view.choices.label_column or view.preview.label,
        kind=view.choices.kind or view.preview.kind,
        field_column=list(view.choices.field_columns or ([] if view.preview.label else view.preview.fields)),
        group_column=view.choices.group_column or view.preview.group or NO_COLUMN,
        time_column=view.choices.time_column or view.preview.time or NO_COLUMN,
        plan=view.choices.plan,
        dev_share=_percent(view.choices.dev_share),
        holdout_share=_percent(view.choices.holdout_share),
        add_to=view.choices.add_to,
        replace="yes" if view.choices.replace else "",
        label=labels,
        about=[described.get(label, "") for label in labels],
    )


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:g}"


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
    request: Request, session: Session, view: UploadView, typed: Typed, problems: tuple[Problem, ...] = ()
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
        joins=projects.get(session, view.choices.add_to) if view.choices.add_to else None,
        draft_days=request.app.state.settings.draft_days,
    )


@router.get("/uploads/{upload_id}")
def show(request: Request, session: Reading, upload_id: str) -> Response:
    view = uploading.view(session, upload_id)
    return _show(request, session, view, _typed(view))


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
    """Read the file with other columns, or import it."""
    view = uploading.view(reading, upload_id)
    typed.add_to = view.choices.add_to
    filled = typed.filled(PurePath(view.filename).stem)
    try:
        preview = uploading.reread(reading, request.app.state.settings, upload_id, filled)
        if typed.do == "columns":
            uploading.note(session, upload_id, filled, preview)
        else:
            later.add_task(request.app.state.poke, uploading.request(session, upload_id, filled, preview))
    except Invalid as invalid:
        return _show(request, session, uploading.view(session, upload_id), typed, invalid.problems)
    return RedirectResponse(f"/uploads/{upload_id}", 303)


@router.post("/uploads/{upload_id}/delete")
def give_up(session: Writing, upload_id: str) -> Response:
    joins = uploading.view(session, upload_id).choices.add_to
    uploading.give_up(session, upload_id)
    return RedirectResponse(f"/projects/{joins}" if joins else "/", 303)
