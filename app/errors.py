"""The few ways things go wrong that a caller can act on; nothing here knows HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing wrong with what was given: `where` names the row, column or field."""

    message: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


class AgonError(Exception):
    """Base of every error whose message may be shown to a person as it is."""


class NotFound(AgonError):
    """The thing asked for does not exist."""


class Conflict(AgonError):
    """The thing asked for clashes with the present state."""


class Invalid(AgonError):
    """The input cannot be used; `problems` says what is wrong, where, and what to do."""

    def __init__(self, problems: Sequence[Problem] | str) -> None:
        self.problems = (Problem(problems),) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class BudgetExhausted(AgonError):
    """No call is left under the cap."""


class CapReached(AgonError):
    """A cap that others share is reached: work waits until it is raised, or until another day."""


class EndpointFailure(AgonError):
    """An endpoint cannot be used now: `lasting` when asking again will not help, else not for `wait` seconds."""

    def __init__(self, message: str, *, lasting: bool = False, wait: float = 0.0) -> None:
        self.lasting, self.wait = lasting, wait
        super().__init__(message)
