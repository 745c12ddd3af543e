"""The guard against addresses that a user's base URL must not lead to."""

from ipaddress import ip_address

import pytest

from app.errors import EndpointFailure, Invalid
from app.gateway.guard import Policy, check_url, permitted, policy
from app.settings import Settings
from tests.gateway.counter import KEY, Counter, ask, limits, target
from tests.gateway.scripted import completion, serving

CLOSED = Policy()
OPEN = Policy(allow_private=True)
NEVER = [
    "169.254.169.254",
    "::ffff:169.254.169.254",
    "fe80::1",
    "0.0.0.0",
    "::",
    "224.0.0.1",
    "ff02::1",
    "255.255.255.255",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "2001:0:53aa:64c::1",
    "fd00:ec2::254",
    "168.63.129.16",
]
PRIVATE = ["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.1.2.3", "192.168.0.9", "172.16.0.1", "100.64.0.1", "fd12::1"]
PRIVATE += ["fec0::1", "::7f00:1"]
PUBLIC = ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_refused_whatever_the_policy(address: str) -> None:
    everything = Policy(allow_private=True, allowed=("host", "0.0.0.0/0", "::/0", address))
    assert not permitted(ip_address(address), "host", 80, everything)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_depend_on_the_policy(address: str) -> None:
    assert not permitted(ip_address(address), "host", 80, CLOSED)
    assert permitted(ip_address(address), "host", 80, OPEN)
    assert permitted(ip_address(address), "host", 80, Policy(allowed=("HOST",)))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_open(address: str) -> None:
    assert permitted(ip_address(address), "host", 443, CLOSED)


LISTS: list[tuple[str, bool]] = [
    ("10.0.0.0/8", True),
    ("10.1.2.3", True),
    ("ollama", True),
    ("ollama:11434", True),
    ("ollama:22", False),
    ("10.2.0.0/16", False),
    ("llama", False),
    ("fd00::/8", False),
]


@pytest.mark.parametrize(("entry", "open_"), LISTS)
def test_the_allow_list_knows_hosts_ports_and_networks(entry: str, open_: bool) -> None:
    assert permitted(ip_address("10.1.2.3"), "ollama", 11434, Policy(allowed=(entry,))) is open_


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/v1",
        "file:///etc/passwd",
        "example.com/v1",
        "http://",
        "http://user:pass@example.com/v1",
        "http://user@example.com/v1",
        "http://example.com:99999/v1",
        "http://[::1/v1",
        "https://example.com/v1?key=1",
        "https://example.com/v1#x",
        "http://169.254.169.254/v1",
        "http://[fe80::1]/v1",
        "",
    ],
)
def test_a_form_refuses_what_can_never_be_a_base_url(url: str) -> None:
    with pytest.raises(Invalid):
        check_url(url)


@pytest.mark.parametrize("url", ["https://api.example.com/v1", "http://127.0.0.1:8000/v1", " http://ollama:11434/v1 "])
def test_a_form_takes_usual_base_urls(url: str) -> None:
    check_url(url)


def test_a_form_can_be_told_the_policy() -> None:
    with pytest.raises(Invalid, match="AGON_PRIVATE_ENDPOINTS"):
        check_url("http://127.0.0.1:8000/v1", CLOSED)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "127.1", "[64:ff9b::7f00:1]"]
)
def test_the_wire_is_not_touched_by_a_forbidden_address(host: str) -> None:
    counter = Counter()
    with serving(lambda hit: completion("x")) as server:
        port = server.base_url.rpartition(":")[2]
        wrong = target(server, base_url=f"http://{host}:{port}")
        with pytest.raises(EndpointFailure, match="private or reserved address") as failure:
            counter.buy([ask("a", wrong)], limits(policy=CLOSED))
        assert server.connections == 0
    assert failure.value.lasting
    assert not any(one.ok for one in counter.bought)


def test_a_listed_host_is_reached_and_its_name_may_have_several_addresses() -> None:
    """`localhost` is ::1 and 127.0.0.1 on many machines, and the server listens on the latter only."""
    counter = Counter()
    with serving(lambda hit: completion("x")) as server:
        port = server.base_url.partition("1:")[2].partition("/")[0]
        named = target(server, base_url=f"http://localhost:{port}/v1")
        assert counter.buy([ask("a", named)], limits(policy=Policy(allowed=(f"localhost:{port}",))))
        assert server.connections == 1


@pytest.mark.parametrize("key", ["ключ-с-буквами", "two\nlines", " padded "])
def test_a_key_that_cannot_be_a_header_is_refused_without_telling_it(key: str) -> None:
    counter = Counter()
    with serving(lambda hit: completion("x")) as server:
        with pytest.raises(EndpointFailure, match="The key holds characters") as failure:
            counter.buy([ask("a", target(server, api_key=key))])
        assert server.connections == counter.permitted == 0
    assert key.strip() not in str(failure.value)


def test_a_base_url_with_a_password_is_refused_without_telling_it() -> None:
    with serving(lambda hit: completion("x")) as server:
        leaky = target(server, base_url=server.base_url.replace("//", f"//me:{KEY}@"))
        with pytest.raises(EndpointFailure, match="must not hold a user name") as failure:
            Counter().buy([ask("a", leaky)])
    assert KEY not in str(failure.value)


@pytest.mark.parametrize(("host", "open_"), [("127.0.0.1", True), ("localhost", True), ("0.0.0.0", False)])
def test_private_addresses_are_open_while_the_app_is_on_loopback(host: str, open_: bool) -> None:
    made = policy(Settings(host=host, private_endpoints=("10.0.0.1",)))
    assert made == Policy(allow_private=open_, allowed=("10.0.0.1",))
