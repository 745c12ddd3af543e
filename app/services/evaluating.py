"""Evaluations that people order: started, paused, resumed, stopped, and summed up when their last block is done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.domain.prompts import placeholders
from app.domain.roles import why_not
from app.errors import Conflict, Invalid, Problem
from app.services import capping, faults, rules, tuning
from app.services.grading import grading_of
from app.services.holding import CAMPAIGN, OPENING, RUN, WORKING
from app.services.questions import misfit
from app.settings import Settings
from app.storage import campaigns, evaluations, jobs, ledger, parties, projects, runs, test_sets
from app.storage.base import id_for, new_id
from app.storage.campaigns import HoldoutOpening
from app.storage.endpoints import Endpoint
from app.storage.evaluations import Evaluation, settings_hash
from app.storage.jobs import Nudge
from app.storage.projects import Project
from app.storage.prompts import Prompt, PromptVersion
from app.storage.runs import BACKGROUND, BLOCK, Run
from app.storage.session import Database, hold_row
from app.storage.test_sets import TestSetVersion

SPLITS = ("train", "dev")
MOST_SAMPLES = 20
MOST_CALLS = 100_000_000
CAPS = {"max_calls": "calls", "max_tokens": "tokens", "max_cost": "cost"}  # what they cap in the ledger


@dataclass(frozen=True)
class RunDraft:
    """What a person orders; None means all examples, the usual setting, or no cap.

    `max_cost` is in micro-units of money; `count_fallbacks` scores answers of a fallback as if they were the model's.
    """

    project_id: str
    prompt_version_id: str
    endpoint_id: str
    split: str = "dev"
    examples: int | None = None
    samples: int = 1
    temperature: float = 0.0
    answer_tokens: int | None = None
    count_fallbacks: bool | None = None
    max_calls: int | None = None
    max_tokens: int | None = None
    max_cost: int | None = None


def start(session: Session, settings: Settings, draft: RunDraft, once: str = "") -> tuple[Run, list[Nudge]]:
    """A queued run, and whom to nudge after the commit. Raises Invalid naming fields, NotFound, Conflict.

    What is ordered again with the same `once`, unless that is empty, leads to the run that was made first.
    """
    version, prompt, endpoint = check(session, draft)
    hold_row(session, Project, draft.project_id)
    run_id = id_for(f"run {draft.project_id} {once}") if once else new_id()
    if (made := session.get(Run, run_id)) is not None:
        return made, []
    tokens = answer_tokens(settings, draft)
    hashed = settings_hash(draft.temperature, tokens)
    evaluation = evaluations.find_or_add(session, prompt.id, endpoint.id, version.id, draft.split, hashed)
    rules.require_settled(session, draft.project_id)
    if (known := runs.open_of_evaluation(session, evaluation.id)) is not None:
        raise Conflict(f"This prompt is being evaluated on these examples already: see /evaluations/{known.id}.")
    caps = {"calls": draft.max_calls, "tokens": draft.max_tokens, "cost": draft.max_cost}
    run = Run(
        id=run_id,
        project_id=draft.project_id,
        evaluation_id=evaluation.id,
        account_id=ledger.open_account(session, ledger.account_of("run", run_id), caps).id,
        upto=examples_of(version, draft),
        samples=draft.samples,
        temperature=draft.temperature,
        max_tokens=tokens,
        count_fallbacks=endpoint.fallback_counts if draft.count_fallbacks is None else draft.count_fallbacks,
    )
    return run, runs.add(session, run, settings.block_size)


def answer_tokens(settings: Settings, draft: RunDraft) -> int:
    return draft.answer_tokens or settings.task_max_tokens


def votes(draft: RunDraft) -> bool:
    """Whether the answers to one example can differ, so that their shares are more than 0 or 1."""
    return draft.samples > 1 and draft.temperature > 0


def examples_of(version: TestSetVersion, draft: RunDraft) -> int:
    """How many examples this order is for."""
    size: int = version.splits[draft.split]
    return size if draft.examples is None else min(draft.examples, size)


def check(session: Session, draft: RunDraft) -> tuple[TestSetVersion, PromptVersion, Endpoint]:
    """What the order is about. Raises Invalid naming fields, NotFound for the project, Conflict without a test set."""
    project = projects.get(session, draft.project_id)
    version = test_sets.newest_version(session, project.id)
    if version is None:
        raise Conflict("This project has no test set yet; import a file first.")
    prompt, model = session.get(PromptVersion, draft.prompt_version_id), session.get(Endpoint, draft.endpoint_id)
    problems = [*_number_problems(draft), *_split_problems(version, draft)]
    if model is None:
        problems.append(Problem("choose a model of the Endpoints page", "endpoint_id"))
    elif why := why_not(model.full_name, model.role, "task"):
        problems.append(Problem(why, "endpoint_id"))
    else:
        grading = grading_of(session, project)
        seats = {"endpoint_id": [model], **({"grader": [grading.grader]} if grading else {})}
        problems += capping.unpriced(session, project.id, seats, draft.max_cost)
    if prompt is None or session.get_one(Prompt, prompt.prompt_id).project_id != project.id:
        problems.append(Problem("choose a prompt of this project", "prompt_version_id"))
    elif unknown := sorted(placeholders(prompt.text).keys() - {"input", *version.variables}):
        said = f"asks for {', '.join(unknown)}, which the test set does not have"
        problems.append(Problem(said, "prompt_version_id"))
    elif wrong := misfit(project, prompt):
        problems.append(Problem(f"has an answer format that does not fit: {wrong}", "prompt_version_id"))
    if problems or prompt is None or model is None:
        raise Invalid(problems)
    return version, prompt, model


def _number_problems(draft: RunDraft) -> list[Problem]:
    problems = []
    if draft.examples is not None and draft.examples < 1:
        problems.append(Problem("must be a whole number from 1, or nothing for all", "examples"))
    if not 1 <= draft.samples <= MOST_SAMPLES:
        problems.append(Problem(f"must be a whole number from 1 to {MOST_SAMPLES}", "samples"))
    if not 0 <= draft.temperature <= 2:
        problems.append(Problem("must be a number from 0 to 2", "temperature"))
    if draft.answer_tokens is not None and not 1 <= draft.answer_tokens <= 100_000:
        problems.append(Problem("must be a whole number from 1 to 100000", "answer_tokens"))
    return problems + cap_problems({name: getattr(draft, name) for name in CAPS})


def _split_problems(version: TestSetVersion, draft: RunDraft) -> list[Problem]:
    if draft.split not in SPLITS:
        said = "choose train or dev; the holdout opens at a campaign's end, or on its own page with a reason"
        return [Problem(said, "split")]
    if not version.splits[draft.split]:
        return [Problem(f"the test set has no example in {draft.split}", "split")]
    return []


def cap_problems(caps: Mapping[str, int | None]) -> list[Problem]:
    """What is wrong with those of `CAPS` that are given."""
    said = {"max_cost": "must be an amount of money above 0, or nothing for no cap"}
    usual = "must be a whole number from 1, or nothing for no cap"
    wrong = [name for name, cap in caps.items() if cap is not None and not 1 <= cap <= MOST_CALLS * 1_000_000]
    return [Problem(said.get(name, usual), name) for name in wrong]


def pause(session: Session, run_id: str) -> None:
    """Start no further call; what is under way is kept. Raises NotFound, Conflict."""
    run = runs.get(session, run_id)
    if not runs.set_status(session, run.id, "paused", among=WORKING):
        raise Conflict(f"This run is {run.status}; only one that waits or works can be paused.")
    parties.hold(session, BLOCK, run.id)


def resume(session: Session, run_id: str) -> list[Nudge]:
    """Go on; whom to nudge after the commit. Raises NotFound, Conflict."""
    run = runs.get(session, run_id)
    if not runs.set_status(session, run.id, "running", among=("paused", "exhausted")):
        raise Conflict(f"This run is {run.status}; only a paused one can go on.")
    return parties.free(session, BLOCK, run.id)


def stop(session: Session, run_id: str) -> list[Nudge]:
    """End it for good; what was bought is kept and summed up. Raises NotFound, Conflict."""
    run = runs.get(session, run_id)
    if not runs.set_status(session, run.id, "stopped", among=runs.OPEN):
        raise Conflict(f"This run is {run.status} already.")
    parties.drop(session, BLOCK, run.id)
    return [Nudge(jobs.want(session, RUN, run.id), RUN)]


def order_for_campaign(
    session: Session,
    settings: Settings,
    campaign_id: str,
    account_id: str,
    round_number: int,
    wanted: Mapping[str, int],
    answer_tokens: int,
    keep_calls: int,
) -> list[Nudge]:
    """Have these evaluations (id, first examples) answered by whichever workers are free; the campaign is told."""
    project_id, nudges = campaigns.get(session, campaign_id).project_id, list[Nudge]()
    for evaluation_id, upto in wanted.items():
        run = Run(
            project_id=project_id,
            evaluation_id=evaluation_id,
            account_id=account_id,
            campaign_id=campaign_id,
            round=round_number,
            upto=upto,
            samples=1,
            temperature=0.0,
            max_tokens=answer_tokens,
            keep_calls=keep_calls,
            priority=BACKGROUND,
        )
        nudges += runs.add(session, run, settings.block_size)
    return nudges


def order_for_opening(
    session: Session,
    settings: Settings,
    opening: HoldoutOpening,
    project_id: str,
    account_id: str,
    version_ids: Sequence[str],
    size: int,
) -> list[Nudge]:
    """Have these prompt versions answer the whole holdout under one account; the opening is told at the end."""
    tokens, nudges = settings.task_max_tokens, list[Nudge]()
    hashed = settings_hash(0.0, tokens)
    for version_id in version_ids:
        evaluation = evaluations.find_or_add(
            session, version_id, opening.endpoint_id or "", opening.version_id, "holdout", hashed
        )
        run = Run(
            project_id=project_id,
            evaluation_id=evaluation.id,
            account_id=account_id,
            opening_id=opening.id,
            upto=size,
            samples=1,
            temperature=0.0,
            max_tokens=tokens,
        )
        nudges += runs.add(session, run, settings.block_size)
    return nudges


def give_up_exhausted(session: Session, campaign_id: str) -> bool:
    """Stop what a campaign ordered and its cap did not allow; whether there was any."""
    spent = [run for run in runs.open_of_campaign(session, campaign_id) if run.status == "exhausted"]
    return bool(spent and follow_campaign(session, campaign_id, "stop"))


def follow_campaign(session: Session, campaign_id: str, wish: str) -> list[Nudge]:
    """Do to a campaign's runs what a person asked of the campaign: pause, resume or stop."""
    nudges = list[Nudge]()
    for run in runs.open_of_campaign(session, campaign_id):
        if wish == "stop":
            nudges += stop(session, run.id)
        elif wish == "pause" and run.status in WORKING:
            pause(session, run.id)
        elif wish == "resume" and run.status == "paused":
            nudges += resume(session, run.id)
    return nudges


