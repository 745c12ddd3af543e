"""What is said and asked before a command buys anything."""

import sys
from collections.abc import Sequence

import typer

from app.errors import Invalid
from app.storage.endpoints import Endpoint


def buying_words(calls: int, sellers: Sequence[Endpoint], cost: int | None) -> str:
    """What may be bought from whom, and for how much at most, in millionths of money."""
    unknown = "unknown, because a price per token is missing, or a limit on replies"
    local = "nothing, as a server of your own sends no bill; one that passes calls on may"
    price = unknown if cost is None else f"${cost / 1_000_000:,.2f} at most" if cost else local
    names = ", ".join(endpoint.full_name for endpoint in dict.fromkeys(sellers))
    return f"This may buy {calls:,} calls from {names}. Price: {price}."


def confirm(said: str) -> None:
    """Ask whether to go on with what costs money. Raises Invalid where nobody can be asked."""
    typer.echo(said)
    if not sys.stdin.isatty():
        raise Invalid("Nobody can be asked here whether to go on: add --yes to buy these calls.")
    if not typer.confirm("Go on?"):
        raise typer.Exit(0)
