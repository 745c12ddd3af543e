"""Checks every entry of a table of reference figures: `python -m tests.reference FILE.json`.

One line an entry, then the methods that are not implemented with the reason. Exit 1 when a figure differs,
2 when the file or an entry's input has another form, 0 otherwise.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from traceback import extract_tb
from typing import Literal

from tests.reference.agreeing import Disagreement, NotOffered
from tests.reference.entries import Entry, WrongShape, read
from tests.reference.matching import Matching, match
from tests.reference.methods import HELD, METHODS, NOT_YET

Status = Literal["ok", "MISMATCH", "not compared", "not offered", "unreadable"]
UNKNOWN = "no method of this name is known here"


@dataclass(frozen=True)
class Checked:
    """What became of one entry, and why, in words."""

    entry: Entry
    status: Status
    why: str

    @property
    def line(self) -> str:
        """The entry's line of the report."""
        return f"{self.status:<12} {self.entry.place:>3} {self.entry.method}: {self.why}"


def check(entry: Entry) -> Checked:
    """Compares one entry with what our method gives."""
    if entry.method in HELD:
        return _held(entry)
    if entry.method not in METHODS:
        return Checked(entry, "not offered", NOT_YET.get(entry.method, UNKNOWN))
    try:
        found = METHODS[entry.method](entry.given, entry.wanted)
    except NotOffered as missing:
        return Checked(entry, "not offered", str(missing))
    except Disagreement as trouble:
        return Checked(entry, "MISMATCH", str(trouble))
    except KeyError as trouble:
        return Checked(entry, "unreadable", f"the input lacks {trouble}")
    except (ValueError, TypeError, IndexError, AttributeError, ArithmeticError) as trouble:
        return Checked(entry, "unreadable", f"the input cannot be used: {trouble}")
    return _judged(entry, match(found, entry.wanted, entry.tolerance))


def _held(entry: Entry) -> Checked:
    try:
        HELD[entry.method](entry.given, entry.wanted, entry.tolerance)
    except AssertionError as trouble:
        told = extract_tb(trouble.__traceback__)[-1]
        return Checked(entry, "MISMATCH", f"this does not hold: {told.line} (tolerance {entry.tolerance:g})")
    except KeyError as trouble:
        return Checked(entry, "unreadable", f"the entry lacks {trouble}")
    except (ValueError, TypeError, IndexError, AttributeError, ArithmeticError) as trouble:
        return Checked(entry, "unreadable", f"the input cannot be used: {trouble}")
    return Checked(entry, "ok", "all that is expected")


def _judged(entry: Entry, matching: Matching) -> Checked:
    left_out = f"; not compared: {', '.join(matching.left_out)}" if matching.left_out else ""
    if matching.different:
        return Checked(entry, "MISMATCH", "; ".join(matching.different) + f" (tolerance {entry.tolerance:g}){left_out}")
    if not matching.compared:
        return Checked(entry, "not compared", f"nothing that is expected is known here{left_out}")
    return Checked(entry, "ok", f"{', '.join(matching.compared)}{left_out}")


def report(checked: Sequence[Checked]) -> str:
    """A line an entry, the methods that are not implemented, and the sums."""
    lines = [one.line for one in checked]
    unknown = {one.entry.method: UNKNOWN for one in checked if one.entry.method not in METHODS | HELD}
    lines += ["", "Not implemented:", *(f"  {method}: {why}" for method, why in sorted((unknown | NOT_YET).items()))]
    counts = Counter(one.status for one in checked)
    return "\n".join([*lines, "", ", ".join(f"{count} {status}" for status, count in counts.items())])


def exit_code(checked: Sequence[Checked]) -> int:
    """1 for a mismatch, else 2 for an input that could not be used, else 0."""
    found = {one.status for one in checked}
    return 1 if "MISMATCH" in found else 2 if "unreadable" in found else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Checks the file that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m tests.reference", description=__doc__)
    parser.add_argument("file", type=Path, help="JSON: a list of entries")
    try:
        entries = read(parser.parse_args(arguments).file)
    except WrongShape as trouble:
        print(trouble, file=sys.stderr)
        return 2
    checked = [check(entry) for entry in entries]
    print(report(checked))
    return exit_code(checked)


if __name__ == "__main__":
    sys.exit(main())
