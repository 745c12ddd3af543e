"""Caps as a program gives them."""

from pydantic import Field

from app.services.capping import Caps
from app.web.given import Given
from app.web.numbers import micro


class CapsGiven(Given):
    """The most that may be used; null or left out is no cap."""

    calls: int | None = None
    tokens: int | None = None
    cost: float | None = Field(None, description="in money, such as 2.5")

    def read(self) -> Caps:
        return Caps(self.calls, self.tokens, None if self.cost is None else micro(self.cost, "cost"))
