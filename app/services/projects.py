"""Makes a project from an imported file, and writes its start prompt when the user brings none."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from app.domain import answerspace, wording
from app.domain.answers import Label
from app.domain.answerspace import Answers
from app.domain.metrics import parse_goal
from app.domain.prompts import clean, placeholders
from app.errors import Conflict, Invalid, Problem
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
        parse_goal(draft.goal)
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
    """A project whose answers are these; its labels have the descriptions of the draft."""
    descriptions = dict(draft.label_descriptions)
    labels = [{"name": name, "description": clean(descriptions.get(name, ""))[0].strip()} for name in answers.names]
    kept = answerspace.dump(answers)
    kept.pop("labels", None)
    project = Project(
        name=clean(draft.name)[0].strip()[:200],
        description=clean(draft.description)[0].strip() or default_description(answers.names, answers),
        labels=labels,
        answers=kept,
        goal=parse_goal(draft.goal).name,
        smallest_gain=draft.smallest_gain,
    )
    session.add(project)
    session.flush()
    return project


def require_labels(project: Project) -> None:
    """Raises Conflict unless every answer is one label: nothing else is scored yet."""
    kind = project.answer_kind
    if kind != "label":
        raise Conflict(f"The answers of this project are of the kind {kind}; only single labels are scored so far.")


def default_description(label_names: Sequence[str], answers: Answers | None = None) -> str:
    kind = answers.kind if answers else "label"
    if kind == "labels":
        return f"Give each text all the labels that fit it, out of {len(label_names)} labels, or none."
    if answers and kind == "fields":
        return f"Fill in a checklist of {len(answers.fields)} fields for each text."
    if kind == "label":
        return f"Give each text the one label that fits it best, out of {len(label_names)} labels."
    return "Answer each question with a number." if kind == "number" else "Answer each question in a few words."


def start_prompt(description: str, labels: Sequence[Label], answers: Answers | None = None) -> str:
    """A plain prompt from the description and the labels: what the first battle has to beat."""
    if answers is not None and answers.kind != "label":
        return _other_prompt(description, labels, answers)
    return "\n".join(
        [
            description,
            "",
            "Labels:",
            *_listed(labels),
            "",
            "Answer with one of these labels, exactly as it is written above.",
            "",
            "Input: {{input}}",
            "Label:",
        ]
    )


def _listed(labels: Sequence[Label]) -> list[str]:
    return [f"- {label.name}: {label.description}" if label.description else f"- {label.name}" for label in labels]


def _other_prompt(description: str, labels: Sequence[Label], answers: Answers) -> str:
    listed = ["", "Labels:", *_listed(labels)] if labels else []
    asked = f"Answer with {wording.describe(answers)}"
    return "\n".join([description, *listed, "", asked if asked.endswith(".") else f"{asked}.", "", "Input: {{input}}"])
