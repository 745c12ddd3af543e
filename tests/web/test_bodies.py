"""A request may bring only so much."""

from collections.abc import Iterator

from tests.web.conftest import MakeClient
from tests.web.reading import token_on

LIMIT = 100_000


def test_an_announced_body_over_the_limit_is_refused_before_it_is_read(make_client: MakeClient) -> None:
    client = make_client(max_upload_bytes=LIMIT)
    answer = client.post("/files", files={"file": b"x" * LIMIT})
    assert (answer.status_code, answer.headers["connection"]) == (413, "close")
    assert "100,000 bytes" in answer.text
    assert "AGON_MAX_UPLOAD_BYTES" in answer.text


def test_an_unannounced_body_is_cut_off_while_it_arrives(make_client: MakeClient) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 10_000
            yield b"x" * 10_000

    client = make_client(max_upload_bytes=LIMIT)
    answer = client.post("/api/v1/things", content=endless(), headers={"content-type": "application/json"})
    assert answer.status_code == 413
    assert answer.json()["title"] == "Too large"


def test_a_body_below_the_limit_passes(make_client: MakeClient) -> None:
    client = make_client(max_upload_bytes=LIMIT)
    token = token_on(client.get("/things").text)
    answer = client.post("/files", data={"csrf_token": token}, files={"file": b"x" * (LIMIT - 1000)})
    assert answer.json() == {"size": LIMIT - 1000}


def test_the_login_takes_no_files(make_client: MakeClient) -> None:
    client = make_client(password="x")
    assert client.post("/login", files={"password": b"x" * 20_000}).status_code == 413
