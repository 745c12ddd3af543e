"""Brings a labelled file in: read, checked, split and saved whole, or not at all."""

import logging
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain import formats, plans
from app.domain.columns import Columns, guess_columns
from app.domain.examples import build_examples
from app.domain.formats import PLAIN, AnswerFormat
from app.domain.nearness import near_groups
from app.domain.prompts import placeholders
from app.domain.setchecks import answers_of
from app.domain.tables import Table, read_table
from app.errors import Conflict, Invalid, NotFound
from app.services import growing, projects, rules, versions
from app.services.preparing import Choices, Prepared, limits, ready, version_of
from app.services.projects import ProjectDraft
from app.services.splitting import follow
from app.settings import Settings
from app.storage import jobs, prompts, uploads
from app.storage.base import now
from app.storage.jobs import Lease, LeaseLost
from app.storage.projects import Project
from app.storage.session import Database
from app.storage.test_sets import TestSet, TestSetVersion
from app.storage.uploads import Upload

__all__ = ["KIND", "Choices", "Prepared", "known_project", "limits", "prepare", "request_import", "run", "save"]

KIND = "import"
LEASE_SECONDS = 180.0


def columns_of(table: Table, choices: Choices, prompt: str = "") -> Columns:
    """The guessed columns with a person's choices applied; placeholders of the prompt are wanted as variables."""
    wanted = tuple(sorted(set(placeholders(prompt)) - {"input"}))
    return guess_columns(table, wanted_variables=wanted, wishes=choices.columns)


def prepare(
    settings: Settings,
    data: bytes,
    filename: str,
    choices: Choices,
    prompt: str = "",
    tell: Callable[[str], None] = lambda stage: None,
) -> Prepared:
    """Everything up to saving. Raises Invalid with every problem, or ConflictingLabels when a person must decide."""
    tell("reading")
    table = read_table(data, filename, limits(settings))
    columns = columns_of(table, choices, prompt)
    imported = build_examples(table, columns, choices.on_conflict)
    tell("looking for near-duplicates")
    near = near_groups([example.text for example in imported.examples])
    tell("splitting")
    planned = follow(imported.examples, near, columns, choices.splits, settings.dev_limit)
    answers = columns.rule if columns.rule.is_open else answers_of(columns.kind, imported.examples)
    return ready(filename, imported, answers, planned, near)


def known_project(session: Session, prepared: Prepared) -> str | None:
    """The newest project that holds exactly these examples in exactly these splits, with answers of the same kind."""
    query = (
        select(Project, TestSetVersion.plan)
        .join(TestSet, TestSet.project_id == Project.id)
        .join(TestSetVersion, TestSetVersion.test_set_id == TestSet.id)
        .where(TestSetVersion.content_hash == prepared.content_hash, TestSetVersion.split_seed == prepared.split_seed)
        .order_by(TestSet.created_at.desc())
    )
    for project, plan in session.execute(query):
        if project.answers.get("kind", "label") == prepared.answers.kind and plans.same(plan, prepared.plan):
            return str(project.id)
    return None


def save(
    session: Session, settings: Settings, draft: ProjectDraft, prepared: Prepared, form: AnswerFormat = PLAIN
) -> str:
    """Write project, test set, version, examples and start prompt in the caller's transaction; the project's id.

    Raises Invalid where nobody can grade as the rule asks, or the start prompt's answer format does not fit.
    """
    rules.check_grader(session, prepared.answers)
    project = projects.create(session, draft, prepared.answers)
    test_set = TestSet(project_id=project.id, name=prepared.filename)
    session.add(test_set)
    session.flush()
    versions.write(session, test_set.id, version_of(prepared))
    text = draft.start_prompt or projects.start_prompt(project.description, project.answer_space, form)
    author = "person" if draft.start_prompt else "app"
    kept = formats.kept(project.answer_space, form)
    prompts.add(session, prompts.line_of(session, project.id).id, text, author, form=kept)
    return project.id


