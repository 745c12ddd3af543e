"""Ids given by their beginning: enough of it to name one thing, or told what is wrong."""

from collections.abc import Callable

from app.errors import Invalid, Problem

SHORTEST = 4
MOST_NAMED = 5  # of the ids that begin alike


def only(prefix: str, argument: str, beginning_with: Callable[[int], list[str]]) -> str | None:
    """The one id that begins so, None for none; `beginning_with` gives at most so many of them.

    Raises Invalid, naming the command's argument, for a beginning that is too short or that several ids have.
    """
    if len(prefix) < SHORTEST:
        raise Invalid([Problem(f"{prefix!r} is too short: give at least {SHORTEST} characters of the id", argument)])
    found = beginning_with(MOST_NAMED + 1) if prefix.isalnum() else []
    if len(found) > 1:
        named = ", ".join([*found[:MOST_NAMED], *(["..."] if len(found) > MOST_NAMED else [])])
        raise Invalid([Problem(f"{prefix} begins more than one id: {named}; give more of it", argument)])
    return found[0] if found else None
