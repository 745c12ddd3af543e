"""Writes come from our own pages only."""

import pytest

from app.web.security.origins import from_elsewhere, same_origin
from tests.web.conftest import MakeClient
from tests.web.reading import token_on

HOME = "http://localhost:8000"


@pytest.mark.parametrize(
    ("origin", "scheme", "host", "expected"),
    [
        ("http://localhost:8000", "http", "localhost:8000", True),
        ("http://LOCALHOST:8000", "http", "localhost:8000", True),
        ("http://localhost:3000", "http", "localhost:8000", False),
        ("http://127.0.0.1:8000", "http", "localhost:8000", False),
        ("http://[::1]:8000", "http", "[::1]:8000", True),
        ("https://agon.example", "https", "agon.example:443", True),
        ("https://agon.example", "http", "agon.example", True),
        ("http://agon.example", "https", "agon.example", False),
        ("http://agon.example", "http", "agon.example:80", True),
        ("https://agon.example:8443", "https", "agon.example", False),
        ("null", "http", "localhost:8000", False),
        ("", "http", "localhost:8000", False),
        ("http://localhost:8000/", "http", "localhost:8000", False),
        ("http://[broken", "http", "localhost:8000", False),
        ("ftp://localhost:8000", "http", "localhost:8000", False),
        ("http://evil.example@localhost:8000", "http", "localhost:8000", False),
    ],
)
def test_an_origin_is_ours_when_scheme_name_and_port_are(origin: str, scheme: str, host: str, expected: bool) -> None:
    assert same_origin(origin, scheme, host) is expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, False),
        ({"sec-fetch-site": "same-origin"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"sec-fetch-site": "same-site"}, True),
        ({"sec-fetch-site": "cross-site"}, True),
        ({"sec-fetch-site": "same-origin", "origin": "http://evil.example"}, True),
        ({"sec-fetch-site": "cross-site", "origin": HOME}, True),
        ({"sec-fetch-site": "same-origin", "origin": HOME}, False),
    ],
)
def test_one_sign_of_another_site_is_enough(headers: dict[str, str], expected: bool) -> None:
    assert from_elsewhere({"host": "localhost:8000", **headers}, "http") is expected


FOREIGN = [
    {"origin": "http://evil.example"},
    {"origin": "null"},
    {"origin": "http://localhost:3000"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_another_site_cannot_send_a_form_even_with_the_right_token(
    make_client: MakeClient, headers: dict[str, str]
) -> None:
    client = make_client()
    form = {"name": "ring", "csrf_token": token_on(client.get("/things").text)}
    answer = client.post("/things", data=form, headers=headers)
    assert (answer.status_code, "another site" in answer.text) == (403, True)


@pytest.mark.parametrize("headers", FOREIGN)
def test_another_site_cannot_write_to_the_api(make_client: MakeClient, headers: dict[str, str]) -> None:
    answer = make_client().post("/api/v1/things", json={"name": "ring"}, headers=headers)
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"


def test_another_site_may_link_here(make_client: MakeClient) -> None:
    assert make_client().get("/things", headers={"sec-fetch-site": "cross-site"}).status_code == 200


def test_our_own_page_may_write_json(make_client: MakeClient) -> None:
    headers = {"origin": HOME, "sec-fetch-site": "same-origin"}
    assert make_client().post("/api/v1/things", json={"name": "ring"}, headers=headers).json() == {"made": "ring"}


def test_a_write_without_a_body_needs_no_kind(make_client: MakeClient) -> None:
    headers = {"origin": HOME, "sec-fetch-site": "same-origin"}
    client = make_client()
    assert client.post("/api/v1/things", headers=headers).status_code == 422, "it comes as far as the missing body"
    for body in ({"content-length": "17"}, {"transfer-encoding": "chunked"}):
        assert client.post("/api/v1/things", headers={**headers, **body}).status_code == 415
    assert client.post("/api/v1/things", headers={"content-type": ""}).status_code == 415


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
)
def test_what_a_plain_form_can_send_is_no_json(make_client: MakeClient, kind: str) -> None:
    answer = make_client().post("/api/v1/things", content=b'{"name": "ring"}', headers={"content-type": kind})
    assert answer.status_code == 415
    assert "application/json" in answer.json()["detail"]
