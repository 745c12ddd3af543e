"""Real labelled sets, each imported through the service with the right kind of answers, a fitting plan and honest splits."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.domain import plans, splits
from app.domain.answercodes import decode
from app.domain.nearness import near_groups
from app.domain.splits import joined
from app.services import importing
from app.services.importing import Choices
from app.services.projects import ProjectDraft
from app.settings import Settings
from app.storage import projects, test_sets
from app.storage.projects import Project
from app.storage.session import Database
from app.storage.test_sets import Example, Placement, TestSetVersion
from tests.conftest import data_folder
from tests.databases import migrated_file

SETS: dict[str, tuple[str, str, int]] = {
    "sms_spam": ("label", "stratified", 2),
    "banking77": ("label", "stratified", 77),
    "goemotions": ("labels", "stratified", 28),
    "nlupp_banking": ("labels", "stratified", 48),
    "gsm8k": ("number", "random", 0),
    "bbh": ("text", "random", 0),
    "rubq": ("text", "random", 0),
    "nlbse24_issues": ("label", "out_of_time", 3),
    "rusentne2023": ("label", "grouped", 3),
}
Stored = tuple[Project, TestSetVersion, list[tuple[Example, Placement]]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = Database(migrated_file(tmp_path_factory.mktemp("real") / "agon.sqlite3"))
    yield database
    database.close()


def rows_of(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (data_folder() / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def stored(world: Database, name: str) -> Stored:
    path: Path = data_folder() / f"{name}.jsonl"
    prepared = importing.prepare(Settings(), path.read_bytes(), path.name, Choices(on_conflict="refuse"))
    with world.write() as session:
        project_id = importing.known_project(session, prepared)
        project_id = project_id or importing.save(session, Settings(), ProjectDraft(name, ""), prepared)
    with world.read() as session:
        version = test_sets.newest_version(session, project_id)
        assert version is not None
        query = select(Example, Placement).join(Placement).where(Placement.version_id == version.id)
        return projects.get(session, project_id), version, [(row[0], row[1]) for row in session.execute(query)]


@pytest.mark.parametrize("name", SETS)
def test_each_set_has_its_kind_its_plan_and_every_answer_as_the_file_has_it(world: Database, name: str) -> None:
    kind, plan, labels = SETS[name]
    project, version, placed = stored(world, name)
    assert (project.answer_kind, version.plan["kind"], len(project.labels)) == (kind, plan, labels)
    rows = {row["id"]: row for row in rows_of(name)}
    assert len(placed) == len(rows) - version.imported.get("left_out", 0) == sum(version.splits.values())
    answers = project.answer_space
    for example, placement in placed:
        row = rows[example.external_id or ""]
        if kind == "label":
            assert decode(answers, placement.label) == row["label"]
        elif kind == "labels":
            assert set(decode(answers, placement.label)) == set(row["labels"])
        else:
            assert (placement.label, placement.reference) == (0, row["reference"])
    held = [splits.Placement(example.key, placement.split, 0) for example, placement in placed]
    assert version.holdout_hash == plans.holdout_hash(held)
    assert Counter(placement.split for _, placement in placed) == version.splits


@pytest.mark.parametrize("name", SETS)
def test_no_group_and_no_near_duplicate_crosses_splits(world: Database, name: str) -> None:
    placed = stored(world, name)[2]
    near = near_groups([example.input for example, _ in placed])
    found = defaultdict(set)
    for number, (_, placement) in zip(joined([one.group for one, _ in placed], near), placed, strict=True):
        found[number].add(placement.split)
    assert all(len(splits) == 1 for splits in found.values())
    assert any(example.group for example, _ in placed) == (name == "rusentne2023")


@pytest.mark.parametrize("name", ["nlbse24_issues", "rusentne2023", "sms_spam"])
def test_near_duplicates_are_shown_from_open_splits_alone(world: Database, name: str) -> None:
    _, version, placed = stored(world, name)
    sealed = {example.input[:160] for example, placement in placed if placement.split == "holdout"}
    open_texts = {example.input[:160] for example, placement in placed if placement.split != "holdout"}
    shown = {text for pair in version.plan["near_examples"] for text in pair}
    assert shown
    assert shown <= open_texts
    assert not shown & (sealed - open_texts)


def test_issues_are_split_by_the_time_at_which_they_were_opened(world: Database) -> None:
    _, version, placed = stored(world, "nlbse24_issues")
    times: dict[str, list[datetime]] = defaultdict(list)
    for example, placement in placed:
        assert example.at is not None
        times[placement.split].append(example.at)
    assert max(times["train"]) < min(times["dev"])
    assert max(times["dev"]) < min(times["holdout"])
    assert version.plan["time_column"] == "meta.created_at"
    assert version.plan["holdout_from"] == min(times["holdout"]).isoformat()
    written = {row["id"]: row["meta"]["created_at"] for row in rows_of("nlbse24_issues")}
    assert all(example.at == datetime.fromisoformat(written[example.external_id or ""]) for example, _ in placed)


@pytest.mark.parametrize("name", ["goemotions", "nlupp_banking"])
def test_rare_labels_of_sets_are_in_every_split_and_all_keep_their_shares(world: Database, name: str) -> None:
    version = stored(world, name)[1]
    whole = Counter[str]()
    for counts in version.label_counts.values():
        whole.update(counts)
    for split in ("train", "dev", "holdout"):
        share = version.splits[split] / sum(version.splits.values())
        for label, n in whole.items():
            assert version.label_counts[split][label] >= 1
            assert abs(version.label_counts[split][label] - n * share) <= max(3, 4 * (n * share) ** 0.5)
