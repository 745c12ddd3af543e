"""/metrics: what Prometheus reads, behind the API's door."""

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from app.main import create_app
from app.storage import heartbeats, jobs, spend
from app.storage.base import new_id
from app.storage.spend import Sample
from app.web import metrics
from tests.web.arena_world import SECRET, World
from tests.web.conftest import MakeClient


def values(client: TestClient) -> dict[str, float]:
    """By name and labels, the labels in the order of their names."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = text_string_to_metric_families(answer.text)
    return {" ".join([one.name, *one.labels.values()]): one.value for family in families for one in family.samples}


@pytest.fixture
def client(own: World, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setattr(metrics, "FRESH_SECONDS", 0.0)
    return TestClient(own.app(), "http://localhost:8000")


def test_jobs_workers_and_campaigns_are_gauges(own: World, client: TestClient) -> None:
    with own.database.write() as session:
        heartbeats.beat(session, "host:1")
        jobs.want(session, "campaign", new_id())
        jobs.claim(session, jobs.want(session, "import", new_id()), 60)
    found = values(client)
    assert found["agon_jobs campaign due"] == 1
    assert found["agon_jobs import running"] == 1
    assert found["agon_oldest_due_job_seconds"] >= 0
    assert (found["agon_workers drivers"], found["agon_workers calls"]) == (1, 1)
    assert found["agon_campaigns paused"] == 1
    assert "agon_calls_last_minute true" in found


def test_what_was_spent_is_a_counter_by_endpoint_and_purpose(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spend, "samples", lambda session: [Sample("openai/x", "task", 10, 2, 300, 40, 1_500_000)])
    found = values(client)
    assert found["agon_calls_total openai/x true task"] == 8
    assert found["agon_calls_total openai/x false task"] == 2
    assert found["agon_tokens_total in openai/x task"] == 300
    assert found["agon_cost_total openai/x task"] == 1.5


def test_scrapes_within_a_second_ask_the_database_once(own: World) -> None:
    scrapes = metrics.Scrapes(own.database)
    before = scrapes.text()
    with own.database.write() as session:
        jobs.want(session, "campaign", new_id())
    assert scrapes.text() == before


def test_a_password_shuts_it_but_for_the_token(make_client: MakeClient, own: World) -> None:
    settings = own.settings.model_copy(update={"password": "x", "api_token": "agon-token"})
    client = TestClient(create_app(settings, SECRET, own.database, dict, print), "http://localhost:8000")
    refused = client.get("/metrics")
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert client.get("/metrics", headers={"authorization": "Bearer wrong"}).status_code == 401
    assert "agon_workers" in client.get("/metrics", headers={"authorization": "Bearer agon-token"}).text
