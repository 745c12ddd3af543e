"""The page of a test set: its versions, the plan of the newest, its splits and what they can show."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.services import test_set_views
from app.web.dependencies import Reading
from app.web.rendering import page

router = APIRouter(include_in_schema=False)


@router.get("/test-sets/{test_set_id}")
def show(request: Request, session: Reading, test_set_id: str) -> Response:
    return page(request, "test_sets/show.html", test_set=test_set_views.view(session, test_set_id))
