"""What stands in an address behind the question mark and has no meaning there: told, never silently left out."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import Request

from app.errors import Invalid, Problem

LONGEST = 40


@dataclass(frozen=True)
class Unknown:
    """What was `given` and is not understood, as name=value, and the names that are `known`."""

    given: tuple[str, ...]
    known: tuple[str, ...]


def unknown(request: Request, known: Sequence[str]) -> Unknown | None:
    """None where everything is understood."""
    pairs = request.query_params.multi_items()
    given = [f"{_cut(name)}={_cut(value)}" for name, value in pairs if name not in known]
    return Unknown(tuple(given), tuple(known)) if given else None


def require_known(request: Request, known: Sequence[str]) -> None:
    """Raises Invalid naming everything that is not understood."""
    names = [name for name in dict.fromkeys(request.query_params) if name not in known]
    if names:
        said = f"is not known here; known are {', '.join(known)}"
        raise Invalid([Problem(said, _cut(name)) for name in names])


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
