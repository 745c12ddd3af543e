"""The OpenAI client behind the guard, for all that is not hot; its requests carry no header but the needed ones."""

import ssl
from collections.abc import AsyncIterator, Iterable, Iterator
from time import monotonic
from typing import TYPE_CHECKING

import httpcore2
import httpx2

from app.gateway.faults import Refused, Trouble
from app.gateway.guard import Policy, check_target, checked_addresses
from app.gateway.limits import Limits
from app.gateway.wire import LARGEST_REPLY, tls

if TYPE_CHECKING:
    from openai import APIConnectionError, APIStatusError, AsyncOpenAI

NO_KEY = "none"  # the client insists on a key; without one the header is taken off again
SENT = {b"host", b"content-type", b"content-length", b"user-agent"}


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Resolves once, checks every address, and connects to one that was checked: no second look-up to lie in."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Raises EndpointFailure (lasting) for a forbidden address, ConnectError or ConnectTimeout otherwise."""
        until = monotonic() + (timeout if timeout is not None else 3600.0)
        try:
            addresses = await checked_addresses(host, port, timeout, self._policy)
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout(f"looking up {host} took too long") from error
        except OSError as error:
            raise httpcore2.ConnectError(f"{host} cannot be looked up") from error
        fault: Exception = httpcore2.ConnectError(f"{host} has no address")
        for tried, address in enumerate(addresses):
            share = max(until - monotonic(), 0.001) / (len(addresses) - tried)
            try:
                return await self._network.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                fault = error
        raise fault


class GuardedTransport(httpx2.AsyncHTTPTransport):
    """httpx2's transport over a guarded pool.

    The pool is a private attribute there: httpx2 is pinned by the lock file, and a test holds the guard to its place.
    Headers are chosen here because the OpenAI client adds some from the environment (organisation, custom headers),
    which are nobody's business at an address that a user gave.
    """

    def __init__(self, api_key: str, limits: Limits) -> None:
        context = tls()
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


def open_client(base_url: str, api_key: str, limits: Limits) -> "AsyncOpenAI":
    """A client for one base URL and key, made inside the loop that uses it; it never retries on its own.

    Raises as `check_target` does.
    """
    from openai import AsyncOpenAI

    check_target(base_url, api_key, limits.policy)
    wire = httpx2.AsyncClient(
        transport=GuardedTransport(api_key, limits),
        timeout=httpx2.Timeout(None, connect=limits.connect_seconds),
        follow_redirects=False,
        trust_env=False,
    )
    return AsyncOpenAI(base_url=base_url.strip(), api_key=api_key or NO_KEY, max_retries=0, http_client=wire)


def refused(error: "APIStatusError") -> Refused:
    return Refused(error.status_code, error.response.headers, error.response.request.url.path, error.body)


def trouble(error: "APIConnectionError") -> Trouble:
    """What is behind a request of the client that got no HTTP answer."""
    causes = list(_causes(error))
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return Trouble.CERTIFICATE
    if any(isinstance(cause, httpx2.ConnectTimeout) for cause in causes):
        return Trouble.SLOW
    if any("cannot be looked up" in str(cause) for cause in causes):
        return Trouble.UNKNOWN_HOST
    return Trouble.REFUSED if any(isinstance(cause, httpx2.ConnectError) for cause in causes) else Trouble.BROKEN


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
