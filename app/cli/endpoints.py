"""`agon endpoints`: which models there are and what one of them can do; `agon rotate-keys`: their keys, encrypted anew."""

from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy.orm import Session

from app.cli.opening import opened
from app.cli.terminals import terminal
from app.domain.capabilities import findings, missing
from app.domain.roles import DOES
from app.errors import AgonError, NotFound
from app.services import casting, rekeying, trying
from app.services.trying import Trial
from app.settings import settings
from app.storage import endpoints
from app.storage.endpoints import Endpoint

app = typer.Typer(invoke_without_command=True, help="List the models, test one of them, or say what it does.")


ANY = "any"


@app.callback()
def listing(context: typer.Context) -> None:
    """List the models with what each cannot do."""
    if context.invoked_subcommand:
        return
    table = Table("model", "role", "tested", "lacks")
    with opened() as database, database.read() as session:
        for endpoint in endpoints.listed(session):
            table.add_row(endpoint.full_name, endpoint.role or ANY, _tested(endpoint), _lacks(endpoint))
    terminal().print(table)


@app.command()
def test(name: Annotated[str, typer.Argument(metavar="PROVIDER/NAME")]) -> None:
    """Find out with a few small calls what a model can do."""
    with opened() as database:
        with database.read() as session:
            endpoint = _named(session, name)
        _print(trying.attempt(database, settings(), endpoint.id))


@app.command("role")
def change_role(
    name: Annotated[str, typer.Argument(metavar="PROVIDER/NAME")],
    role: Annotated[str, typer.Argument(help=f"task, generator, judge, embedder, or {ANY} for all but the last")],
) -> None:
    """Say what a model does: it is offered for that alone."""
    with opened() as database, database.write() as session:
        changed = casting.change_role(session, _named(session, name).id, "" if role == ANY else role)
        told = f"{changed.full_name} {DOES[changed.role]}."
    terminal().print(told)


def _named(session: Session, name: str) -> Endpoint:
    endpoint = endpoints.named(session, name)
    if endpoint is None:
        raise NotFound(f"There is no model {name}; agon endpoints lists those there are.")
    return endpoint


def rotate_keys() -> None:
    """Encrypt every stored key anew with the first secret in AGON_SECRET_KEY."""
    with opened() as database, database.write() as session:
        rotated = rekeying.rotate_keys(session, settings())
    keys = "1 key is" if rotated.count == 1 else f"{rotated.count} keys are"
    terminal().print(f"{keys} encrypted with the first secret now.")
    if rotated.unreadable:
        names = ", ".join(rotated.unreadable)
        raise AgonError(
            f"None of the secrets in AGON_SECRET_KEY opens the stored key of {names}. Add the secret that it was stored "
            "under after a comma and run this again, or enter the key again on the Endpoints page."
        )


def _tested(endpoint: Endpoint) -> str:
    if endpoint.failed_at:
        return "does not answer"
    return f"{endpoint.probed_at:%d %b %Y}" if endpoint.probed_at else "not yet"


def _lacks(endpoint: Endpoint) -> str:
    if endpoint.failed_at:
        return endpoint.failure
    return ", ".join(one.name for one in findings(endpoint.can) if one.state == "no")


def _print(trial: Trial) -> None:
    console = terminal()
    simulated = " (simulated)" if trial.simulated else ""
    console.print(f"{trial.endpoint}{simulated} answers, in {trial.latency_ms} ms.", style="bold")
    table = Table("", "", "", show_header=False)
    for one in findings(trial.capabilities):
        table.add_row(one.name, one.state, one.words)
    console.print(table)
    lacks = len(missing(trial.capabilities))
    counted = "1 thing is" if lacks == 1 else f"{lacks or 'no'} things are"
    calls = "1 call" if trial.calls == 1 else f"{trial.calls} calls"
    console.print(f"{calls}; {counted} missing.")
