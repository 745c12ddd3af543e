"""Brings a labelled file in: read, checked, split and saved whole, or not at all."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.answers import Label
from app.domain.answerspace import Answers
from app.domain.examples import Columns, Example, Imported, build_examples, guess_columns
from app.domain.nearness import near_groups
from app.domain.overlap import forbidden_grams
from app.domain.prompts import placeholders
from app.domain.splits import Placement, SplitItem, split
from app.domain.tables import Table, TableLimits, read_table
from app.errors import Invalid
from app.services import projects
from app.services.projects import ProjectDraft
from app.settings import Settings
from app.storage import jobs, prompts, test_sets, uploads
from app.storage.base import now
from app.storage.jobs import Lease, LeaseLost
from app.storage.session import Database
from app.storage.test_sets import TestSet, TestSetVersion
from app.storage.uploads import Upload

KIND = "import"
LEASE_SECONDS = 180.0


@dataclass(frozen=True)
class Choices:
    """What a person decides about a file; empty columns are guessed."""

    input_column: str = ""
    label_column: str = ""
    on_conflict: str = "ask"
    split_seed: int = 0


@dataclass(frozen=True)
class Prepared:
    """A file ready to be saved: its examples, their splits, and what was dropped on the way."""

    filename: str
    imported: Imported
    labels: tuple[str, ...]
    placements: Mapping[str, Placement]
    forbidden: bytes
    split_seed: int
    content_hash: str
    near_duplicates: int = 0
    sizes: Mapping[str, int] = field(default_factory=dict)

    @property
    def answers(self) -> Answers:
        return Answers("label", tuple(Label(name) for name in self.labels))


def limits(settings: Settings) -> TableLimits:
    return TableLimits(max_rows=settings.max_rows, max_row_bytes=settings.max_row_bytes)


def columns_of(table: Table, choices: Choices, prompt: str = "") -> Columns:
    """The guessed columns with a person's choices applied; placeholders of the prompt are wanted as variables."""
    wanted = tuple(sorted(set(placeholders(prompt)) - {"input"}))
    return guess_columns(
        table,
        input_column=choices.input_column or None,
        label_column=choices.label_column or None,
        wanted_variables=wanted,
    )


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
    imported = build_examples(table, columns_of(table, choices, prompt), choices.on_conflict)
    labels = tuple(sorted({example.label for example in imported.examples}))
    tell("looking for near-duplicates")
    groups = near_groups([example.text for example in imported.examples])
    tell("splitting")
    placements = {
        placement.key: placement
        for placement in split(_items(imported.examples, groups), choices.split_seed, settings.dev_limit)
    }
    by_split = _texts_by_split(imported.examples, placements)
    return Prepared(
        filename=filename,
        imported=imported,
        labels=labels,
        placements=placements,
        forbidden=forbidden_grams(by_split["train"], [*by_split["dev"], *by_split["holdout"]]),
        split_seed=choices.split_seed,
        content_hash=content_hash(imported.examples),
        near_duplicates=len(groups) - len(set(groups)),
        sizes={name: len(texts) for name, texts in by_split.items()},
    )


def _items(examples: Sequence[Example], groups: Sequence[int]) -> list[SplitItem]:
    return [
        SplitItem(key=example.key, label=example.label, group=example.group, near_group=group)
        for example, group in zip(examples, groups, strict=True)
    ]


def _texts_by_split(examples: Sequence[Example], placements: Mapping[str, Placement]) -> dict[str, list[str]]:
    texts: dict[str, list[str]] = {"train": [], "dev": [], "holdout": []}
    for example in examples:
        texts[placements[example.key].split].append(example.text)
    return texts


def content_hash(examples: Sequence[Example]) -> str:
    """The identity of a list of examples, whatever their order in the file."""
    lines = sorted(f"{example.key}\t{example.label}\t{example.group or ''}" for example in examples)
    return sha256("\n".join(lines).encode()).hexdigest()


def known_project(session: Session, prepared: Prepared) -> str | None:
    """The newest project that holds exactly these examples in exactly these splits."""
    query = (
        select(TestSet.project_id)
        .join(TestSetVersion, TestSetVersion.test_set_id == TestSet.id)
        .where(TestSetVersion.content_hash == prepared.content_hash, TestSetVersion.split_seed == prepared.split_seed)
        .order_by(TestSet.created_at.desc())
    )
    return session.scalars(query.limit(1)).first()


