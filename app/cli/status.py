"""`agon status`: workers, queue and stuck work in the terminal."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from app.cli.opening import opened
from app.cli.terminals import terminal
from app.jobs import Poker
from app.services import operations
from app.services.operations import Doing, Operations
from app.settings import settings


def show(as_json: Annotated[bool, typer.Option("--json", help="print JSON instead of tables")] = False) -> None:
    """Show workers, queue and stuck work; exit 1 when something is stuck or no worker lives."""
    found = _look()
    if as_json:
        print(json.dumps(asdict(found), default=_text, ensure_ascii=False, indent=2))
    else:
        _print(found, terminal())
    if found.stuck or not found.alive:
        raise typer.Exit(1)


def _look() -> Operations:
    now = settings()
    with opened() as database, database.read() as session:
        return operations.view(session, Poker(now).alive(), operations.limits_in_force(session, now))


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _print(found: Operations, console: Console) -> None:
    rows = [
        (one.name, one.state, one.role, _names(one.doing), _seconds(found.at, one.seen_at), _mb(one.memory_mb))
        for one in found.workers
    ]
    _table(console, "Workers", ("worker", "state", "takes", "does now", "seen", "memory"), rows)
    queues = [(one.name, str(one.due + one.lost), str(one.running), str(one.waiting)) for one in found.queues]
    _table(console, "Queue", ("jobs", "due", "running", "put off"), queues)
    calls = sum(minute.calls for minute in found.minutes)
    console.print(f"{calls} calls in the last {len(found.minutes)} minutes; {found.minutes[-1].calls} in the last one.")
    for one in found.stuck:
        console.print(f"stuck: {one.about.text}: {one.reason} {one.advice}", style="bold")
    if not found.stuck:
        console.print("Nothing is stuck." if found.alive else "Nothing is stuck, but no worker lives: agon worker.")


def _table(console: Console, title: str, columns: Iterable[str], rows: Iterable[tuple[str, ...]]) -> None:
    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _names(doing: Iterable[Doing]) -> str:
    return ", ".join(one.subject.text for one in doing) or "nothing"


def _seconds(at: datetime, seen: datetime) -> str:
    return f"{max(0.0, (at - seen).total_seconds()):.0f} s ago"


def _mb(memory: int | None) -> str:
    return f"{memory} MB" if memory else "–"
