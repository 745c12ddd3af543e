"""Writes a version of a test set: its examples, where each stands, and the right answer of each as a code."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain import plans
from app.domain.answercodes import RIGHT, mask_of, number_of, sizes_of
from app.domain.answerspace import Answers
from app.domain.examplerows import Example
from app.domain.plans import Plan, holdout_hash
from app.domain.rightanswers import Reference, parts_of
from app.domain.splits import SPLITS, Placement
from app.storage import test_sets
from app.storage.test_sets import TestSetVersion


@dataclass(frozen=True)
class NewVersion:
    """Examples that all have a placement, by key; `imported` are counts for people, `about` what the plan's page tells."""

    examples: Sequence[Example]
    placements: Mapping[str, Placement]
    answers: Answers
    content_hash: str
    sizes: Mapping[str, int]
    imported: Mapping[str, Any]
    forbidden: bytes
    plan: Plan
    about: Mapping[str, Any] = field(default_factory=dict)


def write(session: Session, test_set_id: str, new: NewVersion) -> TestSetVersion:
    """In the caller's transaction. Examples that the test set knows keep their ids, and what it knows of them."""
    version = TestSetVersion(
        test_set_id=test_set_id,
        content_hash=_own_hash(session, test_set_id, new),
        split_seed=new.plan.seed,
        splits=dict(new.sizes),
        label_counts=label_counts(new),
        imported=dict(new.imported),
        variables=sorted({name for example in new.examples for name in example.variables}),
        forbidden=new.forbidden,
        plan={**plans.dump(new.plan), **new.about},
        holdout_hash=holdout_hash(new.placements.values()),
    )
    session.add(version)
    session.flush()
    _add_examples(session, test_set_id, new.examples)
    _place(session, test_set_id, version.id, new)
    return version


def _own_hash(session: Session, test_set_id: str, new: NewVersion) -> str:
    """A test set that comes back to the examples of an earlier version is a version of its own."""
    same = (TestSetVersion.test_set_id == test_set_id, TestSetVersion.split_seed == new.plan.seed)
    query = select(TestSetVersion.content_hash).where(*same)
    taken, found = set(session.scalars(query)), new.content_hash
    while found in taken:
        found = sha256(f"{found} again".encode()).hexdigest()
    return found


def label_counts(new: NewVersion) -> dict[str, dict[str, int]]:
    """By split, how often each label, or each value of each field, is right; nothing for numbers and texts."""
    answers = new.answers
    names = answers.names or tuple(f"{one.name}: {value}" for one in answers.fields for value in one.values)
    counts = {split: Counter(dict.fromkeys(names, 0)) for split in SPLITS}
    for example in new.examples:
        counts[new.placements[example.key].split].update(parts_of(example.reference, closed=not answers.is_open))
    return {split: dict(counted) for split, counted in counts.items()}


def coder(answers: Answers) -> Callable[[Reference], int]:
    """Gives the code of a right answer that is written as `answers` writes it; of numbers and texts that for right."""
    if answers.is_open:
        return lambda reference: RIGHT
    index = {name: place for place, name in enumerate(answers.names)}
    if answers.kind == "label":
        return lambda reference: index[str(reference)]
    if answers.kind == "labels":
        return lambda reference: mask_of(index[str(name)] for name in reference)
    digits = [{value: digit for digit, value in enumerate(one.values)} for one in answers.fields]
    names, sizes = [one.name for one in answers.fields], sizes_of(answers)

    def code(reference: Reference) -> int:
        values = dict(part for part in reference if not isinstance(part, str))
        return number_of([digit[values[name]] for name, digit in zip(names, digits, strict=True)], sizes)

    return code


def _add_examples(session: Session, test_set_id: str, examples: Sequence[Example]) -> None:
    known = test_sets.ids_by_key(session, test_set_id)
    kept = ("key", "input", "group", "external_id", "at")
    rows = [
        {
            "test_set_id": test_set_id,
            **{name: getattr(example, name) for name in kept},
            "variables": dict(example.variables),
            "meta": dict(example.meta),
        }
        for example in sorted(examples, key=lambda example: example.key)
        if example.key not in known
    ]
    if rows:
        test_sets.add_examples(session, rows)


def _place(session: Session, test_set_id: str, version_id: str, new: NewVersion) -> None:
    ids = test_sets.ids_by_key(session, test_set_id)
    code, places = coder(new.answers), []
    for example in sorted(new.examples, key=lambda example: example.key):
        place = new.placements[example.key]
        places.append(
            {
                "version_id": version_id,
                "example_id": ids[example.key],
                "label": code(example.reference),
                "split": place.split,
                "position": place.position,
                "reference": example.label if new.answers.is_open else None,
            }
        )
    test_sets.place_examples(session, places)
