"""The hot path's wire: one guarded aiohttp session for one base URL and key, and what came back over it."""

import socket
import ssl
from functools import lru_cache
from ipaddress import ip_address
from time import monotonic
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from app.errors import EndpointFailure
from app.gateway.faults import Trouble
from app.gateway.guard import Policy, check_target, checked_addresses, permitted, refusal
from app.gateway.limits import Limits
from app.gateway.replies import Reply

KEEP_ALIVE_SECONDS = 5.0
LARGEST_REPLY = 16 * 1024 * 1024
AGENT = "agon"
CHAT = "/chat/completions"


class Broken(Exception):
    """No HTTP answer came; `trouble` says why."""

    def __init__(self, trouble: Trouble) -> None:
        self.trouble = trouble
        super().__init__(trouble)


class Wire:
    """Made inside the loop that uses it; it never asks again by itself, follows no redirect and keeps no cookie.

    Raises EndpointFailure (lasting) for a base URL or a key that cannot be used at all.
    """

    def __init__(self, base_url: str, api_key: str, limits: Limits) -> None:
        check_target(base_url, api_key, limits.policy)
        self._base = base_url.strip().rstrip("/")
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": AGENT}
        if api_key:
            headers["Authorization"] = f"Bearer {api_key}"
        self._urls = {CHAT: URL(self._base + CHAT)}
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=limits.in_flight,
                ssl=tls() if self._base.startswith("https:") else True,
                resolver=_Resolver(limits.policy, limits.connect_seconds),
                use_dns_cache=False,
                keepalive_timeout=KEEP_ALIVE_SECONDS,
                socket_factory=_only(limits.policy, urlsplit(self._base).hostname or ""),
            ),
            headers={**headers, "Content-Type": "application/json"},
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=limits.connect_seconds),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )

    async def close(self) -> None:
        await self._session.close()

    async def post(self, content: bytes, path: str = CHAT) -> Reply:
        """Ask once, by default for a chat completion. Raises Broken, or EndpointFailure for a forbidden address."""
        url = self._urls.get(path) or self._urls.setdefault(path, URL(self._base + path))
        started = monotonic()
        try:
            async with self._session.post(url, data=content, allow_redirects=False) as response:
                body = await _bounded(response)
                took = round((monotonic() - started) * 1000)
                return Reply(response.status, took, response.headers, url.path, body)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Broken(_trouble(error)) from error


@lru_cache(maxsize=1)
def tls() -> ssl.SSLContext:
    """One context a process: reading the certificate store takes tens of milliseconds.

    Loaded for the first server with TLS: httpx2 and what it brings are megabytes in each process that answers blocks.
    """
    import httpx2

    return httpx2.create_ssl_context(trust_env=False)


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    """The body, unless it is larger than any answer can be."""
    parts, size = [], 0
    while part := await response.content.readany():
        parts.append(part)
        size += len(part)
        if size > LARGEST_REPLY:
            raise aiohttp.ClientPayloadError("the reply is larger than any answer can be")
    return b"".join(parts)


def _trouble(error: Exception) -> Trouble:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return Trouble.CERTIFICATE
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Trouble.SLOW if isinstance(error.os_error, TimeoutError) else Trouble.UNKNOWN_HOST
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return Trouble.SLOW
    return Trouble.REFUSED if isinstance(error, aiohttp.ClientConnectorError) else Trouble.BROKEN


class _Resolver(AbstractResolver):
    """Looks a name up once and gives only addresses that were checked."""

    def __init__(self, policy: Policy, seconds: float) -> None:
        self._policy, self._seconds = policy, seconds

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await checked_addresses(host, port, self._seconds, self._policy)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in found
        ]

    async def close(self) -> None:
        """Nothing is held."""


def _only(policy: Policy, host: str) -> aiohttp.SocketFactoryType:
    """Opens sockets to permitted addresses alone: a host that is written as an address reaches no resolver."""

    def opened(info: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, place = info
        if not permitted(ip_address(str(place[0]).partition("%")[0]), host, int(place[1]), policy):
            raise EndpointFailure(refusal(host), lasting=True)
        return socket.socket(family, kind, protocol)

    return opened
