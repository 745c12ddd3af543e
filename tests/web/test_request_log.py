"""Each request has a name, and the log says what came of it without what was typed into its address."""

from collections.abc import Iterator

import pytest
import structlog
from structlog.testing import LogCapture

from tests.web.conftest import MakeClient


@pytest.fixture
def log() -> Iterator[LogCapture]:
    capture = LogCapture()
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, capture])
    yield capture
    structlog.reset_defaults()


def test_the_name_in_the_answer_is_the_one_in_the_log(make_client: MakeClient, log: LogCapture) -> None:
    answer = make_client().get("/api/v1/things?token=sk-secret1234567")
    line = log.entries[-1]
    assert line["request_id"] == answer.headers["x-request-id"]
    assert (line["method"], line["path"], line["status"], line["log_level"]) == ("GET", "/api/v1/things", 200, "info")
    assert "sk-secret" not in str(log.entries)


@pytest.mark.parametrize(
    ("path", "pattern", "status", "level"),
    [
        ("/trouble/conflict", "/trouble/{kind}", 409, "info"),
        ("/nowhere/sk-secret1234567", "none", 404, "info"),
        ("/static/app.css", "/static", 200, "debug"),
        ("/healthz", "/healthz", 200, "debug"),
    ],
)
def test_addresses_are_logged_by_their_pattern(
    make_client: MakeClient, log: LogCapture, path: str, pattern: str, status: int, level: str
) -> None:
    make_client().get(path)
    line = log.entries[-1]
    assert (line["path"], line["status"], line["log_level"]) == (pattern, status, level)


def test_a_part_that_asks_for_itself_does_not_fill_the_log(make_client: MakeClient, log: LogCapture) -> None:
    make_client().get("/things", headers={"hx-request": "true"})
    assert log.entries[-1]["log_level"] == "debug"


def test_what_broke_is_found_by_the_name_that_its_page_tells(make_client: MakeClient, log: LogCapture) -> None:
    answer = make_client().get("/trouble/bug")
    line = log.entries[-1]
    assert (line["status"], line["log_level"]) == (500, "error")
    assert line["request_id"] == answer.headers["x-request-id"]
    assert f"under request {line['request_id']}" in answer.text
    assert "a secret detail" not in answer.text
