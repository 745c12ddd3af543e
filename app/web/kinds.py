"""What kind of request this is: safe or writing, for the API or for a page, a whole page or a fragment."""

from collections.abc import Mapping

from starlette.requests import Request

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def is_safe(request: Request) -> bool:
    return request.method in SAFE_METHODS


def is_api(request: Request) -> bool:
    """Whether a program asks: errors are then problem+json instead of pages."""
    path: str = request.scope["path"]
    return path in ("/openapi.json", "/metrics") or path.startswith("/api/")


def is_fragment(request: Request) -> bool:
    """Whether htmx asks for a part of a page that is already on the screen."""
    return request.headers.get("hx-request") == "true"


def from_a_browser(headers: Mapping[str, str]) -> bool:
    """Browsers send at least one of the two with every write; programs as a rule send neither."""
    return "origin" in headers or "sec-fetch-site" in headers
