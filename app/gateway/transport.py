"""The wire: clients whose connections pass the guard and whose requests carry no header but the needed ones."""

import ssl
from collections.abc import AsyncIterator
from functools import lru_cache

import httpcore2
import httpx2
from openai import AsyncOpenAI

from app.errors import EndpointFailure, Invalid
from app.gateway.guard import GuardedBackend, check_url
from app.gateway.limits import Limits

LARGEST_REPLY = 16 * 1024 * 1024
NO_KEY = "none"  # the client insists on a key; without one the header is taken off again
SENT = {b"host", b"content-type", b"content-length", b"user-agent"}


class GuardedTransport(httpx2.AsyncHTTPTransport):
    """httpx2's transport over a guarded pool.

    The pool is a private attribute there: httpx2 is pinned by the lock file, and a test holds the guard to its place.
    Headers are chosen here because the OpenAI client adds some from the environment (organisation, custom headers),
    which are nobody's business at an address that a user gave.
    """

    def __init__(self, api_key: str, limits: Limits) -> None:
        context = _tls()
        super().__init__(verify=context, trust_env=False)
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=context,
            max_connections=limits.in_flight,
            keepalive_expiry=5.0,
            network_backend=GuardedBackend(limits.policy),
        )
        self._added = [(b"Accept", b"application/json"), (b"Accept-Encoding", b"identity")]
        if api_key:
            self._added.append((b"Authorization", b"Bearer " + api_key.encode("ascii")))

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        kept = [(name, value) for name, value in request.headers.raw if name.lower() in SENT]
        request.headers = httpx2.Headers(kept + self._added)
        response = await super().handle_async_request(request)
        if isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = _Bounded(response.stream)
        return response


class _Bounded(httpx2.AsyncByteStream):
    """A reply that is not read past any reasonable size."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for part in self._stream:
            size += len(part)
            if size > LARGEST_REPLY:
                raise httpx2.ReadError("the reply is larger than any answer can be")
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


def open_client(base_url: str, api_key: str, limits: Limits) -> AsyncOpenAI:
    """A client for one base URL and key, made inside the loop that uses it; it never retries on its own.

    Raises EndpointFailure (lasting) for a base URL or a key that cannot be used at all.
    """
    try:
        check_url(base_url, limits.policy)
    except Invalid as invalid:
        raise EndpointFailure(f"{invalid} ({base_url.rpartition('@')[2][:200]})", lasting=True) from None
    if not api_key.isascii() or not (api_key.isprintable() and api_key == api_key.strip()):
        raise EndpointFailure("The key holds characters that no key has; enter it again.", lasting=True)
    wire = httpx2.AsyncClient(
        transport=GuardedTransport(api_key, limits),
        timeout=httpx2.Timeout(None, connect=limits.connect_seconds),
        follow_redirects=False,
        trust_env=False,
    )
    return AsyncOpenAI(base_url=base_url.strip(), api_key=api_key or NO_KEY, max_retries=0, http_client=wire)


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """One context a process: reading the certificate store takes tens of milliseconds."""
    return httpx2.create_ssl_context(trust_env=False)
