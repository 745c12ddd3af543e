"""A prompt version: its text, what changed, its scores, what it gets right and wrong."""

from typing import Literal

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from app.services import freezing, overviews
from app.storage import prompts
from app.web import frozen_words
from app.web.dependencies import Reading
from app.web.numbers import Code, Whole
from app.web.rendering import page

router = APIRouter(include_in_schema=False)


@router.get("/prompts/{version_id}")
def show(
    request: Request,
    session: Reading,
    version_id: str,
    on: str | None = None,
    show: Literal["wrong", "right"] = "wrong",
    offset: Whole = 0,
    expected: Code | None = None,
    read: Code | None = None,
) -> Response:
    """`on` is the task model whose answers are shown, `expected` and `read` one cell of its confusion table."""
    view = overviews.prompt_view(session, request.app.state.settings, version_id)
    cell = (expected, read) if expected is not None and read is not None else None
    answers = overviews.answers_view(session, view, on, right=show == "right", offset=offset, cell=cell)
    parents = [(link, prompts.get(session, link.id).text) for link in view.parents]
    scores = [*view.dev, *view.holdout]
    simulated = bool(scores) and all(score.task_model.simulated for score in scores)
    return page(
        request,
        "prompts/show.html",
        prompt=view,
        answers=answers,
        parents=parents,
        simulated=simulated,
        frozen=freezing.frozen_of_version(session, version_id),
        frozen_words=frozen_words,
        alarm=request.app.state.settings.unreadable_alarm,
    )


@router.get("/prompts/{version_id}/text")
def download(session: Reading, version_id: str) -> Response:
    """The text alone, as a file."""
    version = prompts.get(session, version_id)
    headers = {"content-disposition": f'attachment; filename="prompt-v{version.number}.txt"'}
    return PlainTextResponse(version.text, headers=headers)
