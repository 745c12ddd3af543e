"""Fills a database as a busy installation's would be: a million outputs with their answers and calls, and campaigns."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import String, cast, text, update
from sqlalchemy.orm import Session

from app.services import campaigns
from app.services.campaigns import CampaignDraft
from app.settings import Settings
from app.storage import ledger, prompts, runs
from app.storage.base import now
from app.storage.campaigns import Campaign
from app.storage.champions import Champion
from app.storage.endpoints import Endpoint
from app.storage.evaluations import Evaluation
from app.storage.prices import Price
from app.storage.projects import Project
from app.storage.rounds import Battle, Candidate, PoolEntry, Round
from app.storage.runs import Block, Run
from app.storage.session import Database
from benchmarks.scene import Scene, build

VERSIONS, ENDPOINTS, SAMPLINGS = 20, 5, 5
EVALUATIONS = VERSIONS * ENDPOINTS * SAMPLINGS
PROJECTS, CAMPAIGNS, ROUNDS = 60, 100, 40
WORKED_ON = 100_000  # examples of the run that is looked at
START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Heap:
    """Addresses of what was made."""

    project_id: str
    campaign_id: str
    run_id: str
    version_id: str


def fill(database: Database, settings: Settings, outputs: int) -> Heap:
    """Everything, committed piece by piece."""
    scene = build(database, "http://127.0.0.1:9/v1", outputs // EVALUATIONS, (1_000_000, 3_000_000))
    with database.write() as session:
        models = _endpoints(session, scene)
        versions = [
            prompts.add(session, scene.prompt_id, f"Prompt {n}: {{{{input}}}}", "person") for n in range(VERSIONS)
        ]
        version_ids = [version.id for version in versions]
        run_id = _runs(session, scene, _evaluations(session, scene, version_ids, models))
    with database.write() as session:
        newest = [_campaign(session, settings, scene, version_ids, models, n) for n in range(CAMPAIGNS)][-1]
        _champions(session, scene, version_ids, models, newest)
    with database.write() as session:
        _rows(session, outputs)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    return Heap(scene.project_id, newest, run_id, version_ids[0])


def _endpoints(session: Session, scene: Scene) -> list[str]:
    provider = session.get_one(Endpoint, scene.endpoint_id).provider
    more = [
        Endpoint(provider_id=provider.id, name=f"model-{n}", prices=[Price(price_in=1, price_out=1)])
        for n in range(ENDPOINTS - 1)
    ]
    session.add_all(more)
    session.flush()
    return [scene.endpoint_id, *(endpoint.id for endpoint in more)]


def _evaluations(session: Session, scene: Scene, version_ids: list[str], models: list[str]) -> list[Evaluation]:
    summary = {"goal": "accuracy", "value": 0.9, "low": 0.88, "high": 0.92, "n": 2000, "right": 1800, "unreadable": 3}
    rows = [
        Evaluation(prompt_version_id=version, endpoint_id=model, version_id=scene.version_id, split="dev",
                   settings_hash=f"sampling-{n}", **summary)
        for version in version_ids for model in models for n in range(SAMPLINGS)
    ]  # fmt: skip
    session.add_all(rows)
    session.flush()
    return rows


def _runs(session: Session, scene: Scene, evaluations: list[Evaluation]) -> str:
    """A run that a person ordered for every evaluation; the first, which still works, has many blocks and workers."""
    for place, evaluation in enumerate(evaluations):
        account = ledger.open_account(session, f"run:{place}", {"calls": 10_000_000})
        run = Run(
            id=f"run-{place}", project_id=scene.project_id, evaluation_id=evaluation.id, account_id=account.id,
            upto=WORKED_ON if place == 0 else 2000, samples=1, temperature=0.0, max_tokens=16, started_at=now(),
        )  # fmt: skip
        runs.add(session, run, 500)
        run.status = "finished" if place else "running"
    worked = update(Block).where(Block.run_id == "run-0", Block.first < WORKED_ON // 2)
    session.execute(worked.values(done=500, worker="host:1/" + cast(Block.first / 500 % 20, String), started_at=now()))
    return "run-0"


def _campaign(
    session: Session, settings: Settings, scene: Scene, version_ids: list[str], models: list[str], number: int
) -> str:
    """A campaign that was stopped after its rounds, each with two candidates and a battle."""
    draft = CampaignDraft(scene.project_id, version_ids[0], models[number % len(models)], models, seed=number)
    campaign, _ = campaigns.start(session, settings, draft)
    campaign.status, campaign.settled_rounds, campaign.seconds = "paused", ROUNDS, 600.0
    session.flush()
    for place in range(ROUNDS + 1):
        session.add(_round(campaign, place, version_ids))
    session.flush()
    for place in range(1, ROUNDS + 1):
        session.add_all(_turn(campaign, place, version_ids, models))
    for place, version in enumerate(version_ids[:8]):
        session.add(PoolEntry(campaign_id=campaign.id, prompt_version_id=version, entered_round=place, value=0.8, low=0.7, high=0.9, n=300))  # fmt: skip
    session.flush()
    return campaign.id


def _round(campaign: Campaign, place: int, version_ids: list[str]) -> Round:
    began = now() - timedelta(minutes=ROUNDS - place + 1)
    return Round(
        campaign_id=campaign.id, number=place, inputs={"left": "left", "right": "right", "seed": 1, "engine": "1"}, state=None,
        settled=True, champion_version_id=version_ids[0], champion_changed=place % 7 == 1, answers=400,
        calls_before=400 * place, calls_after=400 * (place + 1), started_at=began, settled_at=began + timedelta(seconds=50),
    )  # fmt: skip


def _turn(campaign: Campaign, place: int, version_ids: list[str], models: list[str]) -> list[Candidate | Battle]:
    score = {"value": 0.8, "low": 0.75, "high": 0.85, "n": 300, "right": 240, "unreadable": 0}
    seats = {"left": models[place % len(models)], "right": models[(place + 1) % len(models)]}
    found: list[Candidate | Battle] = [
        Candidate(campaign_id=campaign.id, round=place, seat=seat, endpoint_id=model, fingerprint=seat, **score,
                  prompt_version_id=version_ids[(place + len(seat)) % VERSIONS], entered=place % 7 == 1)
        for seat, model in seats.items()
    ]  # fmt: skip
    battle = Battle(
        campaign_id=campaign.id, round=place, left_endpoint_id=seats["left"], right_endpoint_id=seats["right"],
        outcome="left", rated=True, n=300, left_value=0.8, right_value=0.79, difference=0.01, low=-0.01, high=0.03,
        evidence="not enough evidence", only_left=20, only_right=17, both_right=220, both_wrong=43,
    )  # fmt: skip
    return [*found, battle]


def _champions(session: Session, scene: Scene, version_ids: list[str], models: list[str], campaign_id: str) -> None:
    """A champion for every model of every project; the other projects borrow the first one's campaign."""
    first = session.get_one(Project, scene.project_id)
    others = [
        Project(name=f"Project {n}", description="", labels=first.labels, goal="accuracy", smallest_gain=0.02)
        for n in range(PROJECTS - 1)
    ]
    session.add_all(others)
    session.flush()
    score = {"proved": True, "split": "holdout", "value": 0.9, "low": 0.88, "high": 0.92, "n": 2000}
    for project in [first, *others]:
        for place, model in enumerate(models):
            session.add(Champion(project_id=project.id, task_endpoint_id=model, campaign_id=campaign_id,
                                 prompt_version_id=version_ids[place], **score))  # fmt: skip


