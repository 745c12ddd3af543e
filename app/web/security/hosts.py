"""Which names the app answers to; any other name may be a stranger's, pointed at us by DNS rebinding."""

import re
from ipaddress import ip_address

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from app.settings import LOOPBACK, Settings

_HOST = re.compile(r"(?:\[(?P<six>[0-9a-f:.]+)\]|(?P<name>[a-z0-9._-]+))(?::(?P<port>[0-9]{1,5}))?")


def split_host(header: str) -> tuple[str, int | None] | None:
    """The name (lower case, without brackets) and the port of a Host header; None when it is none."""
    match = _HOST.fullmatch(header.lower())
    if match is None:
        return None
    port = match["port"]
    return match["six"] or match["name"], int(port) if port else None


def _is_wildcard(host: str) -> bool:
    """Whether binding to `host` means every address of the machine, which is nobody's name."""
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False


def allowed_names(settings: Settings) -> frozenset[str]:
    """Loopback names, the name the server is bound to, and those that the operator added."""
    bound = () if not settings.host or _is_wildcard(settings.host) else (settings.host,)
    return LOOPBACK | {name.strip("[]").lower() for name in (*bound, *settings.allowed_hosts)}


class KnownHosts:
    """Answers 400 to a request for a name that is not ours."""

    def __init__(self, app: ASGIApp, names: frozenset[str]) -> None:
        self.app = app
        self.names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or self._knows(Headers(scope=scope).getlist("host")):
            return await self.app(scope, receive, send)
        text = "This name is not one of Agon's. The operator can add it to AGON_ALLOWED_HOSTS.\n"
        await PlainTextResponse(text, status_code=400)(scope, receive, send)

    def _knows(self, headers: list[str]) -> bool:
        host = split_host(headers[0]) if len(headers) == 1 else None
        return host is not None and host[0] in self.names