def request_import(session: Session, upload_id: str, draft: ProjectDraft, choices: Choices) -> str:
    """Queue an upload's import; returns the job to poke after the commit."""
    upload = uploads.get(session, upload_id)
    if upload.status not in ("draft", "refused"):
        raise Invalid("This file is being imported already.")
    upload.choices = {"draft": asdict(draft if choices.add_to else projects.check(draft)), "choices": asdict(choices)}
    upload.status, upload.problems, upload.stage = "queued", [], "waiting for a worker"
    return jobs.want(session, KIND, upload.id)


def run(database: Database, settings: Settings, job_id: str) -> bool:
    """Import the upload of this job; a problem is written down for the person who waits."""
    with database.write() as session:
        lease = jobs.claim(session, job_id, LEASE_SECONDS)
        if lease is None:
            return False
        if session.get(Upload, lease.subject) is None:
            return jobs.release(session, lease)
    try:
        return _import(database, settings, lease)
    except LeaseLost:
        return False
    except Invalid as invalid:
        problems = [{"where": problem.where, "message": problem.message} for problem in invalid.problems]
    except (Conflict, NotFound) as changed:
        problems = [{"where": "", "message": str(changed)}]
    except (KeyboardInterrupt, SystemExit):
        with database.write() as session:
            jobs.release(session, lease, again=True)
        raise
    except Exception as fault:
        logging.getLogger(__name__).exception("an import failed")
        problems = [{"where": "", "message": f"The import failed inside Agon ({type(fault).__name__}); see the log."}]
    with database.write() as session:
        _close(uploads.get(session, lease.subject), "refused", problems)
        return jobs.release(session, lease)


def _import(database: Database, settings: Settings, lease: Lease) -> bool:
    with database.read() as session:
        upload = uploads.get(session, lease.subject)
        data, filename, chosen = upload.data, upload.filename, dict(upload.choices)
    draft, choices = _draft(chosen["draft"]), choices_of(chosen["choices"])

    def tell(stage: str) -> None:
        with database.write() as session:
            jobs.renew(session, lease)
            uploads.get(session, lease.subject).stage = stage

    save_it = _prepared(database, settings, draft, choices, (data, filename), tell)
    tell("saving")
    with database.write() as session:
        jobs.renew(session, lease)
        upload = uploads.get(session, lease.subject)
        upload.project_id = save_it(session)
        _close(upload, "done", [])
        upload.data, upload.preview = b"", _sealed(upload.preview)
        return jobs.release(session, lease)


def _prepared(
    database: Database,
    settings: Settings,
    draft: ProjectDraft,
    choices: Choices,
    file: tuple[bytes, str],
    tell: Callable[[str], None],
) -> Callable[[Session], str]:
    """What writes the file, as a project of its own or as rows of another's test set, and gives the project's id."""
    if not choices.add_to:
        prepared = prepare(settings, *file, choices, draft.start_prompt, tell)
        return lambda session: save(session, settings, draft, prepared)
    with database.read() as session:
        found = growing.standing(session, choices.add_to)
    more = growing.prepare(settings, found, *file, choices, tell)

    def write(session: Session) -> str:
        growing.save(session, found, more)
        return found.project_id

    return write


def choices_of(kept: dict[str, Any]) -> Choices:
    """Choices as JSON kept them: it has no tuples, and an older version of the app knew fewer."""
    return Choices(**{**kept, "field_columns": tuple(kept.get("field_columns", ()))})


def _sealed(preview: dict[str, Any]) -> dict[str, Any]:
    """What is left of a preview once some of its rows are the holdout."""
    split = {**preview["split"], "near": []} if "split" in preview else {}
    return {**preview, "rows": [], "split": split}


def _draft(kept: dict[str, Any]) -> ProjectDraft:
    pairs = tuple((name, description) for name, description in kept["label_descriptions"])
    return ProjectDraft(**{**kept, "label_descriptions": pairs})


def _close(upload: Upload, status: str, problems: list[dict[str, str]]) -> None:
    upload.status, upload.problems, upload.stage, upload.finished_at = status, problems, "", now()
