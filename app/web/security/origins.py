"""Where a writing request comes from: never from another site's page."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from app.web.errors import refuse
from app.web.kinds import is_api, is_safe
from app.web.security.hosts import split_host

_DEFAULT_PORT = {"http": 80, "https": 443}


def same_origin(origin: str, scheme: str, host: str) -> bool:
    """Whether an Origin header names the very server that `scheme` and the Host header name.

    An https origin is ours also when we see http: a proxy that ends TLS need not tell us. Never the other way.
    """
    their_scheme, _, their_host = origin.lower().partition("://")
    theirs, ours = split_host(their_host), split_host(host)
    if their_scheme not in ("https", scheme) or theirs is None or ours is None:
        return False
    default = _DEFAULT_PORT.get(their_scheme)
    return (theirs[0], theirs[1] or default) == (ours[0], ours[1] or default)


def from_elsewhere(headers: Mapping[str, str], scheme: str) -> bool:
    """Whether the browser itself says that the request was made by a page that is not ours.

    `same-site` is elsewhere too: another port of this machine is the same site.
    """
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return True
    return "origin" in headers and not same_origin(headers["origin"], scheme, headers.get("host", ""))


def _is_json(headers: Mapping[str, str]) -> bool:
    """Whether the body is said to be JSON, or there is none: every body of a plain form comes with its kind."""
    if "content-type" not in headers:
        return headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers
    return headers["content-type"].partition(";")[0].strip().lower() == "application/json"


class Writes:
    """Refuses writes from elsewhere, and writes to the API that a plain form of another site could have sent."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        request = Request(scope)
        refusal = self._refusal(request)
        if refusal is None:
            return await self.app(scope, receive, send)
        await refuse(request, *refusal)(scope, receive, send)

    def _refusal(self, request: Request) -> tuple[int, str] | None:
        if is_safe(request) or getattr(request.state, "by_token", False):
            return None
        if from_elsewhere(request.headers, request.url.scheme):
            return 403, "This request came from another site's page, so it was not carried out."
        if is_api(request) and not _is_json(request.headers):
            return 415, "Send JSON, with the header Content-Type: application/json."
        return None
