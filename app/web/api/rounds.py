"""The JSON twin of rounds."""

from fastapi import APIRouter, Request

from app.services.reviewing import RoundReview, review
from app.web.dependencies import Reading
from app.web.numbers import Whole

router = APIRouter(tags=["rounds"])


@router.get("/campaigns/{campaign_id}/rounds/{number}")
def show(request: Request, session: Reading, campaign_id: str, number: Whole) -> RoundReview:
    """One round to the letter; generators are null until its battle is decided."""
    return review(session, campaign_id, number)
