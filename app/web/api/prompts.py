"""The JSON twin of prompt versions: text, origin, scores, and the answers on dev."""

from fastapi import APIRouter, Request

from app.services import overviews
from app.services.overviews import AnswersView, PromptView
from app.web.dependencies import Reading
from app.web.numbers import Code, Whole

router = APIRouter(tags=["prompts"])


@router.get("/prompts/{version_id}")
def show(request: Request, session: Reading, version_id: str) -> PromptView:
    """A generator's name is null while `origin.hidden`; holdout scores are there once a campaign has opened it."""
    return overviews.prompt_view(session, request.app.state.settings, version_id)


@router.get("/prompts/{version_id}/answers")
def answers(
    request: Request,
    session: Reading,
    version_id: str,
    task_model: str | None = None,
    right: bool = False,
    offset: Whole = 0,
    expected: Code | None = None,
    read: Code | None = None,
) -> AnswersView | None:
    """Dev answers on a task model (an endpoint's id), null before the first; go on with `offset` = `next_offset`.

    `expected` and `read` together ask for one cell of the confusion table, by codes; -1 is read for unreadable.
    """
    view = overviews.prompt_view(session, request.app.state.settings, version_id)
    cell = (expected, read) if expected is not None and read is not None else None
    return overviews.answers_view(session, view, task_model, right=right, offset=offset, cell=cell)
