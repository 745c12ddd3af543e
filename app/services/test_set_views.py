"""A test set as pages and programs see it: its versions, the plan of the newest, what that can show and what not."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.domain import plans
from app.domain.advice import Outlook, SetFacts, Suggestion, advise, outlook, remarks
from app.domain.answerspace import Kind
from app.domain.plans import Plan
from app.storage import projects, test_sets
from app.storage.test_sets import TestSetVersion


@dataclass(frozen=True)
class VersionLine:
    """One frozen version; `imported` are counts of what became of its file's rows and of what changed."""

    id: str
    number: int
    sizes: dict[str, int]
    imported: dict[str, int]
    holdout_hash: str
    created_at: datetime


@dataclass(frozen=True)
class TestSetView:
    """Everything that the page of a test set shows, of its newest version where nothing else is said.

    `first` and `last` are the earliest and the latest time; `near_examples` are beginnings of texts in train and dev
    that are nearly the same. Nothing of the holdout is here but its size and its counts by label.
    """

    id: str
    project_id: str
    project: str
    name: str
    kind: Kind
    versions: list[VersionLine]
    plan: Plan
    label_counts: dict[str, dict[str, int]]
    variables: list[str]
    groups: int
    grouped: int
    first: datetime | None
    last: datetime | None
    near_duplicates: int
    near_examples: list[list[str]]
    left_out: int
    suggestions: list[Suggestion]
    remarks: list[str]
    outlook: dict[str, Outlook]


def view(session: Session, test_set_id: str) -> TestSetView:
    """Raises NotFound."""
    found = test_sets.get_set(session, test_set_id)
    project, versions = projects.get(session, found.project_id), test_sets.versions(session, test_set_id)
    newest = versions[0]
    plan, facts = plans.load(newest.plan, newest.split_seed), facts_of(newest, project.answer_kind)
    return TestSetView(
        id=found.id,
        project_id=project.id,
        project=project.name,
        name=found.name,
        kind=project.answer_kind,
        versions=[_line(version, len(versions) - place) for place, version in enumerate(versions)],
        plan=plan,
        label_counts=newest.label_counts,
        variables=list(newest.variables),
        groups=facts.groups,
        grouped=facts.grouped,
        first=facts.first,
        last=facts.last,
        near_duplicates=facts.near_duplicates,
        near_examples=newest.plan.get("near_examples", []),
        left_out=newest.imported.get("left_out", 0),
        suggestions=list(advise(facts)),
        remarks=list(remarks(facts, newest.splits, newest.label_counts.get("holdout", {}))),
        outlook=outlook(newest.splits),
    )


def _line(version: TestSetVersion, number: int) -> VersionLine:
    sizes, counts = dict(version.splits), dict(version.imported)
    return VersionLine(version.id, number, sizes, counts, version.holdout_hash, version.created_at)


def facts_of(version: TestSetVersion, kind: Kind) -> SetFacts:
    """What is known of a stored version; of one that is older than plans only its sizes and labels."""
    about: Mapping[str, Any] = version.plan
    classes = Counter[str]()
    for counted in version.label_counts.values():
        classes.update(counted)
    span = {name: datetime.fromisoformat(about[name]) for name in ("first", "last") if about.get(name)}
    return SetFacts(
        kind=kind,
        n=sum(version.splits.values()),
        classes=dict(classes),
        groups=about.get("groups", 0),
        grouped=about.get("grouped", 0),
        has_group_column=bool(about.get("group_column")),
        near_duplicates=version.imported.get("near_duplicates", 0),
        timed=about.get("timed", 0),
        times=about.get("times", 0),
        crossing=about.get("crossing"),
        time_problem=about.get("time_problem", ""),
        group_problem=about.get("group_problem", ""),
        **span,
    )
