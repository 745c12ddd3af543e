"""What goes wrong is said in words, to people as a page and to programs as problem+json."""

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from app.main import create_app
from app.settings import Settings
from app.storage.session import Database
from tests.conftest import drop_postgres, postgres_url
from tests.web.conftest import SECRET, MakeClient, routes

CASES = [
    ("missing", 404, "Nothing here", "There is no such prompt."),
    ("conflict", 409, "Not possible right now", "This campaign has already ended."),
    ("spent", 409, "Not possible right now", "No call is left under the cap."),
    ("invalid", 422, "Something needs a correction", "2 things need a correction."),
    ("away", 503, "Not available right now", "The endpoint does not answer."),
    ("bug", 500, "Something broke in Agon", "The error is in the server's log."),
]


@pytest.mark.parametrize(("kind", "status", "title", "detail"), CASES)
def test_a_person_sees_a_page_that_says_what_to_do(
    make_client: MakeClient, kind: str, status: int, title: str, detail: str
) -> None:
    answer = make_client().get(f"/trouble/{kind}")
    page = answer.text.replace("&#39;", "'")
    assert answer.status_code == status
    assert f"<h1>{title}</h1>" in page
    assert detail in page
    assert 'href="/"' in page


@pytest.mark.parametrize(("kind", "status", "title", "detail"), CASES)
def test_a_program_gets_a_problem(make_client: MakeClient, kind: str, status: int, title: str, detail: str) -> None:
    answer = make_client().get(f"/api/v1/trouble/{kind}")
    body = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, body["status"], body["title"]) == (status, status, title)
    assert body["detail"].startswith(detail)


def test_every_problem_is_named_with_its_place(make_client: MakeClient) -> None:
    expected = [
        {"message": "It is empty.", "where": "line 4, column label"},
        {"message": "Unknown label.", "where": "line 9"},
    ]
    assert make_client().get("/api/v1/trouble/invalid").json()["problems"] == expected
    page = make_client().get("/trouble/invalid").text
    assert "<b>line 4, column label</b>: It is empty." in page


def test_only_a_passing_failure_asks_to_come_back(make_client: MakeClient) -> None:
    client = make_client()
    assert client.get("/api/v1/trouble/away").headers["retry-after"] == "5"
    assert "retry-after" not in client.get("/api/v1/trouble/wrong-key").headers


def test_a_bug_shows_nothing_of_itself(make_client: MakeClient) -> None:
    for path in ("/trouble/bug", "/api/v1/trouble/bug"):
        assert "a secret detail" not in make_client().get(path).text


def test_a_wrong_field_is_named_and_what_was_sent_is_not_repeated(make_client: MakeClient) -> None:
    answer = make_client().post("/api/v1/things", json={"name": ["sk-secret"]})
    assert answer.status_code == 422
    assert [problem["where"] for problem in answer.json()["problems"]] == ["name"]
    assert "sk-secret" not in answer.text


def test_a_fragment_gets_a_fragment(make_client: MakeClient) -> None:
    answer = make_client().get("/trouble/conflict", headers={"hx-request": "true"})
    assert answer.status_code == 409
    assert "<html" not in answer.text
    assert "already ended" in answer.text


def test_an_address_that_leads_nowhere_says_so(make_client: MakeClient) -> None:
    assert "no page at this address" in make_client().get("/nowhere").text
    assert "no page at this address" in make_client().get("/api/v1/nowhere").json()["detail"]


def test_a_database_that_does_not_answer_is_said(settings: Settings) -> None:
    app = create_app(
        settings, SECRET, Database("postgresql://nobody@127.0.0.1:1/none"), lambda: {"ready": False}, print
    )
    app.include_router(routes())
    answer = TestClient(app, "http://localhost:8000", raise_server_exceptions=False).get("/rows")
    assert answer.status_code == 503
    assert "The database does not answer" in answer.text
    assert "nobody" not in answer.text


def test_a_missing_table_or_column_is_said_with_what_to_do_and_logged(
    make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    for path in ("/rows", "/projects/x"):
        app = make_client().app
        with app.state.database.write() as session:  # type: ignore[attr-defined]
            session.execute(text("drop table if exists seen"))
        answer = TestClient(app, "http://localhost:8000", raise_server_exceptions=False).get(path)
        assert answer.status_code == 503
        assert "agon migrate" in answer.text
        assert "retry-after" not in answer.headers
    assert "no such table: seen" in caplog.text


def test_a_postgresql_that_was_not_migrated_is_said_too(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    url = postgres_url()
    database = Database(url)
    app = create_app(settings, SECRET, database, lambda: {"ready": False}, print)
    answer = TestClient(app, "http://localhost:8000", raise_server_exceptions=False).get("/api/v1/projects")
    database.close()
    drop_postgres(url)
    assert (answer.status_code, "agon migrate" in answer.json()["detail"]) == (503, True)
    assert "does not exist" in caplog.text


def test_a_database_that_is_away_is_logged(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    app = create_app(settings, SECRET, Database("postgresql://nobody@127.0.0.1:1/none"), lambda: {}, print)
    TestClient(app, "http://localhost:8000", raise_server_exceptions=False).get("/")
    assert "the database refused" in caplog.text
    assert "OperationalError" in caplog.text


HUGE = (2**31, 2**63, 10**30, -1, "one")


@pytest.mark.parametrize("number", HUGE)
@pytest.mark.parametrize(
    "path",
    [
        "/campaigns/x?before={}",
        "/campaigns/x/live?before={}",
        "/campaigns/x/rounds/{}",
        "/prompts/x?offset={}",
        "/projects/x?campaigns={}",
        "/projects/x?prompts={}",
    ],
)
def test_a_page_at_an_impossible_number_is_not_there(make_client: MakeClient, path: str, number: object) -> None:
    answer = make_client().get(path.format(number))
    assert answer.status_code == 404
    assert "no page at this address" in answer.text


@pytest.mark.parametrize("number", HUGE)
@pytest.mark.parametrize(
    "path",
    [
        "/campaigns/x/rounds?before={}",
        "/campaigns/x/rounds/{}",
        "/prompts/x/answers?offset={}",
        "/projects/x?campaigns_before={}",
        "/projects/x?prompts_before={}",
    ],
)
def test_a_program_is_told_of_an_impossible_number(make_client: MakeClient, path: str, number: object) -> None:
    assert make_client().get(f"/api/v1{path.format(number)}").status_code == 422


def test_a_seed_that_no_database_holds_is_refused(make_client: MakeClient) -> None:
    given = {"filename": "a.csv", "text": "x", "split_seed": 2**63}
    answer = make_client().post("/api/v1/uploads", json=given)
    assert (answer.status_code, answer.json()["problems"][0]["where"]) == (422, "split_seed")


@pytest.mark.parametrize(("found", "status"), [({"ready": True, "queue": 0}, 200), ({"ready": False}, 503), ({}, 503)])
def test_readiness_is_what_the_assembler_found(found: dict[str, object], status: int, settings: Settings) -> None:
    app = create_app(settings, SECRET, Database("sqlite://"), lambda: found, print)
    answer = TestClient(app, "http://localhost:8000").get("/readyz")
    assert (answer.status_code, answer.json()) == (status, found)
