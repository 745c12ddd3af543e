"""What the form of an evaluation offers, and what an order may buy before it is given."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.domain import formats
from app.domain.comparing import minimum_detectable_gain
from app.domain.grading import requests_each
from app.services import capping, evaluating, fallbacks, pricing, starting
from app.services.capping import Caps
from app.services.evaluating import RunDraft
from app.services.grading import grading_of
from app.settings import Settings
from app.storage import evaluations, projects, prompts, runs, starts
from app.storage.endpoints import Endpoint
from app.storage.evaluations import Evaluation, settings_hash
from app.storage.starts import StartPrompt


@dataclass(frozen=True)
class RunQuote:
    """`answers` are wanted, `there` of them known to this evaluation already, the store may hold more.

    `calls` are bought at most when none has to be repeated, under the cap on calls if that is lower. `cost` is at most
    that many millionths of money, None when a price is not known. `open_run` is a run that answers them right now.
    `detectable` is the smallest difference in right answers to another prompt that so many examples can show (power
    80 %, when one in five answers differs). `lone_votes`: the prompt asks for votes, and this order gives each example
    one vote, or the same one again and again.
    """

    examples: int
    answers: int
    there: int
    calls: int
    cost: int | None
    fallbacks: list[str]
    open_run: str | None
    detectable: float
    lone_votes: bool


def quote(session: Session, settings: Settings, draft: RunDraft) -> RunQuote:
    """What this order may buy; nothing is started. Raises as `evaluating.check` does."""
    version, prompt, model = evaluating.check(session, draft)
    tokens, examples = evaluating.answer_tokens(settings, draft), evaluating.examples_of(version, draft)
    hashed, project = settings_hash(draft.temperature, tokens), projects.get(session, draft.project_id)
    known = evaluations.found(session, prompt.id, model.id, version.id, draft.split, hashed)
    there = min(known.n, examples) if known else 0
    wanted, grading = draft.samples * examples, grading_of(session, project)
    calls = (1 + requests_each(project.answer_space)) * (wanted - there)
    calls = min(calls, draft.max_calls or calls)
    serving = [model, *fallbacks.chosen(session, model)]
    longest = starts.longest_of_first(session, version.id, draft.split, examples)
    grades = pricing.grades_at_most(grading, longest, tokens)
    cost = pricing.answers_at_most(serving, prompt.text, longest, tokens, calls, grades)
    shared = capping.uses(session, capping.shared(draft.project_id))
    capped = capping.at_most(cost, Caps(cost=draft.max_cost), shared)
    going = runs.open_of_evaluation(session, known.id) if known else None
    return RunQuote(
        examples=examples,
        answers=wanted,
        there=there,
        calls=calls,
        cost=capped,
        fallbacks=[one.full_name for one in serving[1:]],
        open_run=going.id if going else None,
        detectable=minimum_detectable_gain(examples),
        lone_votes=formats.load(prompt.format).probabilities == "votes" and not evaluating.votes(draft),
    )


def usual(session: Session, settings: Settings, project_id: str, prompt_version_id: str = "") -> RunDraft:
    """What the form offers at first: this prompt, or the champion's or newest, on the model that was used last."""
    chosen = starting.defaults(session, settings, project_id)
    wanted = prompt_version_id or chosen.start_version_id
    return RunDraft(project_id, wanted, chosen.task_endpoint_id, answer_tokens=settings.task_max_tokens)


def again(session: Session, run_id: str) -> RunDraft:
    """The order of a run that was given before, with its caps. Raises NotFound."""
    run = runs.get(session, run_id)
    evaluation, account = session.get_one(Evaluation, run.evaluation_id), run.account
    own = run.campaign_id is None
    return RunDraft(
        project_id=run.project_id,
        prompt_version_id=evaluation.prompt_version_id,
        endpoint_id=evaluation.endpoint_id,
        split=evaluation.split,
        examples=run.upto,
        samples=run.samples,
        temperature=run.temperature,
        answer_tokens=run.max_tokens,
        count_fallbacks=run.count_fallbacks,
        max_calls=account.cap_calls if own else None,
        max_tokens=account.cap_tokens if own else None,
        max_cost=account.cap_cost if own else None,
    )


def offered_prompts(session: Session, project_id: str, also: str) -> list[StartPrompt]:
    """The newest versions of the project's prompts; the one that is chosen is among them."""
    found = starts.start_prompts(session, project_id)
    if not also or also in {one.id for one in found} or not starts.has_version(session, project_id, also):
        return found
    version = prompts.get(session, also)
    return [*found, StartPrompt(version.id, version.number, version.author, None, version.round)]


def models(session: Session) -> Sequence[Endpoint]:
    return starting.task_models(session)
