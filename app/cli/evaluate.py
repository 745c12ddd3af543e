"""`agon evaluate`: one prompt on one model over a labelled file, with every score, and no campaign."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.orm import Session

from app.cli.inputs import labelled, read_bytes, read_text
from app.cli.opening import use_database
from app.cli.options import takes_choices
from app.cli.outputs import writable, write
from app.cli.paying import buying_words, confirm
from app.cli.rule import apply, graders
from app.cli.runs import goes_on, poke, recapped, tell_end, watch
from app.cli.stack import stack
from app.cli.terminals import terminal
from app.domain import formats
from app.domain.goals import parse_goals, written
from app.domain.grading import requests_each
from app.domain.summaries import Mean
from app.domain.wording import placed_after
from app.errors import Conflict, EndpointFailure, Invalid, Problem
from app.services import (
    capping,
    catalogue,
    editing,
    evaluating,
    fallbacks,
    importing,
    pricing,
    projects,
    run_offers,
    steering,
)
from app.services.capping import Caps
from app.services.commanding import paid
from app.services.evaluating import RunDraft
from app.services.importing import Choices, Prepared
from app.services.measures import Measures
from app.services.projects import ProjectDraft
from app.services.run_offers import RunQuote
from app.services.run_views import RunView
from app.settings import Settings
from app.storage import projects as stored
from app.storage import prompts, runs
from app.storage.base import MOST, new_id
from app.storage.endpoints import Endpoint
from app.storage.jobs import Nudge
from app.storage.runs import Run
from app.web.formats import money, percent, score

SCORES_SHOWN = 40


@takes_choices
def evaluate(
    choices: Choices,
    file: Annotated[Path, typer.Argument(help="labelled examples, .jsonl or .csv")],
    prompt: Annotated[Path | None, typer.Option(help="file with the prompt; it must hold {{input}}")] = None,
    task_model: Annotated[str, typer.Option(help="PROVIDER/NAME that answers")] = catalogue.DEFAULT_TASK_MODEL,
    goal: Annotated[
        str, typer.Option(help="such as macro_f1 or recall[spam] at precision>=0.9; else the project's, or accuracy")
    ] = "",
    split: Annotated[str, typer.Option(help="dev or train; the holdout stays sealed")] = "dev",
    examples: Annotated[int | None, typer.Option(min=1, max=MOST, help="the first so many of the split")] = None,
    samples: Annotated[int, typer.Option(min=1, help="answers to each example")] = 1,
    temperature: Annotated[float, typer.Option(min=0, max=2, help="above 0 samples differ")] = 0.0,
    how: Annotated[str, typer.Option(help="text, json or codes")] = "text",
    before: Annotated[str, typer.Option(help="quote, reasoning: fields before the verdict (json)")] = "",
    probabilities: Annotated[str, typer.Option(help="none, logprobs, votes or stated")] = "none",
    max_calls: Annotated[int | None, typer.Option(min=1, max=MOST, help="requests bought at most")] = None,
    max_cost: Annotated[float | None, typer.Option(min=0, max=MOST, help="money spent at most, such as 2.50")] = None,
    json_out: Annotated[Path | None, typer.Option("--json", help="write every figure here")] = None,
    database_url: Annotated[str, typer.Option(help="another database than the embedded one")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="do not ask before paid calls")] = False,
) -> None:
    """Answer a labelled file with one prompt, and tell every score with its interval."""
    now = use_database(database_url)
    goals = written(parse_goals(goal)) if goal else ""
    writable(json_out, "--json")
    text, console = read_text(prompt), terminal(140, soft_wrap=True)
    form = formats.load(
        {
            "how": how,
            "before": [one.strip() for one in before.split(",") if one.strip()],
            "probabilities": probabilities,
        }
    )
    draft = RunDraft(
        project_id="",
        prompt_version_id="",
        endpoint_id="",
        split=split,
        examples=examples,
        samples=samples,
        temperature=temperature,
        max_calls=max_calls,
        max_cost=None if max_cost is None else round(max_cost * 1_000_000),
    )
    if form.probabilities == "votes" and not evaluating.votes(draft):
        said = "needs --samples of 2 or more and a --temperature above 0: one vote says 0 or 1 alone"
        raise Invalid([Problem(said, "--probabilities votes")])
    with console.status("reading the file"):
        prepared = labelled(read_bytes(file, now), file.name, now, choices, text)
    with stack(now) as database:
        with database.write() as session:
            endpoint = catalogue.named_or_added(session, task_model, "task")
            grading = graders(session, prepared, choices.rule)
            said = _buying(session, now, prepared, (text, form), replace(draft, endpoint_id=endpoint.id), grading)
        if paid([endpoint, *grading]) and not yes:
            confirm(said)
        apply(database, console, prepared, choices.rule)
        with database.write() as session:
            project_id = _project(session, now, prepared, file.stem, goals, (text, form), console)
            version_id = _version(session, project_id, text, form)
            draft = replace(draft, project_id=project_id, prompt_version_id=version_id, endpoint_id=endpoint.id)
            offer = run_offers.quote(session, now, draft)
            run, nudges = _ordered(session, now, draft, offer.open_run)
        console.print(gain_words(offer))
        poke(nudges)
        begun = "Going on with run" if run.id == offer.open_run else "Run"
        console.print(f"{begun} {run.id}; after Ctrl-C the same command goes on, and buys no answer twice.")
        view = watch(database, run.id, console)
    write(json_out, "--json", as_json(view))
    tell_end(console, view)
    console.print(f"Evaluation {view.id} of prompt {view.version_id}, v{view.version} of the project.")
    if view.measures is not None:
        tell(console, view.measures, now.unreadable_alarm)
    if not view.over:
        raise EndpointFailure(goes_on(view.id, view.status))


def _buying(
    session: Session,
    now: Settings,
    prepared: Prepared,
    prompt: tuple[str, formats.AnswerFormat],
    draft: RunDraft,
    grading: Sequence[Endpoint],
) -> str:
    """What an order may buy, from whom, and for how much at most; the file may not be imported yet."""
    work = pricing.work_of_file(session, prepared, prompt[0])
    model = session.get_one(Endpoint, draft.endpoint_id)
    examples = min(prepared.sizes.get(draft.split, 0), draft.examples or MOST)
    calls = min(draft.samples * examples * (1 + requests_each(work.answers)), draft.max_calls or MOST)
    about = work.answers, work.description, work.longest_example, now.task_max_tokens
    cost = pricing.answers_at_most(
        [model, *fallbacks.chosen(session, model)],
        work.start + placed_after(work.answers, prompt[1]),
        work.longest_example,
        now.task_max_tokens,
        calls,
        [pricing.grade_at_most(one, *about) for one in grading],
    )
    return buying_words(calls, paid([model, *grading]), capping.at_most(cost, Caps(cost=draft.max_cost), []))


def _project(
    session: Session,
    now: Settings,
    prepared: Prepared,
    name: str,
    goals: str,
    prompt: tuple[str, formats.AnswerFormat],
    console: Console,
) -> str:
    """The project of these examples in these splits, made when it is not there; a goal that is given becomes its goal."""
    known = importing.known_project(session, prepared)
    if known is None:
        draft = ProjectDraft(
            name=name, description="", goal=goals or "accuracy", smallest_gain=now.smallest_gain, start_prompt=prompt[0]
        )
        return importing.save(session, now, projects.check(draft), prepared, prompt[1])
    project = stored.get(session, known)
    if goals and goals != project.goal:
        was = project.goal
        editing.describe(session, known, project.name, project.description, {}, goals)
        said = f"The goal of project {project.name} was {was}; from now on it is {goals}."
        console.print(said, style="yellow")
    return known


def _version(session: Session, project_id: str, text: str, form: formats.AnswerFormat) -> str:
    project = stored.get(session, project_id)
    wanted = text or projects.start_prompt(project.description, project.answer_space, form)
    if text:
        return editing.add_prompt(session, project_id, wanted, form=form).id
    kept = formats.kept(project.answer_space, form)
    return prompts.add(session, prompts.line_of(session, project_id).id, wanted, "app", form=kept).id


def _ordered(session: Session, now: Settings, draft: RunDraft, open_run: str | None) -> tuple[Run, list[Nudge]]:
    """A new run, or the open one that answers the same: Ctrl-C may have ended an earlier command."""
    going = runs.get(session, open_run) if open_run else None
    if going is not None and _is_same(session, going, draft):
        return going, _gone_on(session, going, draft)
    try:
        return evaluating.start(session, now, draft, new_id())
    except Conflict as conflict:
        raise Invalid(str(conflict)) from conflict


def _gone_on(session: Session, going: Run, draft: RunDraft) -> list[Nudge]:
    """With the caps that are given now, where they are others."""
    given = {name: getattr(draft, name) for name in evaluating.CAPS}
    known = {name: getattr(going.account, f"cap_{kind}") for name, kind in evaluating.CAPS.items()}
    nudges = recapped(session, going.id, {name: cap for name, cap in given.items() if cap not in (None, known[name])})
    session.refresh(going)
    rests = going.status in ("paused", "exhausted")
    return nudges + (steering.ask(session, going.id, "resume") if rests else [])


def _is_same(session: Session, going: Run, draft: RunDraft) -> bool:
    version, _, _ = evaluating.check(session, draft)
    wanted = evaluating.examples_of(version, draft), draft.samples
    return going.campaign_id is None and (going.upto, going.samples) == wanted


def gain_words(offer: RunQuote) -> str:
    """What so many examples can show, before any is answered."""
    least = f"a difference in right answers below {score(offer.detectable)} to another prompt"
    return f"With {offer.examples:,} examples {least} cannot be told from chance (power 80%, when one in five differs)."


def tell(console: Console, found: Measures, alarm: float) -> None:
    """What is wrong with the replies, every score with its interval, then the classes; `alarm` is a share of replies."""
    for line in alarms(found, alarm):
        console.print(line, style="bold red")
    whole = f"Intervals are drawn from {found.units:,} groups and lone examples, each whole." if found.units else None
    table = Table("score", "value", "95% interval", "n", caption=whole, caption_justify="left")
    for one in found.scores[:SCORES_SHOWN]:
        e = one.estimate
        table.add_row(one.name, score(e.value), f"{score(e.low)} to {score(e.high)}", f"{e.n:,}")
    console.print(table)
    for line in takes_words(found.means):
        console.print(line)
    if not found.classes:
        return
    of_all = f"Counts are of all {found.repeats.answers:,} answers" if found.repeats.repeated else None
    classes = Table("class", "occurs", "named", "precision", "recall", "F1", caption=of_all, caption_justify="left")
    for kind in sorted(found.classes, key=lambda one: -one.there)[:SCORES_SHOWN]:
        shares = (kind.precision, kind.recall, kind.f1)
        classes.add_row(kind.name, f"{kind.there:,}", f"{kind.named:,}", *(score(one.value) for one in shares))
    console.print(classes)


def alarms(found: Measures, limit: float) -> Iterator[str]:
    """What is said where more than this share of the replies could not be read, or have no grade."""
    replies, grades = found.unreadable, found.ungraded
    if replies.share > limit:
        yield (
            f"{replies.count:,} of {replies.n:,} replies ({percent(replies.share)}) could not be read, which is more than "
            f"{percent(limit)}. They count as wrong: ask for the answer alone, or try --how json."
        )
    if grades.share > limit:
        yield (
            f"{grades.count:,} of {grades.n:,} answers ({percent(grades.share)}) have no grade, which is more than "
            f"{percent(limit)}: the grader's replies could not be read. Another grader may do better."
        )


def takes_words(means: Mapping[str, Mean]) -> Iterator[str]:
    """What an answer takes on average; one example has no interval."""
    for name, written_as in (("tokens", _tokens), ("cost", _cost)):
        mean = means.get(name)
        if mean is None or mean.low is None or mean.high is None:
            continue
        value, low, high = map(written_as, (mean.value, mean.low, mean.high))
        yield f"{name.capitalize()} an answer: {value} (95% interval {low} to {high}, n {mean.n:,})."


def _tokens(count: float) -> str:
    return score(count, 1)


def _cost(micros: float) -> str:
    return money(round(micros))


def as_json(view: RunView) -> str:
    """The run as `/api/v1/evaluations/ID` gives it."""
    return json.dumps(asdict(view), ensure_ascii=False, indent=2, default=str) + "\n"
