"""`agon report` writes a holdout report; `agon open-holdout` opens a sealed holdout with a reason, and waits for it."""

import json
import sys
import time
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy.orm import Session

from app.cli.opening import opened
from app.cli.outputs import writable, write
from app.cli.runs import goes_on
from app.cli.terminals import terminal
from app.errors import EndpointFailure, Invalid, NotFound, Problem
from app.jobs import Poker
from app.services import beginnings, opening, report_data, report_views
from app.services.opening import OpeningDraft, OpeningQuote
from app.services.report_views import OpeningView
from app.settings import settings
from app.storage import endpoints, prompt_boards, prompts
from app.storage.session import Database
from app.web.formats import money, thousands
from app.web.markdown import markdown
from app.web.pdf import pdf
from app.web.report_documents import document

POLL_SECONDS = 0.5
OPTIONS = {
    "prompt_version_id": "PROMPT",
    "against_version_id": "--against",
    "endpoint_id": "--task-model",
    "reason": "--reason",
    "max_calls": "--max-calls",
    "max_tokens": "--max-tokens",
    "max_cost": "--max-cost",
}
Written = Literal["md", "json", "pdf"]


def report(
    subject: Annotated[
        str, typer.Argument(metavar="ID", help="of a campaign, or of an opening of a holdout; its beginning will do")
    ],
    form: Annotated[Written, typer.Option("--format", help="md, json or pdf")] = "md",
    out: Annotated[Path | None, typer.Option(help="write it here instead of to the terminal")] = None,
) -> None:
    """Write the holdout report of a campaign that has ended, or of an opening."""
    if form == "pdf" and out is None:
        raise Invalid([Problem("a PDF needs --out FILE", "--format")])
    writable(out, "--out")
    with opened() as database:
        written = _written(database, subject, form)
    if out is None:
        sys.stdout.write(written.decode())
    else:
        write(out, "--out", written)


def _written(database: Database, subject: str, form: Written) -> bytes:
    """Raises NotFound, Invalid, Conflict while there is no report, or where PDF is asked for and cannot be printed."""
    with database.read() as session:
        row = report_data.named(session, subject)
        found = report_views.of_row(session, row)
        if form == "json":
            return (json.dumps(report_data.told(row), ensure_ascii=False, indent=2) + "\n").encode()
    blocks = document(found)
    return markdown(blocks).encode() if form == "md" else pdf(blocks, f"Holdout report: {found.project}")


def open_holdout(
    prompt: Annotated[
        str, typer.Argument(help="id of a prompt version, as its page's address has it, or its beginning")
    ],
    task_model: Annotated[str, typer.Option(help="PROVIDER/NAME that answers")],
    reason: Annotated[str, typer.Option(help="why, in at least three words; it stays in the log")],
    against: Annotated[str, typer.Option(help="id of the version to compare with; the project's first if empty")] = "",
    max_calls: Annotated[int | None, typer.Option(min=1, help="requests bought at most, retries included")] = None,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="tokens bought at most, in and out")] = None,
    max_cost: Annotated[float | None, typer.Option(min=0, help="money spent at most, such as 2.50")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask: this look counts and cannot be undone")] = False,
) -> None:
    """Open the sealed holdout to compare a prompt with another, and print the report; a third opening is refused.

    A worker is started unless one answers already. After Ctrl-C, agon serve goes on and agon report has the report.
    """
    from app.cli.stack import stack

    console = terminal()
    cost = None if max_cost is None else round(max_cost * 1_000_000)
    caps = {"max_calls": max_calls, "max_tokens": max_tokens, "max_cost": cost}
    with opened() as database, database.read() as session:
        prompt = _prompt(session, prompt, "PROMPT")
        against = _prompt(session, against, "--against") if against else ""
        project_id = prompt_boards.project_of(session, prompts.get(session, prompt).prompt_id)
        model = endpoints.named(session, task_model)
        if model is None:
            raise NotFound(f"There is no endpoint {task_model}; agon endpoints lists them.")
        draft = OpeningDraft(project_id, prompt, model.id, reason, against, confirmed=True, **caps)
        quote = _checked(session, draft)
    _confirm(console, quote, yes)
    with stack(settings()) as database:
        with database.write() as session:
            made, nudges = opening.begin(session, settings(), draft)
        poker = Poker(settings())
        for nudge in nudges:
            poker.poke(nudge.job_id, nudge.kind)
        console.print(f"Opened; agon report {made.id} has the report when both prompts have answered.")
        view = _wait(database, made.id, console)
    if view.report is None:
        raise EndpointFailure(_what_waits(view))
    console.print(markdown(document(view.report)))


def _prompt(session: Session, given: str, argument: str) -> str:
    """The one id of a prompt version that begins so. Raises NotFound, Invalid."""
    found = beginnings.only(given, argument, partial(prompts.beginning_with, session, given))
    if found is None:
        raise NotFound(f"There is no prompt version {given}; the address of its page has the id.")
    return found


def _checked(session: Session, draft: OpeningDraft) -> OpeningQuote:
    """Raises everything that would refuse this opening, before anybody is asked; problems by the options' names."""
    try:
        opening.check(session, settings(), draft)
        return opening.quote(session, settings(), draft)
    except Invalid as invalid:
        raise Invalid([Problem(one.message, OPTIONS.get(one.where, one.where)) for one in invalid.problems]) from None


def _confirm(console: Console, quote: OpeningQuote, yes: bool) -> None:
    console.print(
        f"Look {quote.look} of {quote.of} at {thousands(quote.examples)} sealed examples: {thousands(quote.calls)} calls, "
        f"{money(quote.cost)} at most. It counts and cannot be undone."
    )
    if quote.may_stop:
        console.print(quote.may_stop, style="yellow")
    if quote.repeats:
        known = quote.repeats.campaign_id or quote.repeats.id
        said = f"Look {quote.repeats.number} compared these two prompts on this model already: agon report {known}"
        console.print(said, style="yellow")
    if yes:
        return
    if not sys.stdin.isatty():
        raise Invalid([Problem("add --yes where nobody can be asked", "--yes")])
    typer.confirm("Open the holdout?", abort=True)


def _wait(database: Database, opening_id: str, console: Console) -> OpeningView:
    """Follow both prompts until the report is there, or nothing goes on before a person does something."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("answering the holdout", total=1)
        while True:
            with database.read() as session:
                view = report_views.opening_view(session, opening_id)
            total = sum(one.total for one in view.runs)
            progress.update(task, completed=sum(one.done for one in view.runs), total=total)
            if view.report is not None or view.rests:
                return view
            time.sleep(POLL_SECONDS)


def _what_waits(view: OpeningView) -> str:
    """Which prompt's answers wait for a person, why, and the command that lets them go on."""
    waiting = [one for one in view.runs if one.status in report_views.RESTING]
    told = [f"v{one.version}: {one.note} {goes_on(one.id, one.status)}" for one in waiting]
    return "\n".join([f"There is no report yet: {view.standing}", *told])
