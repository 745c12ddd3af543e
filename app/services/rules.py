"""How a project's answers are compared, changed by a person: refused while work goes on, then read again from the store."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.domain import answerspace
from app.domain.answerspace import Answers
from app.domain.findings import Findings
from app.domain.grading import is_graded
from app.domain.references import expected
from app.domain.roles import why_not
from app.domain.rules import Options, chosen, in_words, options_of, part_of
from app.errors import Conflict, Invalid, Problem
from app.storage import endpoints, heartbeats, jobs, projects, rules
from app.storage.campaign_boards import unfinished_campaign
from app.storage.endpoints import Endpoint
from app.storage.jobs import Nudge
from app.storage.projects import Project
from app.storage.rules import RuleChange
from app.storage.session import hold_row

KIND = "rereading"
CHANGES_SHOWN = 10


@dataclass(frozen=True)
class RuleChanged:
    """A change that was made; `before` is empty where outputs were being read again for an earlier one."""

    before: str
    after: str
    at: datetime


@dataclass(frozen=True)
class Rereading:
    """Stored outputs are being read again: how far it is, and whether no worker lives that does it."""

    evaluations: int
    done: int
    outputs: int
    worker_missing: bool


@dataclass(frozen=True)
class RuleView:
    """How answers are compared, in one line and option by option; both empty where a reply is a label or a value.

    `graded`: a grader says what an answer is worth. `rereading` is there while stored outputs are read again.
    """

    words: str
    options: dict[str, Any]
    graded: bool
    rereading: Rereading | None


def view(session: Session, project: Project) -> RuleView:
    answers = project.answer_space
    return RuleView(in_words(answers), options_of(answers), is_graded(answers), progress(session, project.id))


def progress(session: Session, project_id: str) -> Rereading | None:
    change = rules.going_on(session, project_id)
    if change is None:
        return None
    missing = not heartbeats.alive_by_role(heartbeats.beats(session))["drivers"]
    return Rereading(change.evaluations, change.done, change.outputs, missing)


def history(session: Session, project: Project) -> list[RuleChanged]:
    """Newest first."""
    return [_changed(one) for one in rules.changes(session, project.id, CHANGES_SHOWN)]


def _changed(change: RuleChange) -> RuleChanged:
    before = in_words(answerspace.load(change.before)) if change.before else ""
    return RuleChanged(before, in_words(answerspace.load(change.after)), change.created_at)


def graders(session: Session) -> list[Endpoint]:
    """Whoever may grade texts in one way or another."""
    return [*endpoints.playing(session, "judge"), *endpoints.playing(session, "embedder")]


def grader_problems(session: Session, options: Options) -> list[Problem]:
    """What keeps the endpoint that these options name from grading as they ask."""
    name, match = options.get("grader", ""), options.get("match", "")
    if not name:
        return []
    try:
        found = endpoints.named(session, name)
    except Invalid as invalid:
        return [Problem(problem.message, "grader") for problem in invalid.problems]
    if found is None:
        return [Problem(f"there is no endpoint {name[:100]}; add it on the Endpoints page", "grader")]
    why = why_not(name, found.role, part_of(match))
    return [Problem(why, "grader")] if why else []


def check_grader(session: Session, answers: Answers) -> None:
    if is_graded(answers) and (problems := grader_problems(session, options_of(answers))):
        raise Invalid(problems)


def require_settled(session: Session, project_id: str) -> None:
    """Raises Conflict while outputs are read again: what is begun now would see some of the old rule."""
    if rules.going_on(session, project_id) is not None:
        raise Conflict(
            "How answers are compared was changed, and stored answers are being read again. Wait until that is done: "
            "the project's page shows how far it is."
        )


def change(session: Session, project_id: str, options: Options) -> list[Nudge]:
    """Compare answers with these options from now on, and read what is stored again; whom to nudge after the commit.

    Nothing is done where they are compared so already. Raises NotFound, Invalid naming the options, Conflict while
    campaigns or evaluations of the project go on.
    """
    hold_row(session, Project, project_id)
    project = projects.get(session, project_id)
    before = project.answer_space
    after = chosen(before, options)
    if options_of(after) == options_of(before):
        return []
    _require_rest(session, project_id)
    check_grader(session, after)
    _check_references(session, project_id, before, after)
    rules.begin(session, project_id, answerspace.dump(before), answerspace.dump(after))
    project.answers = answerspace.dump(after)
    return [Nudge(jobs.want(session, KIND, project_id), KIND)]


def _require_rest(session: Session, project_id: str) -> None:
    number = unfinished_campaign(session, project_id)
    if number is not None:
        raise Conflict(
            f"Campaign {number} goes on, and it is scored by the present rule. Stop it, or wait for its end."
        )
    run_id = rules.unsettled_run(session, project_id)
    if run_id is not None:
        said = f"Evaluation {run_id} is not over, and it is scored by the present rule."
        raise Conflict(f"{said} Stop it, or wait for its end: see /evaluations/{run_id}.")


def _check_references(session: Session, project_id: str, before: Answers, after: Answers) -> None:
    """Raises Invalid naming the examples that the new rule cannot use; of the holdout nothing but that there are some."""
    if after.kind != "text" or _asks_the_same(before, after):
        return
    findings, sealed = Findings(), 0
    for reference, split, position in rules.references(session, project_id):
        try:
            expected(after, reference)
        except Invalid as fault:
            if split == "holdout":
                sealed += 1
            else:
                findings.add(str(fault), f"example {position + 1} of {split}")
    if sealed:
        findings.add(f"{sealed:,} right answers of the holdout cannot be compared so either", "holdout")
    findings.settle()


def _asks_the_same(before: Answers, after: Answers) -> bool:
    """Whether references need to be of the same form."""
    return (before.texts.match, before.texts.separated) == (after.texts.match, after.texts.separated)
