"""What a person changes by hand: what a project says about its job, and prompts of one's own."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from app.domain import formats
from app.domain.formats import PLAIN, AnswerFormat
from app.domain.prompts import clean, placeholders
from app.errors import Conflict, Invalid, NotFound, Problem
from app.services.projects import PROMPT_LIMIT, goal_of
from app.storage import projects, prompts, starts, test_sets
from app.storage.campaign_boards import unfinished_campaign
from app.storage.projects import Project
from app.storage.prompts import PromptVersion

NAME_LIMIT, DESCRIPTION_LIMIT, LABEL_LIMIT = 200, 10_000, 2_000
MOST_DAYS = 3650


def describe(
    session: Session,
    project_id: str,
    name: str,
    description: str,
    label_descriptions: Mapping[str, str],
    goal: str | None = None,
) -> Project:
    """Change what later campaigns tell generators and raise; labels that are not named keep their descriptions.

    Scores that were summed up for another goal stay what they are, under its name.

    Raises Invalid naming the fields, Conflict while a campaign goes on: its generators read these texts each round.
    """
    project = projects.get(session, project_id)
    number = unfinished_campaign(session, project_id)
    if number is not None:
        raise Conflict(f"Campaign {number} goes on, and its generators read these texts. Stop it, or wait for its end.")
    name, description = _tidy(name), _tidy(description)
    described = {label: _tidy(text) for label, text in label_descriptions.items()}
    _check(project, name, description, described)
    project.goal = project.goal if goal is None else goal_of(goal, project.answer_space)
    project.name, project.description = name, description
    project.labels = [
        {"name": label.name, "description": described.get(label.name, label.description)} for label in project.label_set
    ]
    return project


def keep_texts(session: Session, project_id: str, days: int) -> Project:
    """How many days the log keeps what calls said; calls that are logged keep the days they were given.

    Raises NotFound, Invalid naming the field.
    """
    project = projects.get(session, project_id)
    if not 0 <= days <= MOST_DAYS:
        raise Invalid([Problem(f"must be a whole number of days from 0 to {MOST_DAYS:,}", "days")])
    project.body_days = days
    return project


def _tidy(text: str) -> str:
    """Text as it is kept: browsers send line ends of two characters."""
    return clean(text)[0].replace("\r\n", "\n").strip()


def _check(project: Project, name: str, description: str, described: Mapping[str, str]) -> None:
    problems = []
    if not 0 < len(name) <= NAME_LIMIT:
        problems.append(Problem(f"give the project a name of at most {NAME_LIMIT} characters", "name"))
    if not 0 < len(description) <= DESCRIPTION_LIMIT:
        problems.append(Problem(f"say in at most {DESCRIPTION_LIMIT:,} characters what is to be done", "description"))
    for label, text in described.items():
        if label not in project.label_names:
            problems.append(Problem("the test set has no such label", f"label {label}"))
        elif len(text) > LABEL_LIMIT:
            problems.append(Problem(f"must be at most {LABEL_LIMIT:,} characters long", f"label {label}"))
    if problems:
        raise Invalid(problems)


def add_prompt(
    session: Session, project_id: str, text: str, parent_id: str = "", form: AnswerFormat = PLAIN
) -> PromptVersion:
    """A version written by a person; one that the project has already is that version. Raises Invalid, NotFound."""
    project = projects.get(session, project_id)
    if parent_id and not starts.has_version(session, project_id, parent_id):
        raise NotFound("There is no such prompt version in this project.")
    text = _tidy(text)
    version = test_sets.newest_version(session, project_id)
    problems = prompt_problems(text, ["input", *(version.variables if version else [])])
    wrong = [Problem(message, "text") for message in problems]
    try:
        formats.checked(project.answer_space, form)
    except Invalid as invalid:
        wrong += invalid.problems
    if wrong:
        raise Invalid(wrong)
    line, kept = prompts.line_of(session, project_id), {} if form == PLAIN else formats.dump(form)
    return prompts.add(session, line.id, text, "person", parents=[parent_id] if parent_id else [], form=kept)


def prompt_problems(text: str, known: list[str]) -> list[str]:
    """What keeps a text from being used; `known` are the placeholders that the test set can fill."""
    problems = []
    if len(text) > PROMPT_LIMIT:
        problems.append(f"must be at most {PROMPT_LIMIT:,} characters long")
    if "input" not in placeholders(text):
        problems.append("must hold {{input}} where the example goes")
    strangers = sorted(set(placeholders(text)) - set(known))
    if strangers:
        named = ", ".join(f"{{{{{name}}}}}" for name in strangers)
        filled = ", ".join(f"{{{{{name}}}}}" for name in known)
        problems.append(f"has {named}, which the test set cannot fill; it fills {filled}")
    return problems
