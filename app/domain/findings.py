"""Collects what is wrong with a file, so that a person hears of everything at once."""

from app.errors import Invalid, Problem

LISTED = 100


class Findings:
    """The first hundred problems in the order they were found, and how many more there were."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._more = 0

    def add(self, message: str, where: str = "") -> None:
        if len(self._problems) < LISTED:
            self._problems.append(Problem(message, where))
        else:
            self._more += 1

    def problems(self) -> list[Problem]:
        """All of them; the last one counts those that are not listed."""
        return [*self._problems, *([Problem(f"and {self._more} more problems")] if self._more else [])]

    def settle(self) -> None:
        """Raise Invalid when anything was found."""
        if self._problems:
            raise Invalid(self.problems())
