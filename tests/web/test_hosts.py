"""Which names the app answers to."""

from typing import Any

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app import cli
from app.cli import stack
from app.gateway.guard import policy
from app.settings import Settings
from app.web.security.hosts import allowed_names, split_host
from tests.web.conftest import MakeClient


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("localhost", ("localhost", None)),
        ("LocalHost:8000", ("localhost", 8000)),
        ("127.0.0.1:80", ("127.0.0.1", 80)),
        ("[::1]:8000", ("::1", 8000)),
        ("", None),
        ("evil.example@localhost", None),
        ("localhost/x", None),
        ("localhost:80:80", None),
        ("localhost\n", None),
        ("::1", None),
    ],
)
def test_a_host_header_is_a_name_and_a_port_or_nothing(header: str, expected: tuple[str, int | None] | None) -> None:
    assert split_host(header) == expected


def test_binding_to_every_address_makes_no_name_of_it() -> None:
    names = allowed_names(Settings(host="0.0.0.0", password="x", allowed_hosts=("Agon.Example",)))
    assert names == {"127.0.0.1", "localhost", "::1", "agon.example"}


def test_the_name_the_server_is_bound_to_is_its_name() -> None:
    assert "agon.internal" in allowed_names(Settings(host="agon.internal", password="x"))


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "[::1]:8000", "agon.example"])
def test_loopback_and_added_names_are_answered(make_client: MakeClient, host: str) -> None:
    client = make_client(allowed_hosts=("agon.example",), password="x")
    assert client.get("/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/things", "/static/app.css", "/api/v1/things", "/nowhere"])
@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example:8000", "127.0.0.1.nip.example", "0.0.0.0:8000"]
)
def test_a_rebound_name_gets_nothing(make_client: MakeClient, path: str, host: str) -> None:
    answer = make_client().get(path, headers={"host": host})
    assert answer.status_code == 400
    assert "AGON_ALLOWED_HOSTS" in answer.text


def test_two_host_headers_are_refused(make_client: MakeClient) -> None:
    answer = make_client().get("/healthz", headers=[("host", "localhost"), ("host", "evil.example")])
    assert answer.status_code == 400


def test_names_that_a_proxy_serves_make_an_app_reachable_and_close_private_addresses_to_it() -> None:
    assert policy(Settings()).allow_private
    assert policy(Settings(allowed_hosts=("localhost", "[::1]"))).allow_private
    assert not policy(Settings(allowed_hosts=("agon.example",), password="x")).allow_private


class Proxied:
    """An app that says whom it sees and how, behind uvicorn's own reading of a proxy's headers."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        host = request.client.host if request.client else ""
        await PlainTextResponse(f"{host} {request.url.scheme}")(scope, receive, send)


@pytest.mark.parametrize(
    ("trusted", "seen"), [("127.0.0.1,::1", "172.20.0.1 http"), ("172.16.0.0/12", "203.0.113.9 https")]
)
def test_a_proxy_is_believed_where_the_setting_names_it(
    monkeypatch: pytest.MonkeyPatch, trusted: str, seen: str
) -> None:
    given: dict[str, Any] = {}
    monkeypatch.setenv("AGON_TRUSTED_PROXIES", trusted)
    monkeypatch.setattr(cli, "settings", Settings)
    monkeypatch.setattr(stack, "offer_alone", lambda _: None)
    monkeypatch.setattr(uvicorn, "run", lambda app, **options: given.update(options))
    cli.web()
    app = ProxyHeadersMiddleware(Proxied(), given["forwarded_allow_ips"])  # type: ignore[arg-type]
    client = TestClient(app, "http://localhost:8000", client=("172.20.0.1", 40000))  # type: ignore[arg-type]
    headers = {"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https"}
    assert client.get("/", headers=headers).text == seen
