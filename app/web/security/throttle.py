"""How often a password may be tried."""

import time
from ipaddress import IPv6Address, ip_address
from math import ceil

from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import Request

from app.web.security.sessions import KNOWN, Sessions, read_cookie

_LIMITS: tuple[RateLimitItem, ...] = (RateLimitItemPerMinute(5), RateLimitItemPerHour(30))


def network_of(address: str) -> str:
    """The party behind an address: whoever has one IPv6 address has the 2^64 beside it too."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(IPv6Address(int(parsed) >> 64 << 64))
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


class Attempts:
    """Counts tries in this process's memory, per network; success forgets them.

    A browser that was let in before is counted by itself, so that nobody's wrong guesses shut it out.
    """

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def allowed(self, request: Request) -> bool:
        """Count one try before it is judged, so that tries made at once cannot slip past together."""
        return all(self._limiter.hit(limit, self._who(request)) for limit in _LIMITS)

    def forget(self, request: Request) -> None:
        for limit in _LIMITS:
            self._limiter.clear(limit, self._who(request))

    def wait(self, request: Request) -> int:
        """Seconds until the next try is allowed, at least 1."""
        who = self._who(request)
        stats = [self._limiter.get_window_stats(limit, who) for limit in _LIMITS]
        return max([1, *(ceil(found.reset_time - time.time()) for found in stats if found.remaining <= 0)])

    @staticmethod
    def _who(request: Request) -> str:
        sessions: Sessions = request.app.state.sessions
        badge = read_cookie(request, KNOWN)
        if sessions.recognises(badge):
            return f"browser {badge}"
        return network_of(request.client.host) if request.client else ""
