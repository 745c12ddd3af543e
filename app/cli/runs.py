"""`agon runs` lists the evaluations that are not over; `agon run` watches one, pauses it, lets it go on, or ends it."""

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from sqlalchemy.orm import Session

from app.cli.opening import opened
from app.cli.terminals import terminal
from app.domain.goals import missed
from app.domain.metrics import Estimate
from app.errors import EndpointFailure, Invalid, Problem
from app.jobs import Poker
from app.services import comparables, run_views, steering
from app.services.holding import WORKING
from app.services.run_views import RunView
from app.settings import settings
from app.storage import campaign_boards, run_boards, runs
from app.storage.base import MOST
from app.storage.jobs import Nudge
from app.storage.run_boards import RunLine
from app.storage.session import Database
from app.web.formats import between, duration, money, score

POLL_SECONDS = 0.5
RESTS = ("paused", "exhausted", "finished", "stopped")


def show_open() -> None:
    """List the evaluations that are not over, newest first."""
    with opened() as database, database.read() as session:
        found = run_boards.open_runs(session, campaign_boards.models(session))
    console = terminal()
    if not found:
        console.print("No evaluation is open.")
        return
    table = Table("run", "project", "prompt", "model", "state", "answers")
    for line in found:
        table.add_row(*_cells(line))
    console.print(table)
    for line in found:
        if line.note:
            console.print(f"{line.id}: {line.note}")


def follow(
    run_id: Annotated[
        str, typer.Argument(metavar="RUN", help="as agon runs or the page's address has it, or its beginning")
    ],
    pause: Annotated[bool, typer.Option("--pause", help="start no further call")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="let it go on, and watch it")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="end it for good; what was bought is kept")] = False,
    max_calls: Annotated[int | None, typer.Option(min=1, max=MOST, help="a new cap on requests")] = None,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="a new cap on tokens, in and out")] = None,
    max_cost: Annotated[float | None, typer.Option(min=0, max=MOST, help="a new cap on money, such as 2.50")] = None,
) -> None:
    """Watch an evaluation until it rests or ends; Ctrl-C ends the watching alone. A raised cap lets it go on."""
    wishes = [name for name, wanted in (("pause", pause), ("resume", resume), ("stop", stop)) if wanted]
    if len(wishes) > 1:
        raise Invalid([Problem("choose one of --pause, --resume and --stop", "--" + wishes[1])])
    micros = None if max_cost is None else round(max_cost * 1_000_000)
    caps = {"max_calls": max_calls, "max_tokens": max_tokens, "max_cost": micros}
    console = terminal()
    with opened() as database:
        with database.write() as session:
            run_id = comparables.complete_run(session, run_id)
            nudges = recapped(session, run_id, {name: cap for name, cap in caps.items() if cap is not None})
            for wish in wishes:
                nudges += _asked(session, run_id, wish)
        poke(nudges)
        view = watch(database, run_id, console)
    tell_end(console, view)
    if not view.over and not pause:
        raise EndpointFailure(goes_on(view.id, view.status))


def recapped(session: Session, run_id: str, caps: Mapping[str, int]) -> list[Nudge]:
    """Raises Invalid by the names of the options."""
    try:
        return steering.set_caps(session, run_id, caps) if caps else []
    except Invalid as invalid:
        named = [Problem(one.message, f"--{one.where.replace('_', '-')}") for one in invalid.problems]
        raise Invalid(named) from None


def _asked(session: Session, run_id: str, wish: str) -> list[Nudge]:
    """A run that a raised cap let go on needs no other word to resume."""
    if wish == "resume" and runs.get(session, run_id).status in WORKING:
        return []
    return steering.ask(session, run_id, wish)


def goes_on(run_id: str, status: str) -> str:
    """The command that lets a run which rests go on."""
    if status == "exhausted":
        return f"Its own cap is raised by agon run {run_id} --max-calls N, --max-tokens N or --max-cost AMOUNT."
    return f"The run is {status}; agon run {run_id} --resume goes on with it."


def _cells(line: RunLine) -> tuple[str, ...]:
    simulated = " (simulated)" if line.task_model.simulated else ""
    share = f"{line.done:,} of {line.total:,} ({100 * line.done // line.total} %)"
    prompt = f"v{line.version} on {line.split}"
    return line.id, line.project, prompt, f"{line.task_model.name}{simulated}", line.status, share


def poke(nudges: Iterable[Nudge]) -> None:
    poker = Poker(settings())
    for nudge in nudges:
        poker.poke(nudge.job_id, nudge.kind)


def watch(database: Database, run_id: str, console: Console) -> RunView:
    """Show the run until nothing of it goes on; as it then stands."""
    columns = (
        TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[pace]}", markup=False),
        TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task, missing = progress.add_task("starting", total=1, pace=""), False
        while True:
            with database.read() as session:
                view = run_views.run_view(session, run_id)
            progress.update(task, completed=view.done, total=view.total, description=view.phase, pace=_pace(view))
            if view.worker_missing and not missing:
                console.print("No worker answers. The run goes on when one runs: agon worker.", style="yellow")
            missing = view.worker_missing
            if view.phase in RESTS and (view.over or view.status in ("paused", "exhausted") or view.worker_missing):
                return view
            time.sleep(POLL_SECONDS)


def _pace(view: RunView) -> str:
    if view.rate is None:
        return ""
    left = f", about {duration(view.seconds_left)} more" if view.seconds_left is not None else ""
    return f"{view.rate:,.1f} a second{left}"


def tell_end(console: Console, view: RunView) -> None:
    used = {one.kind: one.used for one in view.used}
    bought = f"{used['calls'] or 0:,} calls, {used['tokens'] or 0:,} tokens, cost {money(used['cost'])}"
    reused = f", {view.reused:,} of them from the store" if view.reused else ""
    console.print(f"{view.status}: {view.done:,} of {view.total:,} answers{reused}; {bought}.")
    if view.note:
        console.print(view.note, style="yellow")
    if view.over:
        for sentence in score_words(view):
            console.print(sentence)


def score_words(view: RunView) -> Iterator[str]:
    """What it scored by each of its goals, how many were right, and by how much a bound is missed."""
    simulated = ", simulated" if view.task_model.simulated else ""
    for name, found in _scores(view):
        bound = f" {said}: a score below 0 says by how much." if (said := missed(name, found.value)) else ""
        yield f"{name} {score(found.value)} ({between(found.low, found.high)}, n {found.n:,}{simulated}).{bound}"
    if view.score is None:
        return
    if view.score.n > view.examples:
        yield f"Scores are of all {view.score.n:,} examples that are answered, not of these {view.examples:,} alone."
    first = ", counting the first answer to each example" if view.samples > 1 else ""
    yield f"{view.right:,} right, {view.unreadable:,} unreadable{first}."


def _scores(view: RunView) -> list[tuple[str, Estimate]]:
    """By every goal; before the answers are measured in full, and on a sealed split, by the first alone."""
    if view.measures is not None:
        return [(one.name, one.estimate) for one in view.measures.goals]
    return [(view.goal, view.score)] if view.goal and view.score else []