def save(session: Session, settings: Settings, draft: ProjectDraft, prepared: Prepared) -> str:
    """Write project, test set, version, examples and start prompt in the caller's transaction; the project's id."""
    project = projects.create(session, draft, prepared.answers)
    test_set = TestSet(project_id=project.id, name=prepared.filename)
    session.add(test_set)
    session.flush()
    version = TestSetVersion(
        test_set_id=test_set.id,
        content_hash=prepared.content_hash,
        split_seed=prepared.split_seed,
        splits=dict(prepared.sizes),
        label_counts=_label_counts(prepared),
        imported=summary(prepared),
        variables=sorted({name for example in prepared.imported.examples for name in example.variables}),
        forbidden=prepared.forbidden,
    )
    session.add(version)
    session.flush()
    _save_examples(session, test_set.id, version.id, prepared)
    text = draft.start_prompt or projects.start_prompt(project.description, project.answer_space)
    author = "person" if draft.start_prompt else "app"
    prompts.add(session, prompts.line_of(session, project.id).id, text, author)
    return project.id


def _label_counts(prepared: Prepared) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {name: dict.fromkeys(prepared.labels, 0) for name in prepared.sizes}
    for example in prepared.imported.examples:
        counts[prepared.placements[example.key].split][example.label] += 1
    return counts


def summary(prepared: Prepared) -> dict[str, Any]:
    """What happened to the rows of the file, for people."""
    imported = prepared.imported
    return {
        "rows": imported.rows,
        "examples": len(imported.examples),
        "duplicates_dropped": imported.duplicates_dropped,
        "conflicts_dropped": imported.conflicts_dropped,
        "characters_cleaned": imported.cleaned,
        "near_duplicates": prepared.near_duplicates,
    }


def _save_examples(session: Session, test_set_id: str, version_id: str, prepared: Prepared) -> None:
    examples = sorted(prepared.imported.examples, key=lambda example: example.key)
    kept = ("key", "input", "group", "external_id")
    rows = [
        {
            "test_set_id": test_set_id,
            **{name: getattr(example, name) for name in kept},
            "variables": dict(example.variables),
            "meta": dict(example.meta),
        }
        for example in examples
    ]
    test_sets.add_examples(session, rows)
    ids, index = test_sets.ids_by_key(session, test_set_id), {name: i for i, name in enumerate(prepared.labels)}
    places = []
    for example in examples:
        place = prepared.placements[example.key]
        places.append(
            {
                "version_id": version_id,
                "example_id": ids[example.key],
                "label": index[example.label],
                "split": place.split,
                "position": place.position,
            }
        )
    test_sets.place_examples(session, places)


def request_import(session: Session, upload_id: str, draft: ProjectDraft, choices: Choices) -> str:
    """Queue an upload's import; returns the job to poke after the commit."""
    upload = uploads.get(session, upload_id)
    if upload.status not in ("draft", "refused"):
        raise Invalid("This file is being imported already.")
    upload.choices = {"draft": asdict(projects.check(draft)), "choices": asdict(choices)}
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
    draft, choices = _draft(chosen["draft"]), Choices(**chosen["choices"])

    def tell(stage: str) -> None:
        with database.write() as session:
            jobs.renew(session, lease)
            uploads.get(session, lease.subject).stage = stage

    prepared = prepare(settings, data, filename, choices, draft.start_prompt, tell)
    tell("saving")
    with database.write() as session:
        jobs.renew(session, lease)
        upload = uploads.get(session, lease.subject)
        upload.project_id = save(session, settings, draft, prepared)
        _close(upload, "done", [])
        upload.data, upload.preview = b"", {**upload.preview, "rows": []}
        return jobs.release(session, lease)


def _draft(kept: dict[str, Any]) -> ProjectDraft:
    pairs = tuple((name, description) for name, description in kept["label_descriptions"])
    return ProjectDraft(**{**kept, "label_descriptions": pairs})


def _close(upload: Upload, status: str, problems: list[dict[str, str]]) -> None:
    upload.status, upload.problems, upload.stage, upload.finished_at = status, problems, "", now()
