"""One round of a campaign: the exact meta-prompt, the replies, the battle."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.services.reviewing import review
from app.web.dependencies import Reading
from app.web.numbers import Whole
from app.web.rendering import page

router = APIRouter(include_in_schema=False)


@router.get("/campaigns/{campaign_id}/rounds/{number}")
def show(request: Request, session: Reading, campaign_id: str, number: Whole) -> Response:
    found = review(session, campaign_id, number)
    return page(request, "rounds/show.html", review=found, simulated=found.simulated)
