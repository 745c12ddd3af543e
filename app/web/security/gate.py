"""The door: without a session or the API's token nothing is shown once a password is set."""

from urllib.parse import quote, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.web.errors import refuse
from app.web.kinds import from_a_browser, is_api, is_fragment, is_safe
from app.web.rendering import page
from app.web.security.sessions import Sessions, same, signed_in

_LOGOUT = "/logout"
_ENDED = "Your session has ended, so nothing was sent. Log in in another tab, come back here and send it again."
_OPEN = frozenset({"/login", "/healthz", "/readyz", "/favicon.ico"})


def is_open(path: str) -> bool:
    """What a stranger may see: the login page and what it needs, and whether the app is alive."""
    return path in _OPEN or path.startswith("/static/")


def local_path(target: str) -> str:
    """`target` when it is a path of ours, else the front page: a login must not send people to another site."""
    parts = urlsplit(target) if target.isprintable() and "\\" not in target else None
    if parts is None or parts.scheme or parts.netloc or not target.startswith("/") or target.startswith("//"):
        return "/"
    return target


def _bearer(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _login_address(request: Request) -> str:
    """The login page, that afterwards leads back to the page in the browser's address bar."""
    shown = urlsplit(request.headers.get("hx-current-url", "")) if is_fragment(request) else request.url
    back = shown.path + (f"?{shown.query}" if shown.query else "")
    return f"/login?next={quote(local_path(back), safe='/')}" if back not in ("", "/") else "/login"


class Gate:
    """Lets in who has a session or, on the API, the bearer token; marks the latter with `state.by_token`."""

    def __init__(self, app: ASGIApp, token: str, sessions: Sessions) -> None:
        self.app = app
        self.token = token
        self.sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(Request(scope)) if scope["type"] == "http" else None
        await (refusal or self.app)(scope, receive, send)

    def _refusal(self, request: Request) -> Response | None:
        if is_open(request.scope["path"]):
            return None
        if is_api(request) and (token := _bearer(request)) is not None:
            request.state.by_token = bool(self.token) and same(token, self.token)
            return None if request.state.by_token else _no_token(request, "This is not the token in AGON_API_TOKEN.")
        if not self.sessions.wanted:
            return None
        if is_api(request) and not is_safe(request) and not from_a_browser(request.headers):
            return _no_token(request, "Send the token in AGON_API_TOKEN, with the header Authorization: Bearer.")
        return None if signed_in(request) else _to_login(request)


def _no_token(request: Request, detail: str) -> Response:
    return refuse(request, 401, detail, {"www-authenticate": "Bearer"})


def _to_login(request: Request) -> Response:
    """Pages lead to the login page; a fragment tells htmx to lead there; the API says what is missing.

    A write is answered where it was made, so that what was typed is not lost.
    """
    if is_api(request):
        return _no_token(request, "Log in, or send the token in AGON_API_TOKEN with Authorization: Bearer.")
    if not is_safe(request):
        return _ended(request)
    if is_fragment(request):
        return refuse(request, 401, "Your session has ended.", {"hx-redirect": _login_address(request)})
    return RedirectResponse(_login_address(request), status_code=303)


def _ended(request: Request) -> Response:
    if request.scope["path"] == _LOGOUT:
        return RedirectResponse("/login", status_code=303)
    return refuse(request, 401, _ENDED) if is_fragment(request) else page(request, "ended.html", status=401)
