"""Every form carries a token that is good for one visitor alone."""

import pytest
from fastapi.routing import iter_route_contexts
from starlette.testclient import TestClient

from tests.web.conftest import MakeApp, MakeClient
from tests.web.reading import log_in, token_on


def test_a_form_with_the_pages_token_is_accepted(make_client: MakeClient) -> None:
    client = make_client()
    token = token_on(client.get("/things").text)
    assert client.post("/things", data={"name": "ring", "csrf_token": token}).json() == {"made": "ring"}


def test_an_upload_with_the_pages_token_is_accepted(make_client: MakeClient) -> None:
    client = make_client()
    token = token_on(client.get("/things").text)
    answer = client.post("/files", data={"csrf_token": token}, files={"file": b"0123456789"})
    assert answer.json() == {"size": 10}


def test_htmx_sends_the_token_in_a_header(make_client: MakeClient) -> None:
    client = make_client()
    headers = {"x-csrf-token": token_on(client.get("/things").text), "hx-request": "true"}
    assert client.post("/things", data={"name": "ring"}, headers=headers).status_code == 200


@pytest.mark.parametrize("token", [None, "", "guess", "ключ"])
def test_a_form_without_the_token_is_refused(make_client: MakeClient, token: str | None) -> None:
    client = make_client()
    client.get("/things")
    form = {"name": "ring"} | ({"csrf_token": token} if token is not None else {})
    answer = client.post("/things", data=form)
    assert answer.status_code == 403
    assert "reload it" in answer.text


def test_a_token_without_its_cookie_is_refused(make_client: MakeClient) -> None:
    client = make_client()
    token = token_on(client.get("/things").text)
    client.cookies.clear()
    assert client.post("/things", data={"name": "ring", "csrf_token": token}).status_code == 403


def test_another_visitors_token_is_refused(make_app: MakeApp) -> None:
    app = make_app()
    mine, theirs = (TestClient(app, "http://localhost:8000") for _ in range(2))
    mine.get("/things")
    token = token_on(theirs.get("/things").text)
    assert mine.post("/things", data={"name": "ring", "csrf_token": token}).status_code == 403


def test_a_token_from_before_the_login_is_refused_after_it(make_client: MakeClient) -> None:
    client = make_client(password="open sesame")
    old = token_on(client.get("/login").text)
    assert log_in(client, "open sesame") == 303
    assert client.post("/things", data={"name": "ring", "csrf_token": old}).status_code == 403
    new = token_on(client.get("/things").text)
    assert client.post("/things", data={"name": "ring", "csrf_token": new}).status_code == 200


def test_a_token_of_another_installation_is_refused(make_client: MakeClient) -> None:
    here, elsewhere = make_client(), make_client(secret=b"another secret")
    token = token_on(elsewhere.get("/things").text)
    here.cookies.update(elsewhere.cookies)
    assert here.post("/things", data={"name": "ring", "csrf_token": token}).status_code == 403


def test_the_visitors_cookie_is_out_of_reach_of_scripts(make_client: MakeClient) -> None:
    plain = make_client().get("/things").headers["set-cookie"]
    assert plain.startswith("agon_visitor=")
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(plain.split("; "))
    secure = make_client("https://localhost").get("/things").headers["set-cookie"]
    assert secure.startswith("__Host-agon_visitor=")
    assert "Secure" in secure.split("; ")


def test_no_writing_route_of_a_page_forgets_the_token(make_app: MakeApp) -> None:
    app = make_app()
    client = TestClient(app, "http://localhost:8000")
    writes = [
        (method, str(context.path).replace("{", "").replace("}", ""))
        for context in iter_route_contexts(app.routes)
        for method in sorted((context.methods or set()) - {"GET", "HEAD", "OPTIONS"})
    ]
    pages = [(method, path) for method, path in writes if not path.startswith("/api/")]
    assert {("POST", "/logout"), ("POST", "/login"), ("POST", "/things")} <= set(pages)
    for method, path in pages:
        assert client.request(method, path, data={"name": "ring"}).status_code == 403, (method, path)
