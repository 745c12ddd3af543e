"""`agon compare`: two evaluations or more on the examples that they share, as a table, as JSON, row by row as CSV."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from app.cli.opening import opened
from app.cli.outputs import writable, write, write_lines
from app.cli.terminals import terminal
from app.domain.metrics import Estimate
from app.services import aligning, comparables, comparing
from app.services.comparables import Chosen, Side
from app.services.comparing import Comparison, ComparisonView
from app.services.tried import Tried
from app.storage import projects
from app.storage.comparisons import Wanted
from app.storage.session import Database
from app.web import sheets
from app.web.formats import between, p_value, score, signed, signed_between


def show(
    ids: Annotated[
        list[str], typer.Argument(metavar="A B...", help="evaluations or runs, by id or its beginning; A is the base")
    ],
    json_out: Annotated[Path | None, typer.Option("--json", help="write the numbers here")] = None,
    csv_out: Annotated[Path | None, typer.Option("--csv", help="write the rows of A and B here")] = None,
) -> None:
    """Compare evaluations on the examples that they share: which is better, and what the rows can show."""
    writable(json_out, "--json")
    writable(csv_out, "--csv")
    with opened() as database:
        with database.read() as session:
            chosen = comparables.chosen(session, [comparables.complete(session, one) for one in ids])
            view = comparing.compared(session, chosen).view
        write(json_out, "--json", json.dumps(asdict(view), ensure_ascii=False, indent=2) + "\n")
        if csv_out is not None:
            _write_rows(database, chosen, csv_out)
    _print(view, terminal())


def _write_rows(database: Database, chosen: Chosen, path: Path) -> None:
    with database.read() as session:
        project = projects.get(session, chosen.project_id)
    rows = aligning.in_batches(database, chosen, project, Wanted())
    write_lines(path, "--csv", sheets.compared(chosen.sides, rows))


def _print(view: ComparisonView, console: Console) -> None:
    for side in view.sides:
        console.print(f"{side.letter}  {_named(side)}")
    table = Table(title=f"{view.project}: {view.goal}, each against A", title_justify="left")
    for column in ("", "A", "score", "minus A", "p", "fixed", "broken", "both right", "both wrong", "unreadable"):
        table.add_column(column, justify="left" if column in ("", "A", "score", "minus A") else "right")
    for one in view.comparisons:
        table.add_row(*_cells(one))
    console.print(table)
    if any(one.further for one in view.comparisons):
        console.print(_further(view))
    for one in view.comparisons:
        for sentence in sentences(view, one):
            console.print(sentence, style="bold" if sentence.startswith("Verdict") else "")


def _further(view: ComparisonView) -> Table:
    """The goals beside the first, which alone the verdict rests on."""
    title = f"Further goals; the verdict rests on {view.goal}, and p is that of one goal alone"
    table = Table("goal", "", "A", "score", "minus A", "p", title=title, title_justify="left")
    for one in view.comparisons:
        for by in one.further:
            d = by.difference
            gap = f"{signed(d.value)} ({signed_between(d.low, d.high)})"
            table.add_row(by.goal, one.other, _estimate(by.base_score), _estimate(by.other_score), gap, p_value(d.p))
    return table


def _named(side: Side) -> str:
    simulated = " (simulated)" if side.task_model.simulated else ""
    said = ", still being answered" if side.going else ""
    said += f", {side.samples} answers to each example" if side.samples > 1 else ""
    return (
        f"v{side.version} on {side.task_model.name}{simulated}, {side.split}, evaluation {side.run_id or side.id}{said}"
    )


def _cells(one: Comparison) -> tuple[str, ...]:
    d, found = one.difference, one.counts
    gap = f"{signed(d.value)} ({signed_between(d.low, d.high)})" if d else "–"
    counted = (found.fixed, found.broken, found.both_right, found.both_wrong, found.unreadable)
    return (
        one.other,
        _estimate(one.base_score),
        _estimate(one.other_score),
        gap,
        p_value(one.p_holm),
        *(f"{n:,}" for n in counted),
    )


def _estimate(found: Estimate | None) -> str:
    return "–" if found is None else f"{score(found.value)} ({between(found.low, found.high)}, n {found.n:,})"


def sentences(view: ComparisonView, one: Comparison) -> Iterator[str]:
    """What the comparison comes to, and what so many rows can show, in words."""
    if one.verdict is None:
        yield one.note
        return
    said = {"better": f"{one.other} is better than {one.base}", "worse": f"{one.other} is worse than {one.base}"}
    adjusted = f", p adjusted for {len(view.comparisons)} comparisons" if len(view.comparisons) > 1 else ""
    yield f"Verdict on {one.other}: {said.get(one.verdict, one.verdict)} ({one.test}{adjusted})."
    if one.contradictory:
        yield "p and the interval come by different methods and do not agree here; a verdict takes both."
    n = one.counts.n
    if one.repeated:
        yield "An example counts once, with the mean of its answers; disagreements and the counts above are of first answers."
    if one.units:
        yield f"Rows of one group are alike: interval and p are drawn from {one.units:,} groups and lone rows, each whole."
    yield f"They disagree on {one.counts.fixed + one.counts.broken:,} of {n:,} rows ({one.discordance:.1%})."
    if one.detectable is not None:
        yield f"With {n:,} rows a difference below {100 * one.detectable:.1f} points in rows right cannot be told from chance."
    if one.rows_needed is not None:
        gap = 100 * abs(one.counts.fixed - one.counts.broken) / n
        yield f"If {gap:.1f} points is the true difference, about {one.rows_needed:,} rows tell the two apart."
    if one.tried:
        yield from _tried(one, one.tried)
    if one.relabelled:
        yield f"{one.relabelled:,} rows expect another answer in {one.other}'s test set version; A's is what counts here."


def _tried(one: Comparison, found: Tried) -> Iterator[str]:
    if found.p is not None:
        yield f"{found.n:,} prompts were tried on these examples: was {one.other} picked as the best of them, p is {p_value(found.p)}."
    if found.base is not None and found.other is not None:
        both = f"{one.base} {score(found.base)}, {one.other} {score(found.other)}"
        yield f"Expected on new data: {both} (pulled towards the mean of the {found.complete:,} that answered every example)."
    elif found.otherwise:
        yield f"{found.otherwise:,} prompts were scored by another goal: evaluate them again, from the store, for scores to expect."
