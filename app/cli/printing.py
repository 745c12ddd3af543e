"""Prints a campaign's report as a table for people."""

from typing import Any

from rich.console import Console
from rich.table import Table

from app.web.formats import between, money, p_value, score, signed, signed_between

VERDICTS = {
    "better": "better: the new prompt is kept",
    "worse": "worse: the start prompt is kept",
    "tie": "tie: the start prompt is kept",
    "not enough evidence": "not enough evidence: the start prompt is kept",
    "start kept": "start kept: no candidate led on dev, the holdout stays shut",
}


def estimate(value: dict[str, Any] | None) -> str:
    if value is None:
        return "–"
    return f"{score(value['value'])} ({between(value['low'], value['high'])}, n {value['n']:,})"


def print_report(report: dict[str, Any], console: Console, simulated: bool) -> None:
    title = f"{report['project']}: {report['goal']} of {report['task_model']}"
    table = Table(title=title + (" (simulated)" if simulated else ""), title_justify="left")
    table.add_column("prompt")
    table.add_column("dev")
    table.add_column("holdout")
    table.add_row("start", estimate(report["start"]["dev"]), estimate(report["start"]["holdout"]))
    best = report["best"]
    who = f"best, round {best['round']} by {best['generator']}" if best["round"] else "best: the start"
    table.add_row(who, estimate(best["dev"]), estimate(best["holdout"]))
    console.print(table)
    if report["majority_baseline"] is not None:
        console.print(f"Always giving the commonest answer scores {report['majority_baseline']:.3f} on dev.")
    gain = report["gain_on_holdout"]
    if gain is not None:
        console.print(f"Gain on the holdout {_gain(gain)}")
    for one in (report["evidence"] or {}).get("further", ()):
        both = f"start {estimate(one['start'])}, best {estimate(one['best'])}"
        console.print(f"{one['goal']} on the holdout: {both}; {_gain(one['gain'])}")
    console.print(f"Verdict: {VERDICTS[report['verdict']]}.", style="bold")
    if miss := report["missed"]:
        where = "the holdout" if best["holdout"] else "dev"
        console.print(f"The bound {miss} on {where}.", style="yellow")
    _print_generators(report["generators"], console)
    cost = money(None if report["cost"] is None else round(report["cost"] * 1_000_000))
    console.print(
        f"{used_words(report['answers'])} used, {report['calls_paid']} calls bought, {report['tokens']} tokens, "
        f"cost {cost}, {report['seconds']:.0f} s; ended by: {report['stopped_because']}.",
        highlight=False,
    )


def _gain(gain: dict[str, Any]) -> str:
    p = "" if gain["p"] is None else f", p {p_value(gain['p'])}"
    return f"{signed(gain['value'])} ({signed_between(gain['low'], gain['high'])}{p})"


def used_words(answers: dict[str, int]) -> str:
    """Grades apart, which would pass for retries among the calls; reports of an older Agon do not count them."""
    grades = answers.get("grades", 0)
    return f"{answers['total']} answers" + (f" and {grades} grades" if grades else "")


def _print_generators(rows: list[dict[str, Any]], console: Console) -> None:
    table = Table(title="Generators", title_justify="left")
    for column in ("name", "battles", "wins", "ties", "losses", "invalid", "rating", "95 % interval"):
        table.add_column(column, justify="left" if column == "name" else "right", no_wrap=True)
    for row in rows:
        rating = "–" if row["rating"] is None else f"{row['rating']:.0f}"
        interval = "–" if row["low"] is None else f"{row['low']:.0f}–{row['high']:.0f}"
        counts = [str(row[key]) for key in ("battles", "wins", "ties", "losses", "invalid")]
        table.add_row(row["name"], *counts, rating, interval)
    console.print(table)
