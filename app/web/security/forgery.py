"""Cross-site request forgery: every form and htmx request carries a token bound to its visitor."""

import secrets

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app.web.kinds import from_a_browser, is_api, is_safe
from app.web.security.sessions import SESSION, VISITOR, YEAR, read_cookie, same, set_cookie, sign

FIELD = "csrf_token"
HEADER = "x-csrf-token"
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def _visitor(request: Request) -> str:
    """The visitor's random number: from the cookie, else made here, once per request."""
    known = read_cookie(request, VISITOR) or getattr(request.state, "visitor", "")
    request.state.visitor = known or secrets.token_urlsafe(32)
    return str(request.state.visitor)


def _token_of(request: Request, visitor: str) -> str:
    """One part for this visitor in this session, one for the visitor alone."""
    secret: bytes = request.app.state.secret
    now = sign(secret, f"csrf\0{visitor}\0{read_cookie(request, SESSION)}")
    return f"{now}.{sign(secret, f'visitor:{visitor}')}"


def _fits(request: Request, given: str, visitor: str) -> bool:
    """Whether the token is this visitor's; one of an ended session only where the browser itself vouches for us.

    Whoever logs in again in another tab can then still send what was typed before. That the Origin header or
    Sec-Fetch-Site names this very site, when they are there, was checked by `Writes`.
    """
    wanted = _token_of(request, visitor)
    earlier = from_a_browser(request.headers) and same(given.rpartition(".")[2], wanted.rpartition(".")[2])
    return same(given, wanted) or earlier


def csrf_token(request: Request) -> str:
    """The token of this visitor and session, for a page that is about to be sent."""
    return _token_of(request, _visitor(request))


def remember_visitor(request: Request, response: Response) -> None:
    """Set the visitor's cookie on a page whose token was made for a new visitor."""
    visitor = getattr(request.state, "visitor", "")
    if visitor and not read_cookie(request, VISITOR):
        set_cookie(request, response, VISITOR, visitor, YEAR)


async def _given(request: Request) -> str:
    """The token in the header (htmx), else in the form's field."""
    if HEADER in request.headers:
        return request.headers[HEADER]
    if not request.headers.get("content-type", "").startswith(_FORMS):
        return ""
    field = (await request.form()).get(FIELD, "")
    return field if isinstance(field, str) else ""


async def refuse_forgery(request: Request) -> None:
    """A dependency of the whole app: raises 403 unless the token fits. The API has `Writes` and bearer tokens."""
    if is_safe(request) or is_api(request):
        return
    visitor = read_cookie(request, VISITOR)
    if not visitor or not _fits(request, await _given(request), visitor):
        raise HTTPException(
            403, "This page was too old to send its form. Nothing was changed: reload it and try again."
        )
