"""Proof that somebody knew the password: a signed cookie that expires, and the comparison itself."""

import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import Response

SESSION = "agon_session"
VISITOR = "agon_visitor"
KNOWN = "agon_known"
YEAR = 365 * 24 * 3600


def sign(key: bytes, text: str) -> str:
    """HMAC-SHA256 of `text`, in the letters that a cookie and a form may carry."""
    return urlsafe_b64encode(hmac.digest(key, text.encode(), "sha256")).decode().rstrip("=")


def same(left: str, right: str) -> bool:
    """Equality in a time that tells nothing about either text, not even its length."""
    return hmac.compare_digest(sha256(left.encode()).digest(), sha256(right.encode()).digest())


@dataclass(frozen=True)
class Sessions:
    """Issues and checks session cookies; `clock` gives seconds since 1970, as `lifetime` is in seconds.

    The key is made of the app's secret and the password, so that changing either ends every session.
    Nothing is stored, so logging out forgets the cookie in that browser only.
    """

    secret: bytes
    password: str
    lifetime: int
    clock: Callable[[], float]

    @property
    def wanted(self) -> bool:
        """Whether a password is set at all."""
        return bool(self.password)

    def knows(self, password: str) -> bool:
        return self.wanted and same(password, self.password)

    def issue(self) -> str:
        body = f"{int(self.clock()) + self.lifetime}.{secrets.token_urlsafe(16)}"
        return f"{body}.{self._seal(body)}"

    def valid(self, cookie: str) -> bool:
        body, _, seal = cookie.rpartition(".")
        return same(seal, self._seal(body)) and int(body.partition(".")[0]) > self.clock()

    def badge(self) -> str:
        """A mark for a browser that knew the password; it opens nothing."""
        body = secrets.token_urlsafe(16)
        return f"{body}.{self._seal(body, b'known')}"

    def recognises(self, badge: str) -> bool:
        body, _, seal = badge.rpartition(".")
        return bool(body) and same(seal, self._seal(body, b"known"))

    def _seal(self, body: str, purpose: bytes = b"session") -> str:
        key = hmac.digest(self.secret, purpose + b"\0" + self.password.encode(), "sha256")
        return sign(key, body)


def _over_tls(request: Request) -> bool:
    return request.url.scheme == "https"


def _name(request: Request, name: str) -> str:
    """Behind TLS the prefix makes browsers refuse a cookie that another host or plain HTTP has planted."""
    return f"__Host-{name}" if _over_tls(request) else name


def read_cookie(request: Request, name: str) -> str:
    return request.cookies.get(_name(request, name), "")


def set_cookie(request: Request, response: Response, name: str, value: str, seconds: int) -> None:
    response.set_cookie(
        _name(request, name),
        value,
        max_age=seconds,
        path="/",
        secure=_over_tls(request),
        httponly=True,
        samesite="lax",
    )


def forget_cookie(request: Request, response: Response, name: str) -> None:
    response.delete_cookie(_name(request, name), path="/", secure=_over_tls(request), httponly=True, samesite="lax")


def signed_in(request: Request) -> bool:
    """Whether this request carries a valid session; without a password there are none."""
    sessions: Sessions = request.app.state.sessions
    cookie = read_cookie(request, SESSION)
    return sessions.wanted and bool(cookie) and sessions.valid(cookie)
