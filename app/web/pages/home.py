"""The home page: every project with its champions and its last campaign."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.services import overviews
from app.services.overviews import Home
from app.web.dependencies import Reading
from app.web.rendering import page

router = APIRouter(include_in_schema=False)


@router.get("/")
def show(request: Request, session: Reading, before: str | None = None) -> Response:
    home = overviews.home(session, before)
    return page(request, "home/list.html", home=home, before=before, simulated=_simulated(home))


def _simulated(home: Home) -> bool:
    """Whether every result on the page is one of a practice model."""
    models = [reign.task_model for project in home.projects for reign in project.champions]
    models += [project.last_campaign.task_model for project in home.projects if project.last_campaign]
    return bool(models) and all(model.simulated for model in models)
