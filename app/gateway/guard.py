"""Which addresses a base URL given by a person may lead to; checked on the very address that is connected to."""

import asyncio
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from app.errors import EndpointFailure, Invalid
from app.settings import Settings

Address = IPv4Address | IPv6Address

# Never a model server, whatever the policy: link-local and the other places where clouds hand out credentials,
# "this network", and IPv6 forms that carry an IPv4 address past a check made on the outer one.
NEVER = tuple(
    ip_network(network)
    for network in (
        "169.254.0.0/16",
        "fe80::/10",
        "168.63.129.16/32",
        "100.100.100.200/32",
        "fd00:ec2::254/128",
        "fd20:ce::254/128",
        "0.0.0.0/8",
        "255.255.255.255/32",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2002::/16",
        "2001::/32",
        "::ffff:0:0:0/96",
    )
)
# The deprecated `::a.b.c.d` and site-local ranges pass for global in the standard library.
LOCAL = (ip_network("::/96"), ip_network("fec0::/10"))


@dataclass(frozen=True)
class Policy:
    """What may be reached besides the public internet.

    `allowed` holds hosts, hosts with a port (`127.0.0.1:9000`) and networks (`10.1.0.0/16`).
    """

    allow_private: bool = False
    allowed: tuple[str, ...] = ()


def policy(settings: Settings) -> Policy:
    """Private addresses are open while only this machine can reach the app: whoever uses it is there already."""
    return Policy(allow_private=not settings.reachable_by_others, allowed=settings.private_endpoints)


def check_url(url: str, policy: Policy | None = None) -> None:
    """Refuse what can never be a base URL, and an address written out that the policy refuses.

    Raises Invalid with a sentence for a form. Names are resolved, and checked, only when a connection is made.
    """
    parts = _split(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Invalid("The base URL must start with http:// or https:// and name a host.")
    if parts.username is not None or parts.password is not None:
        raise Invalid("The base URL must not hold a user name or password; put the key in its own field.")
    if parts.query or parts.fragment:
        raise Invalid("The base URL must end with its path, usually /v1, without ? or #.")
    literal = _literal(parts.hostname)
    if literal and not permitted(literal, parts.hostname, _port(parts), policy or Policy(allow_private=True)):
        raise Invalid(refusal(parts.hostname))


def check_target(base_url: str, api_key: str, policy: Policy) -> None:
    """Raises EndpointFailure (lasting) for a base URL or a key that cannot be used at all."""
    try:
        check_url(base_url, policy)
    except Invalid as invalid:
        raise EndpointFailure(f"{invalid} ({base_url.rpartition('@')[2][:200]})", lasting=True) from None
    if not api_key.isascii() or not (api_key.isprintable() and api_key == api_key.strip()):
        raise EndpointFailure("The key holds characters that no key has; enter it again.", lasting=True)


def permitted(address: Address, host: str, port: int, policy: Policy) -> bool:
    """May a connection to `host` go to this address, one of those it resolves to?"""
    address = _unmapped(address)
    if address.is_multicast or address.is_unspecified or _within(address, NEVER):
        return False
    if address.is_global and not _within(address, LOCAL):
        return True
    return policy.allow_private or any(_lists(entry, address, host, port) for entry in policy.allowed)


def refusal(host: str) -> str:
    return (
        f"The host {host} leads to a private or reserved address, which this server may not use; "
        "choose another base URL, or list the host in AGON_PRIVATE_ENDPOINTS (link-local ones stay refused)."
    )


async def checked_addresses(host: str, port: int, timeout: float | None, policy: Policy) -> list[str]:
    """The host's addresses, each once, in the resolver's order of preference, all of them permitted.

    Raises EndpointFailure (lasting) when one is not, TimeoutError or OSError when the host cannot be looked up.
    """
    try:
        async with asyncio.timeout(timeout):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(f"{host} is no host name") from error
    addresses = list(dict.fromkeys(str(address[4][0]) for address in found))
    if not all(permitted(ip_address(address), host, port, policy) for address in addresses):
        raise EndpointFailure(refusal(host), lasting=True)
    return addresses


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url.strip())
        _port(parts)
    except ValueError as error:
        raise Invalid("The base URL is not a web address.") from error
    return parts


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def _literal(host: str) -> Address | None:
    """The address that a host is written as, also in the old numeric forms: 127.1, 0x7f.1, 2130706433."""
    try:
        return ip_address(host)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))
    except (OSError, UnicodeError):
        return None


def _unmapped(address: Address) -> Address:
    inner = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return inner or address


def _within(address: Address, networks: Iterable[object]) -> bool:
    return any(address in network for network in networks)  # type: ignore[operator]


def _lists(entry: str, address: Address, host: str, port: int) -> bool:
    """Does one entry of the allow-list name this host, host and port, or a network that holds the address?"""
    if entry.casefold() in {host.casefold(), f"{host}:{port}".casefold()}:
        return True
    try:
        return address in ip_network(entry, strict=False)
    except ValueError:
        return False
