"""`agon improve` and the demo: a labelled file in, a better prompt or an honest no out."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from app.cli.inputs import labelled, read_bytes, read_text
from app.cli.opening import use_database
from app.cli.options import takes_choices
from app.cli.outputs import writable, write
from app.cli.paying import buying_words, confirm
from app.cli.printing import print_report
from app.cli.rule import apply, graders
from app.cli.stack import DRIVERS, pools_that_answer, stack, wait_for_web
from app.cli.terminals import terminal
from app.cli.watching import watch
from app.demo.labelled import DEMO_FILE
from app.domain.goals import parse_goals, written
from app.errors import EndpointFailure
from app.jobs import Poker
from app.services import catalogue, importing, report_data
from app.services.commanding import Command, Seats, begin, paid, resolve
from app.services.importing import Choices, Prepared
from app.settings import Settings, settings
from app.storage.base import MOST
from app.storage.campaigns import Campaign
from app.storage.endpoints import Endpoint
from app.storage.session import Database

DEMO_LATENCY = 0.25
DEMO_DESCRIPTION = (
    "Sort messages to the support bot of an online shop, in English and Russian: ordinary requests, attempts to draw the "
    "bot into politics, and attempts to get at its hidden instructions."
)


@takes_choices
def improve(
    choices: Choices,
    file: Annotated[Path, typer.Argument(help="labelled examples, .jsonl or .csv")],
    goal: Annotated[str, typer.Option(help="such as macro_f1 or recall[spam] at precision>=0.9")] = "accuracy",
    prompt: Annotated[Path | None, typer.Option(help="file with the start prompt; it must hold {{input}}")] = None,
    task_model: Annotated[str, typer.Option(help="PROVIDER/NAME that answers")] = catalogue.DEFAULT_TASK_MODEL,
    generators: Annotated[str, typer.Option(help="PROVIDER/NAME,... that write prompts")] = "",
    max_calls: Annotated[
        int | None, typer.Option(min=1, max=MOST, help="requests bought at most, retries included")
    ] = None,
    max_tokens: Annotated[int | None, typer.Option(min=0, help="tokens bought at most, in and out")] = None,
    max_cost: Annotated[float | None, typer.Option(min=0, max=MOST, help="money spent at most, such as 2.50")] = None,
    rounds: Annotated[int | None, typer.Option(min=0, max=MOST, help="rounds at most; 0 sets no end to them")] = None,
    smallest_gain: Annotated[float | None, typer.Option(help="a smaller difference does not matter")] = None,
    seed: Annotated[int, typer.Option(min=0, max=MOST, help="of everything the campaign draws")] = 0,
    json_out: Annotated[Path | None, typer.Option("--json", help="write the report here")] = None,
    database_url: Annotated[str, typer.Option(help="another database than the embedded one")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="do not ask before paid calls")] = False,
) -> None:
    """Improve a prompt on a labelled file, and prove it on a holdout."""
    now = use_database(database_url)
    command = Command(
        goal=written(parse_goals(goal)),
        prompt=read_text(prompt),
        task_model=task_model,
        generators=tuple(name.strip() for name in generators.split(",") if name.strip()),
        max_calls=now.max_calls if max_calls is None else max_calls,
        rounds=now.rounds if rounds is None else rounds,
        smallest_gain=now.smallest_gain if smallest_gain is None else smallest_gain,
        seed=seed,
        split_seed=choices.split_seed,
        input_column=choices.input_column,
        label_column=choices.label_column,
        on_conflict=choices.on_conflict,
        kind=choices.kind or None,
        group_column=choices.group_column or None,
        time_column=choices.time_column or None,
        plan=choices.plan or None,
        dev_share=choices.dev_share,
        holdout_share=choices.holdout_share,
        rule=dict(choices.rule) or None,
        max_tokens=max_tokens,
        max_cost=None if max_cost is None else round(max_cost * 1_000_000),
    )
    _check(command, json_out)
    console = terminal(140, soft_wrap=True)
    with console.status("reading the file"):
        data = read_bytes(file, now)
        prepared = labelled(data, file.name, now, choices, command.prompt)
    with stack(now) as database:
        campaign = _run(now, database, console, command, data, prepared, file.stem, yes)
        _finish(database, campaign, console, json_out)


def demo() -> None:
    """Run the demo campaign on the practice models, then serve until Ctrl-C."""
    import signal

    now, console = settings(), terminal(140, soft_wrap=True)
    data = DEMO_FILE.read_bytes()
    command = Command(
        goal="accuracy", prompt="", task_model=catalogue.DEFAULT_TASK_MODEL, generators=(), max_calls=now.max_calls,
        rounds=now.rounds, smallest_gain=now.smallest_gain, seed=0, split_seed=0, input_column="input",
        label_column="label", on_conflict="refuse",
    )  # fmt: skip
    prepared = importing.prepare(now, data, DEMO_FILE.name, Choices("input", "label", "refuse", 0))
    with stack(now, web=True, latency=now.practice_latency or DEMO_LATENCY) as database:
        address = wait_for_web(now)
        console.print(f"Agon serves on {address}")
        done = _finished(database, command.key(data))
        if done is None:
            console.print("The practice models are simulated: this shows how Agon works, not how models compare.")
            done = _run(now, database, console, command, data, prepared, "Support bot demo", True, DEMO_DESCRIPTION)
        _finish(database, done, console, None)
        console.print(f"See it on {address}/campaigns/{done.id} (Ctrl-C ends Agon)")
        signal.pause()


def _finished(database: Database, key: str) -> Campaign | None:
    from app.storage import campaigns

    with database.read() as session:
        return campaigns.finished(session, key)


def _run(
    now: Settings,
    database: Database,
    console: Console,
    command: Command,
    data: bytes,
    prepared: Prepared,
    name: str,
    yes: bool,
    description: str = "",
) -> Campaign:
    with database.write() as session:
        seats = resolve(session, command.task_model, command.generators)
        grading = graders(session, prepared, command.rule or {})
    if (seats.paid or paid(grading)) and not yes:
        _confirm(now, database, command, seats, prepared, grading)
    apply(database, console, prepared, command.rule or {})
    with database.write() as session:
        campaign, job_id, resumed = begin(session, now, command, command.key(data), prepared, seats, name, description)
    console.print(f"{'Going on with' if resumed else 'Starting'} campaign {campaign.number} of {name}")
    if _spent(database, campaign):
        said = (
            "The holdout is spent: nothing will confirm the dev score, and the verdict will be “not enough evidence”."
        )
        console.print(said, style="yellow")
    poker = Poker(now)
    poker.poke(job_id)
    return watch(
        database, campaign.id, console, lambda: poker.poke(job_id), lambda: DRIVERS in pools_that_answer(database)
    )


def _spent(database: Database, campaign: Campaign) -> bool:
    from app.storage import openings, test_sets

    with database.read() as session:
        return openings.is_spent(session, test_sets.get_version(session, campaign.version_id), campaign.id)


def _confirm(
    now: Settings,
    database: Database,
    command: Command,
    seats: Seats,
    prepared: Prepared,
    grading: Sequence[Endpoint] = (),
) -> None:
    from app.services import capping, pricing
    from app.services.capping import Caps

    with database.read() as session:
        work = pricing.work_of_file(session, prepared, command.prompt)
    limits = command.max_calls, command.rounds
    cost = pricing.at_most(now, work, seats.task, seats.generators, *limits, *grading)
    cost = capping.at_most(cost, Caps(cost=command.max_cost), [])
    confirm(buying_words(command.max_calls, [*seats.paid, *paid(grading)], cost))


def _finish(database: Database, campaign: Campaign, console: Console, json_out: Path | None) -> None:
    if campaign.status == "paused":
        raise EndpointFailure(campaign.note or "The campaign was paused; the same command goes on with it.")
    report = report_data.told(campaign)
    write(json_out, "--json", json.dumps(report, ensure_ascii=False, indent=2) + "\n")
    print_report(report, console, report["task_model"].startswith(f"{catalogue.PRACTICE}/"))
    console.print(f"Its holdout report: agon report {campaign.id}")


def _check(command: Command, json_out: Path | None) -> None:
    from app.services.projects import ProjectDraft, check

    writable(json_out, "--json")
    check(ProjectDraft("x", "", command.goal, command.smallest_gain, command.prompt))
