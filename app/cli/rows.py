"""`agon add-rows` adds the rows of a file to a project's test set, as a new version of it."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli.opening import opened
from app.cli.options import by_option
from app.cli.terminals import terminal
from app.errors import Invalid, Problem
from app.services import growing
from app.services.preparing import Choices
from app.settings import settings


def add(
    project: Annotated[str, typer.Argument(metavar="PROJECT", help="its id, as its page's address has it")],
    file: Annotated[Path, typer.Argument(help="labelled examples, .jsonl or .csv")],
    replace: Annotated[bool, typer.Option("--replace", help="rows that the file does not have leave the set")] = False,
    input_column: Annotated[str, typer.Option(help="column of the text; guessed when empty")] = "",
    label_column: Annotated[str, typer.Option(help="column of the answer; guessed when empty")] = "",
    on_conflict: Annotated[str, typer.Option(help="same text, different answers: refuse or drop")] = "refuse",
) -> None:
    """Add rows to a test set: old ones keep their split, new ones follow its plan."""
    if on_conflict not in ("refuse", "drop"):
        raise Invalid([Problem("must be refuse or drop", "--on-conflict")])
    try:
        data = file.read_bytes()
    except OSError as fault:
        raise Invalid([Problem(f"cannot be read: {fault.strerror}", str(file))]) from None
    choices = Choices(input_column, label_column, on_conflict, add_to=project, replace=replace)
    with opened() as database:
        with database.read() as session:
            found = growing.standing(session, project)
        try:
            prepared = growing.prepare(settings(), found, data, file.name, choices)
        except Invalid as invalid:
            raise by_option(invalid) from invalid
        with database.write() as session:
            growing.save(session, found, prepared)
    told, sizes = prepared.changes, prepared.sizes
    new = prepared.labels[len(found.answers.names) :]
    console = terminal(soft_wrap=True)
    console.print(", ".join(f"{told[name]:,} {name}" for name in ("added", "relabelled", "removed", "unchanged")))
    console.print(f"train {sizes['train']:,}, dev {sizes['dev']:,}, holdout {sizes['holdout']:,}")
    if new:
        console.print(f"New labels, which prompts do not list yet: {', '.join(new)}")
