"""Compares the answers of a file's project as the command line says, before anything of it is scored."""

import time

from rich.console import Console
from sqlalchemy.orm import Session

from app.cli.options import by_option
from app.domain.answerspace import Answers
from app.domain.grading import is_graded
from app.domain.rules import Options, chosen, in_words
from app.errors import Conflict, Invalid
from app.jobs import Poker
from app.services import importing, rules
from app.services.importing import Prepared
from app.settings import settings
from app.storage import endpoints, projects
from app.storage import rules as stored_rules
from app.storage.endpoints import Endpoint
from app.storage.jobs import Nudge
from app.storage.projects import Project
from app.storage.rules import RuleChange
from app.storage.session import Database

POLL_SECONDS = 0.2


def graders(session: Session, prepared: Prepared, rule: Options) -> list[Endpoint]:
    """Whoever will grade the answers of this file, if anybody must."""
    project_id = importing.known_project(session, prepared)
    answers = prepared.answers if project_id is None else _compared(projects.get(session, project_id), rule)
    found = endpoints.named(session, answers.texts.grader) if is_graded(answers) else None
    return [] if found is None else [found]


def _compared(project: Project, rule: Options) -> Answers:
    try:
        return chosen(project.answer_space, rule)
    except Invalid as invalid:
        raise by_option(invalid) from invalid


def apply(database: Database, console: Console, prepared: Prepared, rule: Options) -> None:
    """A rule belongs to the project: one that is named here changes that of the project which the file has already.

    What is stored of it is then read again first. Raises Invalid where the change is refused.
    """
    with database.write() as session:
        project_id = importing.known_project(session, prepared)
        nudges = _change(session, project_id, rule) if project_id and rule else []
        project = projects.get(session, project_id) if project_id else None
        change = stored_rules.going_on(session, project_id) if project_id else None
        words, name = in_words(project.answer_space if project else prepared.answers), project.name if project else ""
    if nudges:
        console.print(f"The project {name} of this file compares answers anew from now on.")
    if words:
        console.print(words)
    for nudge in nudges:
        Poker(settings()).poke(nudge.job_id, nudge.kind)
    if change is not None:
        _wait(database, console, change)


def _change(session: Session, project_id: str, rule: Options) -> list[Nudge]:
    try:
        return rules.change(session, project_id, rule)
    except Invalid as invalid:
        raise by_option(invalid) from invalid
    except Conflict as conflict:
        raise Invalid(str(conflict)) from conflict


def _wait(database: Database, console: Console, change: RuleChange) -> None:
    """Until stored answers are read again."""
    with console.status("reading stored answers again") as shown:
        while True:
            with database.read() as session:
                found = rules.progress(session, change.project_id)
            if found is None:
                break
            shown.update(f"reading stored answers again: {found.done:,} of {found.evaluations:,} evaluations")
            time.sleep(POLL_SECONDS)
    with database.read() as session:
        outputs = session.get_one(RuleChange, change.id).outputs
    if outputs:
        console.print(f"{outputs:,} stored answers were read again; none was bought.")
