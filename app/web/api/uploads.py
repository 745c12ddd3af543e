"""The JSON twin of uploads: send a file, look at it, import it, give it up."""

from pathlib import PurePath
from typing import Annotated, Any, Literal

from fastapi import APIRouter, BackgroundTasks, Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError
from starlette.datastructures import UploadFile

from app.domain import rules
from app.domain.answerspace import Kind
from app.domain.plans import PlanKind
from app.services import uploading
from app.services.importing import Choices
from app.services.previewing import Filled
from app.services.projects import ProjectDraft
from app.services.uploading import UploadView, WaitingUpload
from app.web.dependencies import Reading, Writing
from app.web.numbers import Whole
from app.web.rule_forms import RuleOptions

router = APIRouter(tags=["uploads"])


class Choice(RuleOptions):
    """What a person decides; what is left out stays as it was, or is guessed. `match` and what follows compare answers."""

    name: str | None = None
    description: str | None = None
    goal: str | None = Field(None, description="accuracy or macro_f1")
    smallest_gain: float | None = None
    start_prompt: str | None = Field(None, description="must hold {{input}}; empty: one is written")
    label_descriptions: dict[str, str] | None = None
    input_column: str | None = None
    label_column: str | None = None
    on_conflict: Literal["ask", "drop", "refuse"] | None = Field(
        None, description="the same input with different labels: ask, drop all its rows, or refuse the file"
    )
    split_seed: Whole | None = None
    kind: Kind | None = Field(None, description="what an answer is; left out: guessed from the file")
    field_columns: list[str] | None = Field(None, description="the columns of a checklist, each one field")
    group_column: str | None = Field(None, description="rows that belong together; - for none")
    time_column: str | None = Field(None, description="when a row came to be; - for none")
    plan: PlanKind | Literal[""] | None = Field(None, description="how to split; left out: as suggested")
    dev_share: float | None = Field(None, description="from 0.1 to 0.6; left out: what suits the size")
    holdout_share: float | None = Field(None, description="from 0.1 to 0.6; left out: what suits the size")
    add_to: str | None = Field(None, description="a project whose test set the rows join, as a new version of it")
    replace: bool | None = Field(None, description="with add_to: rows that are not in the file leave the test set")

    def over(self, base: Filled) -> Filled:
        """What was decided before, with what is decided now."""
        given = self.model_dump(include=set(Choice.model_fields), exclude_none=True)
        if "label_descriptions" in given:
            given["label_descriptions"] = tuple(given["label_descriptions"].items())
        if "field_columns" in given:
            given["field_columns"] = tuple(given["field_columns"])
        given["rule"] = rules.over(base.choices.rule, self.options())
        draft = {name: value for name, value in given.items() if name in vars(base.draft)}
        choices = {name: value for name, value in given.items() if name in vars(base.choices)}
        return Filled(ProjectDraft(**{**vars(base.draft), **draft}), Choices(**{**vars(base.choices), **choices}))


class NewUpload(Choice):
    """A file as text. Programs that send the bearer token may send multipart/form-data with `file` instead."""

    filename: str
    text: str = Field(description="the whole file: CSV with a header, or JSON Lines")


class Sent(BaseModel):
    """A file and what was decided with it, however it was sent."""

    filename: str
    data: bytes
    choice: Choice


async def sent(request: Request) -> Sent:
    """The body as JSON or as a form with a file. Raises RequestValidationError."""
    try:
        if not request.headers.get("content-type", "").startswith("multipart/form-data"):
            new = NewUpload.model_validate_json(await request.body())
            return Sent(filename=new.filename, data=new.text.encode("utf-8", "replace"), choice=new)
        form = dict(await request.form())
        file = form.pop("file", None)
        if not isinstance(file, UploadFile):
            raise RequestValidationError([{"loc": ("body", "file"), "msg": "Send a file in the field file."}])
        return Sent(filename=file.filename or "", data=await file.read(), choice=Choice.model_validate(form))
    except ValidationError as fault:
        found = [
            {"loc": ("body", *error["loc"]), "msg": error["msg"], "type": error["type"]} for error in fault.errors()
        ]
        raise RequestValidationError(found) from None


def _body() -> dict[str, Any]:
    """Both kinds of body for the documentation; a dependency reads them, so that FastAPI cannot know."""
    file = {"type": "string", "format": "binary"}
    form = {"type": "object", "properties": {**Choice.model_json_schema()["properties"], "file": file}}
    kinds = {"application/json": NewUpload.model_json_schema(), "multipart/form-data": {**form, "required": ["file"]}}
    return {"requestBody": {"required": True, "content": {kind: {"schema": schema} for kind, schema in kinds.items()}}}


@router.get("/uploads")
def show_all(session: Reading) -> list[WaitingUpload]:
    """Files that wait for a person or a worker, newest first."""
    return uploading.waiting(session)


@router.post("/uploads", status_code=201, openapi_extra=_body())
def receive(request: Request, session: Writing, given: Annotated[Sent, Depends(sent)]) -> UploadView:
    """The file is read before anything is written; a bad one leaves nothing behind, and everything wrong is listed."""
    settings = request.app.state.settings
    name = uploading.file_name(given.filename)
    filled = given.choice.over(Filled(ProjectDraft(PurePath(name).stem, "", smallest_gain=settings.smallest_gain)))
    preview = uploading.read(session, settings, given.data, name, filled)
    upload = uploading.keep(session, given.data, name, filled, preview)
    return uploading.view(session, upload.id)


@router.get("/uploads/{upload_id}")
def show(session: Reading, upload_id: str) -> UploadView:
    """Ask again while `status` is queued; `project_id` is there when it is done."""
    return uploading.view(session, upload_id)


@router.post("/uploads/{upload_id}/import", status_code=202)
def decide(
    request: Request, reading: Reading, session: Writing, later: BackgroundTasks, upload_id: str, choice: Choice
) -> UploadView:
    """Import the file with these choices; contradicting labels must be decided first."""
    view = uploading.view(reading, upload_id)
    filled = choice.over(Filled(view.draft, view.choices))
    preview = uploading.reread(reading, request.app.state.settings, upload_id, filled)
    later.add_task(request.app.state.poke, uploading.request(session, upload_id, filled, preview))
    session.flush()
    return uploading.view(session, upload_id)


@router.delete("/uploads/{upload_id}", status_code=204)
def give_up(session: Writing, upload_id: str) -> None:
    """Delete a file that was not imported."""
    uploading.give_up(session, upload_id)
