"""The agon command."""

import signal
from types import FrameType
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.table import Table

from app.cli.later import Commands
from app.cli.terminals import errors, terminal
from app.errors import AgonError, Invalid, Problem
from app.logs import configure
from app.settings import Settings, settings

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Prompt A/B battles on your labelled data.",
)
SECRETS = ("password", "secret_key", "api_token", "openai_api_key")


def main() -> None:
    """Run the command; exit 2 for bad input, 130 on Ctrl-C, never with a traceback for an expected fault."""
    signal.signal(signal.SIGTERM, _end)
    try:
        code = app(standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        raise SystemExit(130) from None
    except (AgonError, ValidationError) as fault:
        said = _settings_problems(fault) if isinstance(fault, ValidationError) else str(fault)
        errors().print(said, style="bold red")
        raise SystemExit(2) from None
    except Exception as fault:
        if hasattr(fault, "show") and hasattr(fault, "exit_code"):
            fault.show()
            raise SystemExit(2) from None
        raise
    raise SystemExit(code if isinstance(code, int) else 0)


def _settings_problems(fault: ValidationError) -> str:
    """Which environment variables cannot be used, and why."""
    return "\n".join(f"AGON_{str(error['loc'][0]).upper()}: {error['msg']}" for error in fault.errors())


def _end(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@app.callback()
def begin() -> None:
    """A command tells people what matters by itself; what it logs beside is trouble."""
    configure(settings().model_copy(update={"log_level": "WARNING"}))


@app.command()
def serve() -> None:
    """Serve the pages with a worker and the practice models until Ctrl-C."""
    from app.cli.stack import stack, wait_for_web

    with stack(settings(), web=True):
        print(f"Agon serves on {wait_for_web(settings())} (Ctrl-C ends it)")
        signal.pause()


@app.command()
def web() -> None:
    """Serve the pages and the API alone; worker and practice server run elsewhere."""
    import uvicorn

    from app.ending import end_with_parent

    now = settings()
    configure(now)
    if not end_with_parent():
        from app.cli.stack import offer_alone

        offer_alone(now)
    uvicorn.run(
        "app.main:assemble",
        factory=True,
        host=now.host,
        port=now.port,
        forwarded_allow_ips=list(now.trusted_proxies),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
    )


@app.command()
def worker(
    beat: Annotated[bool, typer.Option(help="also send the ticks that find lost jobs; once per installation")] = True,
    only: Annotated[str, typer.Option(help="drivers or calls: one of the two pools alone, as on machines apart")] = "",
) -> None:
    """Work on jobs, and make calls for them, until it is ended."""
    import os

    from app.cli.stack import CALLERS, DRIVERS, worker_command, workers
    from app.supervisor import Supervisor

    if only not in ("", DRIVERS, CALLERS):
        raise Invalid([Problem(f"must be {DRIVERS} or {CALLERS}", "--only")])
    if only:
        command = worker_command(settings(), only, beat=beat)
        os.execv(command[0], command)  # noqa: S606
    with Supervisor(os.environ, list(workers(settings(), beat=beat, logged=False).values())):
        signal.pause()


@app.command()
def migrate() -> None:
    """Bring the database to the present shape of its tables."""
    from app.storage.migrating import upgrade

    upgrade(settings().effective_database_url)


@app.command()
def practice(
    port: Annotated[int, typer.Option(help="loopback port to listen on")] = 8100,
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    latency: Annotated[float, typer.Option(help="seconds before each answer")] = 0.0,
    rate_limited: Annotated[float, typer.Option(help="share answered 429 with Retry-After")] = 0.0,
    retry_after: Annotated[float, typer.Option(help="seconds that Retry-After asks for")] = 1.0,
    failing: Annotated[float, typer.Option(help="share answered 500")] = 0.0,
    hanging: Annotated[float, typer.Option(help="share never answered")] = 0.0,
    broken: Annotated[float, typer.Option(help="share answered with broken JSON")] = 0.0,
) -> None:
    """Serve the simulated practice models."""
    from app.cli.serving import serve_practice

    serve_practice(host, port, latency, rate_limited, retry_after, failing, hanging, broken)


@app.command("settings")
def show_settings() -> None:
    """List every setting with its value, default and reason."""
    table = Table("variable", "value", "default", "reason")
    now = settings()
    for name, field in Settings.model_fields.items():
        variable = str(field.validation_alias.choices[0]) if field.validation_alias else f"AGON_{name.upper()}"  # type: ignore[union-attr]
        value = getattr(now, name)
        shown = ("set" if value else "") if name in SECRETS else str(value)
        table.add_row(variable, shown, str(field.default), field.description or "")
    terminal(200).print(table)
