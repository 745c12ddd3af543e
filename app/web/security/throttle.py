"""How often a password may be tried."""

from ipaddress import IPv6Address, ip_address

from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import Request

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
    """Counts tries per network, in this process's memory; success forgets them."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def allowed(self, request: Request) -> bool:
        """Count one try before it is judged, so that tries made at once cannot slip past together."""
        return all(self._limiter.hit(limit, self._who(request)) for limit in _LIMITS)

    def forget(self, request: Request) -> None:
        for limit in _LIMITS:
            self._limiter.clear(limit, self._who(request))

    @staticmethod
    def _who(request: Request) -> str:
        return network_of(request.client.host) if request.client else ""
