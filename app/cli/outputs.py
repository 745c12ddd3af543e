"""Files that options name: whether they can be written, asked before a command does anything that lasts, and written."""

import os
from collections.abc import Iterable
from pathlib import Path

from app.errors import Invalid, Problem


def writable(path: Path | None, option: str) -> None:
    """Raises Invalid naming the option when no file can be written there; leaves nothing behind. None is no file."""
    if path is not None and (problem := _problem(path)):
        raise Invalid([Problem(problem, f"{option} {path}")])


def _problem(path: Path) -> str:
    folder = path.absolute().parent
    try:
        if path.is_dir():
            return "is a folder; name a file in it"
        if not folder.exists():
            return "its folder does not exist; make it first, or name another"
        if not folder.is_dir():
            return f"{folder.name} is a file, not a folder; name another"
        _try(path)
    except OSError as fault:
        return f"cannot be written ({fault.strerror}); name another file"
    return ""


def _try(path: Path) -> None:
    """Open it as a write would, without a change: an old file keeps its text, a new one is removed. Raises OSError."""
    if path.is_file():
        os.close(os.open(path, os.O_WRONLY))
    elif not path.exists():
        new = path.resolve()  # a link that points to no file yet
        os.close(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        new.unlink()


def write(path: Path | None, option: str, written: str | bytes) -> None:
    """Write the file that an option names, if it names one. Raises Invalid, as on a full disk, where that fails."""
    if path is None:
        return
    try:
        path.write_bytes(written.encode() if isinstance(written, str) else written)
    except OSError as fault:
        raise _unwritten(fault, option, path) from None


def write_lines(path: Path, option: str, lines: Iterable[str]) -> None:
    """The same of lines as they come, each with its own end."""
    try:
        with path.open("w", encoding="utf-8", newline="") as out:
            out.writelines(lines)
    except OSError as fault:
        raise _unwritten(fault, option, path) from None


def _unwritten(fault: OSError, option: str, path: Path) -> Invalid:
    return Invalid([Problem(f"cannot be written ({fault.strerror})", f"{option} {path}")])