def conclude(database: Database, settings: Settings, job_id: str) -> list[Nudge]:
    """Sum up the run of this job when it is over, and tell the campaign or the opening that waits for it."""
    with database.write() as session:
        lease = jobs.claim(session, job_id, max(settings.lease_seconds, 600.0))
    if lease is None:
        return []
    with database.read() as session:
        run = runs.get(session, lease.subject)
    over = run.status == "stopped" or run.blocks_done == run.blocks
    if over and run.campaign_id is None:
        with faults.put_off(database, lease):
            sum_up(database, run.project_id, run.evaluation_id)
    with database.write() as session:
        jobs.renew(session, lease)
        if over:
            runs.close(session, run.id)
        waiting = {CAMPAIGN: run.campaign_id, OPENING: run.opening_id} if over else {}
        nudges = [Nudge(jobs.want(session, kind, one), kind) for kind, one in waiting.items() if one is not None]
        jobs.finish(session, lease)
    return nudges


def sum_up(database: Database, project_id: str, evaluation_id: str, goal: str | None = None) -> None:
    """Store the scores of all that is answered of an evaluation, measured in no transaction, by `goal` or the project's."""
    from app.domain import shapes, summaries
    from app.domain.goals import parse_goals
    from app.domain.metrics import Estimate

    with database.read() as session:
        project = projects.get(session, project_id)
        is_sealed = session.get_one(Evaluation, evaluation_id).split == "holdout"
        found = evaluations.answered_in_order(session, evaluation_id)
    if not found.expected:
        return
    goal = goal or project.goal
    summary = summaries.summarise(parse_goals(goal), shapes.shape_of(project.answer_space), found)
    leading = {name: value for name, value in summary["goals"][0].items() if name != "name"}
    first = found.first_samples()
    with database.write() as session:
        evaluations.summarise(session, evaluation_id, goal, Estimate(**leading), *first, summary)
    if not is_sealed:
        tuning.keep(database, evaluation_id)