def _rows(session: Session, outputs: int) -> None:
    """Answers, outputs and calls, made inside the database."""
    postgres = session.get_bind().dialect.name == "postgresql"
    moment = "CAST(:start AS timestamptz) + i * interval '20 seconds'"
    series, digest, yes, no = (
        "SELECT generate_series(0, :n - 1) AS i",
        "md5(i::text) || md5((-i)::text)",
        "true",
        "false",
    )
    if not postgres:
        moment = "strftime('%Y-%m-%d %H:%M:%S', :start, '+' || (i * 20) || ' seconds') || '.000000'"
        series = "WITH RECURSIVE s(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s WHERE i + 1 < :n) SELECT i FROM s"
        digest, yes, no = "lower(hex(randomblob(32)))", "1", "0"
    given = {"n": outputs, "start": START if postgres else START.strftime("%Y-%m-%d %H:%M:%S")}
    session.execute(
        text(f"CREATE TEMP TABLE heap AS SELECT i, {digest} AS digest, {moment} AS moment FROM ({series}) AS made"),
        given,
    )
    session.execute(text(
        "INSERT INTO answer (request_hash, owner, sample, text, finish_reason, tokens_in, tokens_out, cost, created_at)"
        " SELECT digest, '', 0, 'billing', 'stop', 97, 2, 103, moment FROM heap ORDER BY i"
    ))  # fmt: skip
    each = outputs // EVALUATIONS
    session.execute(text(
        "INSERT INTO output (evaluation_id, example_id, sample, reading, label, answer_id, served_by, counts)"
        f" SELECT e.id, x.id, 0, x.j % 4, x.j % 4, a.least + e.k * {each} + x.j, NULL, {yes}"
        " FROM (SELECT id, row_number() OVER (ORDER BY id) - 1 AS k FROM evaluation) AS e"
        " CROSS JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS j FROM example) AS x"
        " CROSS JOIN (SELECT min(id) AS least FROM answer) AS a"
    ))  # fmt: skip
    session.execute(text(
        "INSERT INTO call (id, request_hash, endpoint_id, project_id, campaign_id, round, purpose, prompt_version_id,"
        " example_id, sample, holdout, ok, attempts, latency_ms, tokens_in, tokens_out, price_in, price_out, cost,"
        " finish_reason, model, request_id, fingerprint, error, created_at, run_id)"
        " SELECT substr(h.digest, 1, 12), h.digest, c.task_endpoint_id, c.project_id, c.id, h.i % 40,"
        " CASE WHEN h.i % 100 = 0 THEN 'generator' ELSE 'task' END, c.start_version_id, NULL, 0,"
        f" {no}, CASE WHEN h.i % 200 = 1 THEN {no} ELSE {yes} END, 1, 50, 97, 2, 1000000, 3000000, 103, 'stop', 'stub',"
        " 'r', 'fp', '', h.moment, CASE WHEN h.i % 10 = 3 THEN 'run-0' END FROM heap AS h"
        " JOIN (SELECT campaign.*, row_number() OVER (ORDER BY id) - 1 AS k FROM campaign) AS c"
        f" ON c.k = h.i % {CAMPAIGNS}"
    ))  # fmt: skip
