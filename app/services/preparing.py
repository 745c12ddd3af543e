"""A file that is ready to be saved: what a person chose, its examples, their splits, and what is told about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from app.domain.advice import SetFacts
from app.domain.answerspace import Answers
from app.domain.columns import Wishes
from app.domain.examples import Example, Imported
from app.domain.overlap import forbidden_grams
from app.domain.plans import Plan
from app.domain.rules import Options
from app.domain.splits import Placement
from app.domain.tables import TableLimits
from app.services.splitting import Planned, SplitChoices, near_examples
from app.services.versions import NewVersion
from app.settings import Settings


@dataclass(frozen=True)
class Choices:
    """What a person decides about a file; what is empty is guessed or suggested, and "-" means no such column.

    `add_to` is a project whose test set the rows join, or replace with `replace`; the plan is then the test set's own.
    `rule` are the options of comparing that were named.
    """

    input_column: str = ""
    label_column: str = ""
    on_conflict: str = "ask"
    split_seed: int = 0
    kind: str = ""
    field_columns: tuple[str, ...] = ()
    group_column: str = ""
    time_column: str = ""
    plan: str = ""
    dev_share: float | None = None
    holdout_share: float | None = None
    add_to: str = ""
    replace: bool = False
    rule: Options = field(default_factory=dict)

    @property
    def splits(self) -> SplitChoices:
        return SplitChoices(self.plan, self.split_seed, self.dev_share, self.holdout_share)

    @property
    def columns(self) -> Wishes:
        named = self.field_columns, self.group_column, self.time_column, self.rule
        return Wishes(self.input_column, self.label_column, self.kind, *named)


@dataclass(frozen=True)
class Prepared:
    """A file ready to be saved: its examples, their splits, and what was dropped on the way.

    An example without a placement is left out. `labels` are the names of labels, if answers have any.
    """

    filename: str
    imported: Imported
    labels: tuple[str, ...]
    placements: Mapping[str, Placement]
    forbidden: bytes
    split_seed: int
    content_hash: str
    near_duplicates: int = 0
    sizes: Mapping[str, int] = field(default_factory=dict)
    answers: Answers = field(default_factory=Answers)
    plan: Plan = field(default_factory=Plan)
    facts: SetFacts | None = None
    near_examples: Sequence[Sequence[str]] = ()
    changes: Mapping[str, int] = field(default_factory=dict)

    @property
    def placed(self) -> tuple[Example, ...]:
        """The examples that are in a split."""
        return tuple(one for one in self.imported.examples if one.key in self.placements)


def limits(settings: Settings) -> TableLimits:
    return TableLimits(max_rows=settings.max_rows, max_row_bytes=settings.max_row_bytes)


def ready(
    filename: str,
    imported: Imported,
    answers: Answers,
    planned: Planned,
    near: Sequence[int],
    changes: Mapping[str, int] | None = None,
) -> Prepared:
    """What is to be saved of examples that were split."""
    placed = [one for one in imported.examples if one.key in planned.placements]
    by_split = _texts_by_split(placed, planned.placements)
    return Prepared(
        filename=filename,
        imported=imported,
        labels=answers.names,
        placements=planned.placements,
        forbidden=forbidden_grams(by_split["train"], [*by_split["dev"], *by_split["holdout"]]),
        split_seed=planned.plan.seed,
        content_hash=content_hash(placed),
        near_duplicates=planned.facts.near_duplicates,
        sizes=planned.sizes,
        answers=answers,
        plan=planned.plan,
        facts=planned.facts,
        near_examples=near_examples(imported.examples, near, planned.placements),
        changes=changes or {},
    )


def _texts_by_split(examples: Sequence[Example], placements: Mapping[str, Placement]) -> dict[str, list[str]]:
    texts: dict[str, list[str]] = {"train": [], "dev": [], "holdout": []}
    for example in examples:
        texts[placements[example.key].split].append(example.text)
    return texts


def content_hash(examples: Sequence[Example]) -> str:
    """The identity of a list of examples, whatever their order in the file."""
    lines = sorted(f"{example.key}\t{example.identity}\t{example.group or ''}" for example in examples)
    return sha256("\n".join(lines).encode()).hexdigest()


def version_of(prepared: Prepared) -> NewVersion:
    return NewVersion(
        examples=prepared.placed,
        placements=prepared.placements,
        answers=prepared.answers,
        content_hash=prepared.content_hash,
        sizes=prepared.sizes,
        imported=summary(prepared),
        forbidden=prepared.forbidden,
        plan=prepared.plan,
        about=_about(prepared),
    )


def _about(prepared: Prepared) -> dict[str, Any]:
    """What the page of a test set tells beside the plan."""
    facts = prepared.facts
    if facts is None:
        return {}
    kept = {name: getattr(facts, name) for name in ("groups", "grouped", "timed", "times", "crossing")}
    span = {name: at.isoformat() for name in ("first", "last") if (at := getattr(facts, name)) is not None}
    problem = {name: said for name in ("time_problem", "group_problem") if (said := getattr(facts, name))}
    return {**kept, **span, **problem, "near_examples": [list(pair) for pair in prepared.near_examples]}


def summary(prepared: Prepared) -> dict[str, Any]:
    """What happened to the rows of the file, for people."""
    imported = prepared.imported
    left_out = len(imported.examples) - len(prepared.placements)
    return {
        "rows": imported.rows,
        "examples": len(prepared.placements),
        "duplicates_dropped": imported.duplicates_dropped,
        "conflicts_dropped": imported.conflicts_dropped,
        "characters_cleaned": imported.cleaned,
        "near_duplicates": prepared.near_duplicates,
        **({"left_out": left_out} if left_out else {}),
        **prepared.changes,
    }
