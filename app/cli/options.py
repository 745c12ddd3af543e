"""The options that commands on a labelled file share: how the file is read, split, and compared."""

import inspect
from collections.abc import Callable, Container
from functools import wraps
from typing import Annotated, Any

import typer

from app.domain.rules import ALL
from app.errors import Invalid, Problem
from app.services.importing import Choices
from app.storage.base import MOST

ROLES = ("input", "label", "group", "time")  # of columns


def choices(
    split_seed: Annotated[int, typer.Option(min=0, max=MOST, help="of train, dev and holdout")] = 0,
    input_column: Annotated[str, typer.Option(help="column of the text; guessed when empty")] = "",
    label_column: Annotated[str, typer.Option(help="column of the answer; guessed when empty")] = "",
    on_conflict: Annotated[str, typer.Option(help="same text, different answers: refuse or drop")] = "refuse",
    kind: Annotated[str, typer.Option(help="of the answers: label, labels, fields, number, text; else guessed")] = "",
    group_column: Annotated[str, typer.Option(help="rows that stay together; guessed when empty, - for none")] = "",
    time_column: Annotated[str, typer.Option(help="when a row came to be; guessed when empty, - for none")] = "",
    plan: Annotated[str, typer.Option(help="stratified, grouped, out_of_time, random; else what suits")] = "",
    dev_share: Annotated[
        float | None, typer.Option(help="such as 0.2; dev has at most AGON_DEV_LIMIT examples")
    ] = None,
    holdout_share: Annotated[float | None, typer.Option(help="such as 0.3; else what suits the size")] = None,
    match: Annotated[
        str | None,
        typer.Option(help="texts: exact, contains, regex, or graded: similarity, facts, criterion, preference"),
    ] = None,
    separated: Annotated[bool | None, typer.Option(help="texts: | stands between several right answers")] = None,
    criterion: Annotated[str | None, typer.Option(help="texts: what a judge looks at")] = None,
    grader: Annotated[str | None, typer.Option(help="texts: PROVIDER/NAME that grades them")] = None,
    right_from: Annotated[str | None, typer.Option(help="texts: the grade from which one is right, 0 to 1")] = None,
    tolerance: Annotated[str | None, typer.Option(help="numbers: by how much a right one may differ")] = None,
    relative: Annotated[bool | None, typer.Option(help="numbers: the tolerance is a share of the right one")] = None,
    comma: Annotated[bool | None, typer.Option(help="numbers: 1,234 is 1.234")] = None,
    percent_as_share: Annotated[bool | None, typer.Option(help="numbers: 18 % is 0.18")] = None,
) -> Choices:
    """What was chosen of a file. Raises Invalid naming the option."""
    if on_conflict not in ("refuse", "drop"):
        raise Invalid([Problem("must be refuse or drop", "--on-conflict")])
    given = locals()
    rule = {name: given[name] for name in ALL if given[name] is not None}
    columns = (input_column, label_column, on_conflict, split_seed, kind, (), group_column, time_column)
    return Choices(*columns, plan=plan, dev_share=dev_share, holdout_share=holdout_share, rule=rule)


def takes_choices(command: Callable[..., None]) -> Callable[..., None]:
    """Replace a command's `choices` by an option for each of them."""
    own = inspect.signature(command).parameters
    shared = inspect.signature(choices).parameters

    @wraps(command)
    def run(**given: Any) -> None:
        command(
            **{name: value for name, value in given.items() if name in own},
            choices=choices(**{name: value for name, value in given.items() if name in shared}),
        )

    parameters = [*(one for name, one in own.items() if name != "choices"), *shared.values()]
    run.__signature__ = inspect.Signature([one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in parameters])  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    return run


def by_option(invalid: Invalid) -> Invalid:
    """The same problems, those of an option under the name that it has here."""
    known = inspect.signature(choices).parameters
    return Invalid([Problem(one.message, _option(one.where, known)) for one in invalid.problems])


def _option(where: str, known: Container[str]) -> str:
    name = f"{where}_column" if where in ROLES else where
    return f"--{name.replace('_', '-')}" if name in known else where
