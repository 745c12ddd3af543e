"""Files that commands read: a labelled set, a prompt."""

from pathlib import Path

from app.cli.options import by_option
from app.errors import Invalid, Problem
from app.services import importing
from app.services.importing import Choices, Prepared
from app.settings import Settings


def read_text(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        text = path.read_text(encoding="utf-8-sig")
        if not text.strip():
            raise Invalid([Problem("is empty; it must hold a prompt with {{input}}", str(path))])
        return text
    except OSError as fault:
        raise Invalid([Problem(f"cannot be read: {fault.strerror}", str(path))]) from None
    except UnicodeDecodeError as fault:
        raise Invalid([Problem(f"is no UTF-8 text: {fault.reason} at byte {fault.start + 1:,}", str(path))]) from None


def read_bytes(path: Path, now: Settings) -> bytes:
    try:
        if path.stat().st_size > now.max_upload_bytes:
            raise Invalid([Problem(f"is larger than {now.max_upload_bytes} bytes", str(path))])
        return path.read_bytes()
    except OSError as fault:
        raise Invalid([Problem(f"cannot be read: {fault.strerror}", str(path))]) from None


def labelled(data: bytes, name: str, now: Settings, choices: Choices, prompt: str) -> Prepared:
    """A labelled file, ready to be saved. Raises Invalid with everything that is wrong with it."""
    try:
        return importing.prepare(now, data, name, choices, prompt)
    except Invalid as invalid:
        raise by_option(invalid) from invalid
