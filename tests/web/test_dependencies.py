"""One request is one transaction, ended before its answer is sent."""

import httpx2

from tests.web.conftest import Serve
from tests.web.reading import token_on


def test_a_write_is_there_as_soon_as_its_answer_is(serve: Serve) -> None:
    with httpx2.Client(base_url=serve(), timeout=60) as client:
        headers = {"x-csrf-token": token_on(client.get("/things").text)}
        for count in range(1, 21):
            assert client.post("/rows", headers=headers).status_code == 200
            assert client.get("/rows").json() == count


def test_a_write_that_fails_leaves_nothing(serve: Serve) -> None:
    with httpx2.Client(base_url=serve(), timeout=60) as client:
        headers = {"x-csrf-token": token_on(client.get("/things").text)}
        assert client.post("/rows?fail=true", headers=headers).status_code == 409
        assert client.get("/rows").json() == 0
