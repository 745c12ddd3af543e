"""How programs may use the API: with the token anywhere, without it only on a loopback bind without a password."""

import httpx2
import pytest

from tests.web.conftest import MakeClient
from tests.web.reading import log_in

TOKEN = "a-long-token-of-the-tests"
PASSWORD = "open sesame"
BEARER = {"authorization": f"Bearer {TOKEN}"}


def test_on_the_loopback_a_program_reads_and_writes_json_without_a_token(make_client: MakeClient) -> None:
    client = make_client()
    assert client.get("/api/v1/things").json() == ["ring"]
    assert client.post("/api/v1/things", json={"name": "bell"}).json() == {"made": "bell"}


def test_with_a_password_the_token_opens_the_api(make_client: MakeClient) -> None:
    client = make_client(password=PASSWORD, api_token=TOKEN)
    assert client.get("/api/v1/things", headers=BEARER).json() == ["ring"]
    assert client.post("/api/v1/things", json={"name": "bell"}, headers=BEARER).json() == {"made": "bell"}


def test_the_token_opens_no_page(make_client: MakeClient) -> None:
    assert make_client(password=PASSWORD, api_token=TOKEN).get("/things", headers=BEARER).status_code == 303


@pytest.mark.parametrize(
    "header", ["Bearer wrong", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "bearer ключ"]
)
@pytest.mark.parametrize("chosen", [{"password": PASSWORD, "api_token": TOKEN}, {"api_token": TOKEN}, {}])
def test_a_wrong_token_is_refused(make_client: MakeClient, header: str, chosen: dict[str, str]) -> None:
    headers = httpx2.Headers([(b"authorization", header.encode())])
    answer = make_client(**chosen).post("/api/v1/things", json={"name": "bell"}, headers=headers)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


def test_no_token_in_the_settings_means_that_none_is_right(make_client: MakeClient) -> None:
    answer = make_client(password=PASSWORD).get("/api/v1/things", headers={"authorization": "Bearer "})
    assert answer.status_code == 401


def test_a_program_with_a_stolen_session_still_cannot_write(make_client: MakeClient) -> None:
    client = make_client(password=PASSWORD, api_token=TOKEN)
    log_in(client, PASSWORD)
    assert client.get("/api/v1/things").status_code == 200
    assert client.post("/api/v1/things", json={"name": "bell"}).status_code == 401


def test_a_page_of_a_session_may_write_json(make_client: MakeClient) -> None:
    client = make_client(password=PASSWORD, api_token=TOKEN)
    log_in(client, PASSWORD)
    headers = {"origin": "http://localhost:8000", "sec-fetch-site": "same-origin"}
    assert client.post("/api/v1/things", json={"name": "bell"}, headers=headers).status_code == 200


def test_a_page_without_a_session_may_not(make_client: MakeClient) -> None:
    headers = {"origin": "http://localhost:8000", "sec-fetch-site": "same-origin"}
    client = make_client(password=PASSWORD, api_token=TOKEN)
    assert client.post("/api/v1/things", json={"name": "bell"}, headers=headers).status_code == 401


def test_with_the_token_the_content_may_be_of_any_kind(make_client: MakeClient) -> None:
    headers = {**BEARER, "content-type": "text/plain", "origin": "http://elsewhere.example"}
    client = make_client(password=PASSWORD, api_token=TOKEN)
    answer = client.post("/api/v1/things", content=b'{"name": "bell"}', headers=headers)
    assert answer.status_code == 422
    assert answer.json()["problems"][0]["where"] == ""
