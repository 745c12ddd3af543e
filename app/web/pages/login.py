"""The login page: one password for everybody, asked for when one is set."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from app.web.formats import duration
from app.web.rendering import page
from app.web.security.gate import local_path
from app.web.security.sessions import KNOWN, SESSION, VISITOR, YEAR, Sessions, forget_cookie, set_cookie, signed_in
from app.web.security.throttle import Attempts

router = APIRouter(include_in_schema=False)
_WRONG = "This is not the password. It is the value of AGON_PASSWORD on the server."
_WAIT = "Too many tries from your network. The next one is possible in {wait}; the right password is not tried before."


@router.get("/login")
def show(request: Request, target: Annotated[str, Query(alias="next")] = "/") -> Response:
    sessions: Sessions = request.app.state.sessions
    if not sessions.wanted or signed_in(request):
        return RedirectResponse(local_path(target), 303)
    return page(request, "login.html", target=local_path(target), error="")


@router.post("/login", max_body_size=16_384)
def enter(
    request: Request,
    password: Annotated[str, Form()] = "",
    target: Annotated[str, Form(alias="next")] = "/",
) -> Response:
    sessions: Sessions = request.app.state.sessions
    attempts: Attempts = request.app.state.attempts
    target = local_path(target)
    if not attempts.allowed(request):
        wait = attempts.wait(request)
        error = _WAIT.format(wait=duration(float(wait)))
        return page(request, "login.html", status=429, headers={"retry-after": str(wait)}, target=target, error=error)
    if not sessions.knows(password):
        return page(request, "login.html", status=422, target=target, error=_WRONG)
    attempts.forget(request)
    response = RedirectResponse(target, 303)
    set_cookie(request, response, SESSION, sessions.issue(), sessions.lifetime)
    set_cookie(request, response, KNOWN, sessions.badge(), YEAR)
    return response


@router.post("/logout")
def leave(request: Request) -> Response:
    response = RedirectResponse("/login", 303)
    forget_cookie(request, response, SESSION)
    forget_cookie(request, response, VISITOR)
    return response
