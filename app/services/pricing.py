"""What a campaign may cost at most: its caps, and the settings that bound every call."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.domain import formats, grading
from app.domain.answerspace import Answers
from app.domain.formats import PLAIN, AnswerFormat
from app.domain.improving.arena import SEATS
from app.domain.improving.briefs import Task, meta_prompt
from app.domain.prompts import placeholders
from app.domain.rightanswers import LONGEST_TEXT
from app.domain.wording import instructions
from app.services import importing
from app.services import projects as drafting
from app.services.grading import Grading
from app.services.importing import Prepared
from app.settings import Settings
from app.storage import projects, prompts, starts
from app.storage.endpoints import Endpoint

MESSAGE_TOKENS = 32  # what a server adds around the messages of one request
GRADER_WORDS = 3_000  # characters around what a grader reads
HEADING = 300  # characters of the meta-prompt around one prompt or one example
BLANK_LINE = 2
ESCAPED = 2  # characters of JSON for one of an example's
CENT = 10_000


@dataclass(frozen=True)
class Work:
    """What requests are made of; `longest_example` is in characters, all its variables together."""

    description: str
    answers: Answers
    start: str
    longest_example: int
    form: AnswerFormat = PLAIN


def work(session: Session, settings: Settings, project_id: str, version_id: str, start_version_id: str) -> Work:
    """The work of a campaign on a test set version that is stored."""
    project = projects.get(session, project_id)
    longest = starts.longest_example(session, version_id, settings.reflect_on)
    start = prompts.get(session, start_version_id)
    return Work(project.description, project.answer_space, start.text, longest, formats.load(start.format))


def work_of_file(session: Session, prepared: Prepared, prompt: str) -> Work:
    """The same for a file that may not be imported yet; an empty prompt is written from the description."""
    known = importing.known_project(session, prepared)
    project = projects.get(session, known) if known else None
    description = project.description if project else drafting.default_description(prepared.answers)
    answers = project.answer_space if project else prepared.answers
    longest = max(len(one.input) + len(json.dumps(dict(one.variables))) for one in prepared.imported.examples)
    return Work(description, answers, prompt or drafting.start_prompt(description, answers), longest)


def at_most(
    settings: Settings,
    work: Work,
    task: Endpoint,
    generators: Sequence[Endpoint],
    max_calls: int,
    max_rounds: int,
    grader: Endpoint | None = None,
) -> int | None:
    """Millionths of money, rounded up to a whole cent; None when a price or the length of a reply has no bound.

    Every call of the cap brings an answer and every round its proposals, from the dearest generator; each is as long
    as the settings let it be, with a token for every character. A call that fails brings no tokens.
    """
    answer = _call(task, filled_prompt(settings, work), settings.task_max_tokens)
    if grader is not None and answer is not None:
        graded = grade_at_most(grader, work.answers, work.description, work.longest_example, settings.task_max_tokens)
        answer = None if graded is None else max(answer, graded)
    known = [_call(one, brief(settings, work), settings.generator_max_tokens) for one in generators]
    written = [cost for cost in known if cost is not None]
    if answer is None or len(written) < len(known):
        return None
    proposals = min(max_calls, len(SEATS) * max_rounds) if max_rounds else max_calls
    dearer = max(0, max(written, default=0) - answer)
    return _up(max_calls * answer + proposals * dearer, CENT) * CENT


def grade_at_most(
    grader: Endpoint, answers: Answers, description: str, longest_example: int, answer_tokens: int
) -> int | None:
    """One request to the grader at most; a token of the answer is one again when it is read."""
    texts = answers.texts
    read = GRADER_WORDS + len(texts.criterion) + len(description) + longest_example + LONGEST_TEXT + answer_tokens
    return _call(grader, read, 0 if texts.match == "similarity" else grading.JUDGE_TOKENS)


def grades_at_most(graded_by: Grading | None, longest_example: int, answer_tokens: int) -> list[int | None]:
    """What one grade may cost, where answers are graded: for `answers_at_most`."""
    if graded_by is None:
        return []
    texts = Answers("text", texts=graded_by.texts)
    return [grade_at_most(graded_by.grader, texts, graded_by.description, longest_example, answer_tokens)]


def answers_at_most(
    models: Sequence[Endpoint],
    text: str,
    longest_example: int,
    answer_tokens: int,
    calls: int,
    grades: Sequence[int | None] = (),
) -> int | None:
    """The same for so many answers to one prompt, from the dearest of the models that may serve them.

    `grades` are what one grade may cost, where some of the calls are for grades.
    """
    characters = len(text) + max(placeholders(text).values(), default=0) * longest_example
    known = [*(_call(one, characters, answer_tokens) for one in models), *grades]
    costs = [cost for cost in known if cost is not None]
    return _up(calls * max(costs), CENT) * CENT if len(costs) == len(known) else None


def _call(endpoint: Endpoint, characters: int, tokens_out: int) -> int | None:
    """One call at most, in millionths of money."""
    if endpoint.price_in is None or endpoint.price_out is None:
        return None
    if "max_tokens" in endpoint.dropped and endpoint.price_out:
        return None
    amount: int = endpoint.price_in * (characters + MESSAGE_TOKENS) + endpoint.price_out * tokens_out
    return _up(amount, 1_000_000)


def _up(amount: int, unit: int) -> int:
    """How many units pay for the amount."""
    return -(-amount // unit)


def filled_prompt(settings: Settings, work: Work) -> int:
    """Characters of a request to the task model; every prompt has each placeholder as often as the start prompt."""
    often = max(placeholders(work.start).values(), default=0)
    return _longest_prompt(settings, work) + often * work.longest_example


def _longest_prompt(settings: Settings, work: Work) -> int:
    """With what its answer format adds."""
    added = len(instructions(work.answers, work.form))
    return max(settings.prompt_limit, len(work.start)) + (added + BLANK_LINE if added else 0)


def brief(settings: Settings, work: Work) -> int:
    """Characters of a request to a generator: the fixed words, the pool's prompts, and examples with their replies."""
    gaps = tuple(placeholders(work.start))
    task = Task(work.description, work.answers, "", gaps, settings.prompt_limit, work.form)
    words = sum(len(message.content) for message in meta_prompt(task, (), (), (), ""))
    prompt = _longest_prompt(settings, work) + HEADING
    return words + HEADING + settings.pool_size * prompt + _shown(settings, work, len(gaps))


def _shown(settings: Settings, work: Work, gaps: int) -> int:
    """Characters of all training examples that a generator is shown; long values and replies are cut."""
    cut = settings.show_characters + len("…")
    expected = _longest_expected(work.answers)
    example = ESCAPED * (min(work.longest_example, gaps * cut) + expected + cut) + HEADING
    return (settings.show_wrong + settings.show_right) * example


def _longest_expected(answers: Answers) -> int:
    """Characters of the longest expected answer; references of numbers and texts are as long as a cell may be."""
    if answers.kind == "label":
        return max(len(name) for name in answers.names)
    if answers.kind == "labels":
        return sum(len(name) + 2 for name in answers.names)
    if answers.kind == "fields":
        return sum(len(one.name) + max(map(len, one.values)) + 5 for one in answers.fields)
    return LONGEST_TEXT
