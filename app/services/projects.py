"""Makes a project from an imported file, and writes its start prompt when the user brings none."""

from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from app.domain import answerspace
from app.domain.answerspace import Answers
from app.domain.formats import PLAIN, AnswerFormat
from app.domain.goals import parse_goals, written
from app.domain.prompts import clean, placeholders
from app.domain.shapes import fitting, shape_of
from app.domain.wording import describe
from app.errors import Invalid, Problem
from app.storage.projects import Project

PROMPT_LIMIT = 100_000


@dataclass(frozen=True)
class ProjectDraft:
    """What a person says about a job to be done; labels come from the file, descriptions from the person."""

    name: str
    description: str
    goal: str = "accuracy"
    smallest_gain: float = 0.02
    start_prompt: str = ""
    label_descriptions: tuple[tuple[str, str], ...] = ()


def tidied(text: str) -> str:
    """A prompt as it is kept: without characters that no database holds, and without space around it."""
    return clean(text)[0].strip()


def check(draft: ProjectDraft) -> ProjectDraft:
    """The draft with a tidied prompt. Raises Invalid naming every field that cannot be used."""
    draft = replace(draft, start_prompt=tidied(draft.start_prompt))
    problems = []
    if not draft.name.strip():
        problems.append(Problem("give the project a name", "name"))
    if not 0 < draft.smallest_gain < 1:
        problems.append(Problem("must lie between 0 and 1, for example 0.02", "smallest gain"))
    try:
        parse_goals(draft.goal)
    except Invalid as invalid:
        problems += [Problem(problem.message, "goal") for problem in invalid.problems]
    if draft.start_prompt:
        problems += _prompt_problems(draft.start_prompt)
    if problems:
        raise Invalid(problems)
    return draft


def _prompt_problems(text: str) -> list[Problem]:
    if len(text) > PROMPT_LIMIT:
        return [Problem(f"is longer than {PROMPT_LIMIT} characters", "prompt")]
    if "input" not in placeholders(text):
        return [Problem("must hold {{input}} where the example goes", "prompt")]
    return []


def create(session: Session, draft: ProjectDraft, answers: Answers) -> Project:
    """Raises Invalid where the goal does not fit the answers."""
    descriptions = dict(draft.label_descriptions)
    labels = [{"name": name, "description": clean(descriptions.get(name, ""))[0].strip()} for name in answers.names]
    kept = answerspace.dump(answers)
    kept.pop("labels", None)
    project = Project(
        name=clean(draft.name)[0].strip()[:200],
        description=clean(draft.description)[0].strip() or default_description(answers),
        labels=labels,
        answers=kept,
        goal=goal_of(draft.goal, answers),
        smallest_gain=draft.smallest_gain,
    )
    session.add(project)
    session.flush()
    return project


def goal_of(text: str, answers: Answers) -> str:
    """The goals as they are written down, with classes as the answers have them. Raises Invalid naming the field."""
    shape = shape_of(answers)
    try:
        return written([fitting(goal, shape) for goal in parse_goals(text)])
    except Invalid as invalid:
        raise Invalid([Problem(problem.message, "goal") for problem in invalid.problems]) from invalid


def default_description(answers: Answers) -> str:
    return {
        "label": f"Give each text the one label that fits it best, out of {len(answers.labels)} labels.",
        "labels": f"Give each text all labels that fit it, out of {len(answers.labels)} labels, or none.",
        "fields": f"Answer {len(answers.fields)} questions about each text.",
        "number": "Answer each question with a number.",
        "text": "Answer each question in a few words.",
    }[answers.kind]


def start_prompt(description: str, answers: Answers, form: AnswerFormat = PLAIN) -> str:
    """A plain prompt from the description and what can be answered: what the first battle has to beat."""
    plain = form.how == "text"
    ends = ["Input: {{input}}", *([_LAST_WORD[answers.kind]] if plain else [])]
    return "\n".join([description, "", *_listed(answers), *([*_asked(answers), ""] if plain else []), *ends])


_LAST_WORD = {"label": "Label:", "labels": "Labels:", "fields": "Fields:", "number": "Answer:", "text": "Answer:"}


def _listed(answers: Answers) -> list[str]:
    title, held = ("Labels:", answers.labels) if answers.labels else ("Fields:", answers.fields)
    lines = [f"- {one.name}: {one.description}" if one.description else f"- {one.name}" for one in held]
    return [title, *lines, ""] if lines else []


def _asked(answers: Answers) -> list[str]:
    if answers.kind == "label":
        return ["Answer with one of these labels, exactly as it is written above."]
    return [f"Answer with {describe(answers).removesuffix('.')}."]  # a criterion may be a sentence
