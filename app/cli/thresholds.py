"""`agon thresholds` shows what each rule chooses for a class of an evaluation, and freezes it."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from app.cli.opening import opened
from app.cli.outputs import writable, write
from app.cli.terminals import terminal
from app.domain.metrics import Estimate
from app.errors import Conflict, Invalid, Problem
from app.services import comparables, freezing, threshold_views, tuning
from app.services.freezing import FrozenView
from app.services.threshold_facts import Abstaining, Chosen, ThresholdsView
from app.storage.session import Database
from app.web import frozen_words
from app.web.formats import between, score


def show(
    run: Annotated[str, typer.Argument(metavar="RUN", help="its id as agon runs or the page has it, or its beginning")],
    name: Annotated[str, typer.Option("--class", help="a label, a field, or field=value; the goal's when empty")] = "",
    rule: Annotated[str, typer.Option(help='f2, "recall at precision>=0.95", "cost fp=1 fn=5", or a threshold')] = "",
    calibrate: Annotated[str, typer.Option(help="none, temperature, platt or isotonic")] = "",
    every: Annotated[bool, typer.Option("--every", help="freeze a threshold for every class by the rule")] = False,
    abstain: Annotated[bool, typer.Option("--abstain", help="freeze also when to abstain")] = False,
    freeze: Annotated[bool, typer.Option("--freeze", help="keep what the rule chooses with the prompt")] = False,
    out: Annotated[Path | None, typer.Option("--json", metavar="OUT", help="write everything as JSON")] = None,
) -> None:
    """Show the thresholds of an evaluation with probabilities; what was not worked out yet is worked out first."""
    writable(out, "--json")
    if (every or abstain) and not freeze:
        raise Invalid([Problem("says what is frozen; add --freeze", "--every" if every else "--abstain")])
    given = {key: value for key, value in (("class", name), ("rule", rule), ("calibrate", calibrate)) if value}
    console, kept = terminal(), None
    with opened() as database:
        with database.read() as session:
            run_id = comparables.complete_run(session, run)
        view = _view(database, run_id, given)
        if freeze:
            with database.write() as session:
                row = freezing.freeze(session, run_id, given, every=every, abstain=abstain)
                kept = freezing.view(session, row)
    _print(view, console)
    if kept is not None:
        _print_frozen(kept, console)
    told: dict[str, Any] = {**asdict(view), "frozen": kept and asdict(kept)}
    write(out, "--json", json.dumps(told, indent=1, ensure_ascii=False, default=_plain))


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)


def _view(database: Database, run_id: str, given: dict[str, str]) -> ThresholdsView:
    with database.read() as session:
        evaluation = threshold_views.evaluation_of(session, run_id)
        view = threshold_views.thresholds_view(session, run_id, given)
    if view.standing.state not in ("raw", "old"):
        if view.tuned is None:
            raise Conflict(
                "No answer of this evaluation has probabilities; choose an answer format that asks for them."
            )
        return view
    tuning.keep(database, evaluation.id)
    with database.read() as session:
        return threshold_views.thresholds_view(session, run_id, given)


def _print(view: ThresholdsView, console: Console) -> None:
    tuned = view.tuned
    assert tuned is not None
    simulated = " (simulated)" if view.task_model.simulated else ""
    title = f"{tuned.name}: v{view.version} on {view.split}, {view.task_model.name}{simulated}"
    table = Table(title=title, title_justify="left")
    for column in ("rule", "threshold", "precision", "recall", ""):
        table.add_column(column, overflow="fold")
    for one in tuned.rules:
        table.add_row(*_cells(one, one.kind == tuned.chosen.kind))
        if one.optimistic is not None and one.optimistic.threshold != one.at.threshold:
            naive = one.optimistic
            shares = _estimate(naive.precision), _estimate(naive.recall)
            table.add_row("  optimistic", score(naive.threshold, 4), *shares, "the precision seen here, taken for true")
    console.print(table)
    sources = ", ".join(view.standing.sources)
    error, away = tuned.profile.error, tuned.abstaining
    console.print(
        f"{tuned.profile.positives:,} of {tuned.profile.n:,} examples have it; probabilities from {sources}. "
        f"Calibration error {score(error.value)} ({between(error.low, error.high)}; perfect {score(error.perfect)}).",
    )
    console.print(" ".join(_abstaining(away)))
    if tuned.decided is not None:
        both = _estimate(tuned.decided.right), _estimate(tuned.decided.top)
        console.print(f"By all thresholds {both[0]} are right, by the likeliest class alone {both[1]}.")


def _print_frozen(kept: FrozenView, console: Console) -> None:
    console.print(f"Frozen as {kept.id}: {kept.rule} for {', '.join(one.name for one in kept.classes)}.")
    if kept.abstaining is not None:
        console.print("Frozen with it:", *_abstaining(kept.abstaining))


def _abstaining(away: Abstaining) -> Iterator[str]:
    """What a limit on the confidence does, and why there is no better one."""
    yield frozen_words.limit_words(away)
    if away.reason:
        yield frozen_words.reason_words(away)


def _cells(one: Chosen, shown: bool) -> tuple[str, ...]:
    threshold = "never" if one.at.never else score(one.at.threshold, 4)
    mark = "chosen" if shown else ""
    return one.rule, threshold, _estimate(one.at.precision), _estimate(one.at.recall), one.reason or mark


def _estimate(found: Estimate | None) -> str:
    return "–" if found is None else f"{score(found.value)} ({between(found.low, found.high)}, n {found.n:,})"
