"""Adds rows to a project's test set as a new version: old rows keep their split, new ones are placed by the same plan."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from app.domain import plans
from app.domain.answercodes import decode
from app.domain.answers import Label
from app.domain.answerspace import Answers, checked
from app.domain.cells import cell
from app.domain.columns import Columns, guess_columns
from app.domain.examplerows import Example
from app.domain.examples import Imported, read_examples
from app.domain.nearness import near_groups
from app.domain.plans import Plan, items_of, place
from app.domain.rightanswers import Reference, parts_of
from app.domain.rules import options_of
from app.domain.setchecks import answers_of, check_set
from app.domain.tables import Table, read_table
from app.errors import Conflict, Invalid, Problem
from app.services import versions
from app.services.preparing import Choices, Prepared, limits, ready, version_of
from app.services.splitting import Planned, facts_of
from app.settings import Settings
from app.storage import projects, runs, test_sets
from app.storage.campaign_boards import unfinished_campaign
from app.storage.projects import Project
from app.storage.session import hold_row
from app.storage.test_sets import Member, TestSetVersion

NOTHING_CHANGES = "Nothing would change: the test set has these rows already, with the same answers."


@dataclass(frozen=True)
class Standing:
    """The newest version of a project's test set, as new rows find it.

    `splits` are by key, of every row that any version had: one that comes back keeps its place.
    """

    project_id: str
    test_set_id: str
    version_id: str
    answers: Answers
    plan: Plan
    variables: tuple[str, ...]
    content_hash: str
    examples: tuple[Example, ...]
    splits: Mapping[str, str]


def standing(session: Session, project_id: str) -> Standing:
    """Raises NotFound for an unknown project, Conflict for one without a test set."""
    project = projects.get(session, project_id)
    version = test_sets.newest_version(session, project_id)
    if version is None:
        raise Conflict("This project has no test set yet.")
    members, answers = test_sets.members(session, version.id), project.answer_space
    return Standing(
        project_id=project.id,
        test_set_id=version.test_set_id,
        version_id=version.id,
        answers=answers,
        plan=plans.load(version.plan, version.split_seed),
        variables=tuple(version.variables),
        content_hash=version.content_hash,
        examples=tuple(_example(member, answers) for member in members),
        splits=test_sets.known_splits(session, version.test_set_id),
    )


def _example(member: Member, answers: Answers) -> Example:
    reference = _reference(member, answers)
    known = member.group, member.external_id
    return Example(member.key, member.input, member.variables, reference, *known, at=member.at)


def _reference(member: Member, answers: Answers) -> Reference:
    if answers.is_open:
        return member.reference or ""
    value = decode(answers, member.label)
    if isinstance(value, dict):
        return tuple(value.items())
    return value if isinstance(value, str) else tuple(sorted(value))


def columns_of(table: Table, choices: Choices, found: Standing) -> Columns:
    """The columns as they were when the test set was made, where the file has them; else guessed. Raises Invalid."""
    if choices.rule:
        said = "is the project's to say: rows that join its test set are compared as the others are"
        raise Invalid([Problem(said, name) for name in choices.rule])
    wished, fields = choices.columns, tuple(one.name for one in found.answers.fields)
    if found.answers.kind == "fields" and not wished.label and all(name in table.columns for name in fields):
        wished = replace(wished, fields=fields)
    wished = replace(
        wished,
        kind=found.answers.kind,
        group=wished.group or _there(table, found.plan.group_column),
        time=wished.time or _there(table, found.plan.time_column),
    )
    columns = guess_columns(table, wanted_variables=found.variables, wishes=wished)
    if columns.kind == "fields":
        _check_fields(columns, fields)
        columns = replace(columns, fields=fields)
    return replace(columns, rule=found.answers)


def _there(table: Table, name: str) -> str:
    return name if any(cell(row.values, name) is not None for row in table.rows) else ""


def _check_fields(columns: Columns, fields: Sequence[str]) -> None:
    missing, strange = set(fields) - set(columns.fields), set(columns.fields) - set(fields)
    problems = [Problem(f"the checklist has no field {name[:80]}", "label_column") for name in sorted(strange)]
    problems += [Problem(f"the field {name[:80]} is in no row", "label_column") for name in sorted(missing)]
    if problems:
        raise Invalid(problems)


def prepare(
    settings: Settings,
    found: Standing,
    data: bytes,
    filename: str,
    choices: Choices,
    tell: Callable[[str], None] = lambda stage: None,
) -> Prepared:
    """A new version ready to be saved. Raises Invalid with every problem, ConflictingLabels as a first import does."""
    tell("reading")
    table = read_table(data, filename, limits(settings))
    columns = columns_of(table, choices, found)
    imported = read_examples(table, columns, choices.on_conflict)
    examples = joined(found, imported, replace_all=choices.replace)
    check_set(examples, columns.kind)
    answers = grown(found.answers, examples)
    tell("looking for near-duplicates")
    near = near_groups([example.text for example in examples])
    tell("splitting")
    planned = placed(found, examples, near, columns)
    whole = replace(imported, examples=examples)
    made = ready(filename, whole, answers, planned, near, changes(found, examples, planned))
    if made.content_hash == found.content_hash:
        raise Invalid(NOTHING_CHANGES)
    return replace(made, near_examples=())


def joined(found: Standing, imported: Imported, *, replace_all: bool) -> tuple[Example, ...]:
    """Old and new examples; of one that is known the file says only what is right now."""
    known, given = {one.key: one for one in found.examples}, {one.key: one for one in imported.examples}
    kept = [one for one in found.examples if not replace_all or one.key in given]
    old = [replace(one, reference=given[one.key].reference) if one.key in given else one for one in kept]
    return (*old, *(one for one in imported.examples if one.key not in known))


def grown(answers: Answers, examples: Sequence[Example]) -> Answers:
    """The same answers with the labels that are new behind the old ones, so that every code keeps its meaning.

    Raises Invalid where a checklist has new values: their codes would change what is stored.
    """
    if answers.kind == "fields":
        known = {f"{one.name}: {value}" for one in answers.fields for value in one.values}
        new = sorted({part for one in examples for part in parts_of(one.reference)} - known)
        if new:
            raise Invalid([Problem("is a value that the checklist does not have; make a new project", new[0][:100])])
        return answers
    if answers.is_open:
        return answers
    names = answers_of(answers.kind, examples, answers.names).names[len(answers.names) :]
    return checked(replace(answers, labels=(*answers.labels, *map(Label, names))))


def placed(found: Standing, examples: Sequence[Example], near: Sequence[int], columns: Columns) -> Planned:
    """By the plan of the test set, old examples staying where they were."""
    fixed = {one.key: found.splits[one.key] for one in examples if one.key in found.splits}
    items = items_of(examples, near, found.plan, closed=not found.answers.is_open)
    plan, placements = place(items, found.plan, fixed)
    facts = facts_of(examples, near, columns, plan)
    return Planned(plan, facts, {placement.key: placement for placement in placements})


def changes(found: Standing, examples: Sequence[Example], planned: Planned) -> dict[str, int]:
    """What differs from the version before, in counts."""
    before = {one.key: one.reference for one in found.examples}
    now = {one.key: one.reference for one in examples if one.key in planned.placements}
    return {
        "added": len(now.keys() - before.keys()),
        "relabelled": sum(now[key] != before[key] for key in now.keys() & before.keys()),
        "removed": len(before.keys() - now.keys()),
        "unchanged": sum(now[key] == before[key] for key in now.keys() & before.keys()),
    }


def save(session: Session, found: Standing, prepared: Prepared) -> TestSetVersion:
    """Write the new version in the caller's transaction.

    Raises Conflict where another one came meanwhile or answers are compared in another way now, and where labels are
    new while a campaign goes on.
    """
    hold_row(session, Project, found.project_id)
    newest = test_sets.newest_version(session, found.project_id)
    if newest is None or newest.id != found.version_id:
        raise Conflict("The test set was changed meanwhile. Read the file again, to see what would change now.")
    project = projects.get(session, found.project_id)
    if options_of(project.answer_space) != options_of(found.answers):
        raise Conflict("How answers are compared was changed meanwhile. Read the file again.")
    new = prepared.labels[len(project.labels) :]
    if new:
        number = unfinished_campaign(session, project.id)
        if number is not None:
            raise Conflict(f"The file has new labels, and campaign {number} goes on. Stop it, or wait for its end.")
        if (run := runs.open_of_project(session, project.id)) is not None:
            raise Conflict(
                f"The file has new labels, and evaluation {run.id} is not over. Stop it, or wait for its end."
            )
        project.labels = [*project.labels, *({"name": name, "description": ""} for name in new)]
    return versions.write(session, found.test_set_id, version_of(prepared))
