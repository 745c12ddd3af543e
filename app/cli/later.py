"""Commands whose modules are loaded when they are used: all of them together take a second and a half."""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

LATER = {
    "improve": ("improve", "improve"),
    "demo": ("improve", "demo"),
    "evaluate": ("evaluate", "evaluate"),
    "compare": ("compare", "show"),
    "thresholds": ("thresholds", "show"),
    "open-holdout": ("reports", "open_holdout"),
    "report": ("reports", "report"),
    "splits": ("splits", "show"),
    "add-rows": ("rows", "add"),
    "runs": ("runs", "show_open"),
    "run": ("runs", "follow"),
    "status": ("status", "show"),
    "endpoints": ("endpoints", "app"),
    "rotate-keys": ("endpoints", "rotate_keys"),
}


class Commands(TyperGroup):
    """The commands of `LATER`, then those that were declared."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*LATER, *super().list_commands(ctx)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return _loaded(cmd_name) if cmd_name in LATER else super().get_command(ctx, cmd_name)


def _loaded(name: str) -> Any:
    module, attribute = LATER[name]
    found = getattr(import_module(f"app.cli.{module}"), attribute)
    if isinstance(found, typer.Typer):
        command: Any = get_group(found)
    else:
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        alone.command(name)(found)
        command = get_command(alone)
    command.name = name
    return command
