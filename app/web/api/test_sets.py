"""The JSON twin of test sets: versions, plan, splits, advice; the holdout in counts alone."""

from fastapi import APIRouter

from app.services import test_set_views
from app.services.test_set_views import TestSetView
from app.web.dependencies import Reading

router = APIRouter(tags=["test sets"])


@router.get("/test-sets/{test_set_id}")
def show(session: Reading, test_set_id: str) -> TestSetView:
    """Rows are added with POST /uploads and `add_to`, the project's id."""
    return test_set_views.view(session, test_set_id)
