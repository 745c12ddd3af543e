"""The holdout stays sealed: a canary in every holdout example is seen nowhere before the opening, and by no generator."""

import json
from pathlib import Path

from sqlalchemy import select

from app.services import blocks, importing, improving, opening, report_views, working
from app.services.campaigns import CampaignDraft, start
from app.services.importing import Choices, Prepared
from app.services.opening import OpeningDraft
from app.services.projects import ProjectDraft
from app.settings import Settings
from app.storage import endpoints, migrating, openings, prompts
from app.storage.answers import Call, unpack_body
from app.storage.campaigns import Campaign, HoldoutOpening
from app.storage.jobs import Job
from app.storage.rounds import AskRecord, unpack_messages
from app.storage.session import Database
from app.web.markdown import markdown
from app.web.report_documents import document
from tests.flows.running import free_port, practice

CANARY = "zanzibarcanary"
WORDS = ("delivery", "refund", "parcel", "broken", "late", "invoice", "password", "login", "app", "crash")


def labelled_file(settings: Settings) -> tuple[bytes, Prepared]:
    """A file whose holdout examples, and only those, hold the canary."""
    texts = [f"{WORDS[i % 10]} {WORDS[(i // 10) % 10]} number {i}" for i in range(240)]
    rows = [{"input": text, "label": "order" if i % 10 < 5 else "access"} for i, text in enumerate(texts)]
    plain = "\n".join(json.dumps(row) for row in rows).encode()
    prepared = importing.prepare(settings, plain, "file.jsonl", Choices())
    marked = {e.key for e in prepared.imported.examples if prepared.placements[e.key].split == "holdout"}
    assert marked
    return plain, mark(prepared, marked)


def mark(prepared: Prepared, keys: set[str]) -> Prepared:
    from dataclasses import replace

    examples = tuple(
        replace(e, input=f"{e.input} {CANARY}") if e.key in keys else e for e in prepared.imported.examples
    )
    return replace(prepared, imported=replace(prepared.imported, examples=examples))


def test_no_generator_request_and_no_open_call_ever_holds_a_holdout_example(tmp_path: Path) -> None:
    with practice(tmp_path, free_port()) as url:
        settings = Settings(data_dir=tmp_path / "data", practice_url=url, rounds=3)
        database, campaign_id, job_id = begin(settings, url)
        while True:
            assert_sealed(database)
            with database.read() as session:
                if session.get_one(Campaign, campaign_id).status == "finished":
                    break
            improving.drive(database, settings.model_copy(update={"slice_seconds": 0.001}), job_id)
        with database.read() as session:
            opened = session.scalars(select(HoldoutOpening)).all()
            assert len(opened) == 1, "the practice models find a better prompt here, so the holdout was opened"
            sealed = session.scalars(select(Call).where(Call.holdout)).all()
            kept = [unpack_body(call.body) for call in sealed if call.body]
            assert len(kept) == len(sealed)
            assert all(CANARY not in reply and request is None for reply, request in kept)
        open_by_a_person(database, settings, campaign_id)
        database.close()


def open_by_a_person(database: Database, settings: Settings, campaign_id: str) -> None:
    """The second look, in blocks: what it buys is as sealed as what a campaign buys."""
    with database.write() as session:
        campaign = session.get_one(Campaign, campaign_id)
        other = endpoints.named(session, "practice/skimmer-v1")
        assert other is not None
        assert campaign.best_version_id is not None
        wanted = OpeningDraft(
            campaign.project_id, campaign.best_version_id, other.id, "to test the seal", confirmed=True
        )
        opening_id = opening.begin(session, settings, wanted)[0].id
    while not reported(database, opening_id):
        blocks.work(database, settings, "here:1")
        for job_id in waiting(database):
            working.work(database, settings, job_id)
        assert_sealed(database)
    with database.read() as session:
        bought = session.scalars(select(Call).where(Call.run_id.is_not(None))).all()
        assert bought, "this model had answered nothing of it"
        assert all(call.holdout for call in bought)
        bodies = [unpack_body(call.body) for call in bought if call.body]
        assert all(CANARY not in reply and request is None for reply, request in bodies)
        assert CANARY not in json.dumps(openings.get(session, opening_id).report)
        assert CANARY not in markdown(document(report_views.of_opening(session, opening_id)))


def reported(database: Database, opening_id: str) -> bool:
    with database.read() as session:
        return openings.get(session, opening_id).finished_at is not None


def waiting(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(Job.id).where(Job.kind.in_(("run", "opening")))))


def begin(settings: Settings, url: str) -> tuple[Database, str, str]:
    from app.cli.stack import register

    migrating.upgrade(settings.effective_database_url)
    database = Database(settings.effective_database_url)
    register(settings, database)
    _, prepared = labelled_file(settings)
    with database.write() as session:
        project_id = importing.save(session, settings, ProjectDraft("canary", ""), prepared)
        line = prompts.line_of(session, project_id)
        first = prompts.numbered(session, line.id, 1)
        task = endpoints.named(session, "practice/scholar-v1")
        writers = [e.id for e in endpoints.listed(session) if e.role == "generator"]
        assert task is not None
        draft = CampaignDraft(project_id, first.id, task.id, writers)
        campaign, job_id = start(session, settings, draft)
        return database, campaign.id, job_id


def assert_sealed(database: Database) -> None:
    with database.read() as session:
        for ask in session.scalars(select(AskRecord)):
            assert all(CANARY not in content for _, content in unpack_messages(ask.request))
        for call in session.scalars(select(Call).where(~Call.holdout)):
            reply, request = unpack_body(call.body) if call.body else ("", None)
            assert CANARY not in reply + call.error + str(request)
