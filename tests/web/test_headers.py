"""Every response tells the browser what it may do."""

import pytest
from starlette.testclient import TestClient

from app.web.security.headers import SECURITY_HEADERS
from tests.web.conftest import MakeApp, MakeClient

EXPECTED = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/things", 200),
        ("GET", "/healthz", 200),
        ("GET", "/readyz", 200),
        ("GET", "/docs", 200),
        ("GET", "/openapi.json", 200),
        ("GET", "/favicon.ico", 200),
        ("GET", "/static/app.css", 200),
        ("GET", "/static/nothing.css", 404),
        ("GET", "/static/../pyproject.toml", 404),
        ("GET", "/nowhere", 404),
        ("GET", "/api/v1/nowhere", 404),
        ("GET", "/login", 303),
        ("POST", "/things", 403),
        ("DELETE", "/things", 405),
        ("GET", "/trouble/bug", 500),
        ("GET", "/api/v1/trouble/bug", 500),
        ("GET", "/trouble/away", 503),
    ],
)
def test_every_response_carries_the_security_headers(
    make_client: MakeClient, method: str, path: str, status: int
) -> None:
    answer = make_client().request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-security-policy"] == EXPECTED
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert {name: answer.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS


def test_a_refused_host_and_a_refused_stranger_get_them_too(make_app: MakeApp) -> None:
    client = TestClient(make_app(password="x"), "http://localhost:8000", follow_redirects=False)
    for answer in (client.get("/things"), client.get("/things", headers={"host": "evil.example"})):
        assert answer.headers["content-security-policy"] == EXPECTED


def test_a_file_asked_for_by_its_content_is_kept_for_ever(make_client: MakeClient) -> None:
    client = make_client()
    assert "immutable" in client.get("/static/app.css?v=abc").headers["cache-control"]
    assert client.get("/static/app.css").headers["cache-control"] == "no-cache"
    assert "immutable" not in client.get("/static/nothing.css?v=abc").headers["cache-control"]


def test_a_page_is_never_kept(make_client: MakeClient) -> None:
    assert make_client().get("/things").headers["cache-control"] == "no-store"
