"""The JSON twin of generators."""

from fastapi import APIRouter

from app.services.rating import Board, board
from app.storage import projects
from app.web.dependencies import Reading

router = APIRouter(tags=["generators"])


@router.get("/generators")
def show(session: Reading, project: str = "") -> Board:
    """Records and ratings over all campaigns, or those of one project."""
    if project:
        projects.get(session, project)
    return board(session, project or None)
