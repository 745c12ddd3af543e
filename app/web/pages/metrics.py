"""Metrics for Prometheus, behind the same door as the API."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.web.metrics import CONTENT_TYPE_LATEST, Scrapes

router = APIRouter(include_in_schema=False)


@router.get("/metrics")
def show(request: Request) -> Response:
    scrapes: Scrapes = request.app.state.scrapes
    return Response(scrapes.text(), media_type=CONTENT_TYPE_LATEST, headers={"cache-control": "no-store"})
