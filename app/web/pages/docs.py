"""The API's documentation, served from our own files."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.web.rendering import page

router = APIRouter(include_in_schema=False)


@router.get("/docs")
def show(request: Request) -> Response:
    return page(request, "docs.html")
