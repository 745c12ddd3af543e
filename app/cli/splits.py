"""`agon splits`: how a labelled file would be split, which ways there are and why, and what its splits could show."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from app.cli.inputs import read_bytes
from app.cli.options import by_option, takes_choices
from app.cli.outputs import writable, write
from app.cli.terminals import terminal
from app.errors import Invalid
from app.services import previewing
from app.services.importing import Choices
from app.services.previewing import Filled, Preview
from app.services.projects import ProjectDraft
from app.settings import settings

WAYS = {
    "stratified": "by class", "random": "by chance", "grouped": "in groups", "out_of_time": "out of time",
    "folds": "repeated k-fold", "nested": "nested",
}  # fmt: skip


@takes_choices
def show(
    choices: Choices,
    file: Annotated[Path, typer.Argument(help="labelled examples, .jsonl or .csv")],
    json_out: Annotated[Path | None, typer.Option("--json", help="write everything here")] = None,
) -> None:
    """Show how a file would be split, and which other ways there are; nothing is kept."""
    writable(json_out, "--json")
    console = terminal(140, soft_wrap=True)
    with console.status("reading the file"):
        preview = _read(file, choices)
    write(json_out, "--json", json.dumps(asdict(preview), ensure_ascii=False, indent=2) + "\n")
    _print(preview, console)


def _read(file: Path, choices: Choices) -> Preview:
    """Raises Invalid with everything that is wrong with the file, or a choice that it does not allow."""
    now = settings()
    draft = ProjectDraft("", "", "accuracy", now.smallest_gain, "")
    try:
        preview = previewing.read(now, read_bytes(file, now), file.name, Filled(draft, choices))
    except Invalid as invalid:
        raise by_option(invalid) from invalid
    if not preview.checked:
        seen = ", ".join(preview.columns)
        raise Invalid(
            f"Which column holds what cannot be told; add --input-column and --label-column. There are {seen}."
        )
    return preview


def _print(preview: Preview, console: Console) -> None:
    split = preview.split
    console.print(f"{preview.examples:,} examples of {preview.row_count:,} rows", _columns(preview), sep="; ")
    if preview.conflicts:
        said = (
            f"{preview.conflict_rows:,} rows have the same text and different answers: an import refuses or drops them"
        )
        console.print(said, style="yellow")
    if split.problem:
        raise Invalid(split.problem)
    console.print(_sizes(split.sizes, split.outlook, split.left_out))
    table = Table(title=f"Used here: {WAYS[split.plan['kind']]}", title_justify="left")
    for column in ("way to split", "for this file", "why"):
        table.add_column(column)
    for one in split.suggestions:
        table.add_row(WAYS[one["way"]], one["state"], one["why"])
    console.print(table)
    for remark in split.remarks:
        console.print(remark)
    if not split.compared:
        console.print("The file is large: near-duplicates are looked for when it is imported.")


def _columns(preview: Preview) -> str:
    known = {"input": preview.input, "answer": preview.label, "group": preview.group, "time": preview.time}
    return ", ".join(f"{name} column {value}" for name, value in known.items() if value)


def _sizes(sizes: dict[str, int], outlook: dict[str, Any], left_out: int) -> str:
    told = [f"train {sizes.get('train', 0):,}"]
    for name, shown in outlook.items():
        least = (
            f"shows gains from {100 * shown['detectable']:.1f} points"
            if shown["detectable"]
            else "too few for any gain"
        )
        told.append(f"{name} {shown['n']:,}" + (f" ({least})" if shown["n"] else ""))
    return ", ".join(told) + (f"; {left_out:,} left out" if left_out else "")
