"""The fields of a form that say how answers are compared, and the options of programs."""

from typing import Any

from pydantic import BaseModel, Field

from app.domain.answerspace import Match
from app.domain.rules import OPTIONS, Options, fitting
from app.web.given import Given

_TICKED = ("separated", "relative", "comma", "percent_as_share")


class RuleTyped(BaseModel):
    """A form has all fields of a kind, also those that the chosen match has no use for."""

    match: str = "exact"
    separated: str = ""
    criterion: str = ""
    grader: str = ""
    right_from: str = "0.5"
    tolerance: str = "0"
    relative: str = ""
    comma: str = ""
    percent_as_share: str = ""

    def options(self, kind: str) -> dict[str, Any]:
        """What was chosen for this kind of answers; an empty number is the usual one."""
        usual = {"right_from": "0.5", "tolerance": "0"}
        return {
            name: bool(getattr(self, name)) if name in _TICKED else getattr(self, name) or usual.get(name, "")
            for name in fitting(kind, self.match)
        }


def typed_rule(options: Options) -> dict[str, str]:
    """The fields of a form from options as they are stored."""
    return {name: ("yes" if value else "") if name in _TICKED else str(value) for name, value in options.items()}


class RuleOptions(Given):
    """How numbers or texts are compared; what is left out stays as it is."""

    match: Match | None = Field(None, description="texts: the same, held, a pattern, or graded")
    separated: bool | None = Field(None, description="texts: a reference holds several right answers, | between them")
    criterion: str | None = Field(None, description="texts: what the judge of criterion and preference looks at")
    grader: str | None = Field(None, description="texts: PROVIDER/NAME of the endpoint that grades")
    right_from: str | float | None = Field(None, description="texts: the grade from which one is right")
    tolerance: str | float | None = Field(None, description="numbers: by how much a right one may differ")
    relative: bool | None = Field(None, description="numbers: the tolerance is a share of the right one")
    comma: bool | None = Field(None, description="numbers: 1,234 is 1.234")
    percent_as_share: bool | None = Field(None, description="numbers: 18 % is 0.18")

    def options(self) -> dict[str, Any]:
        """Those that were given."""
        given = self.model_dump(include=set(RuleOptions.model_fields), exclude_none=True)
        return {name: given[name] for names in OPTIONS.values() for name in names if name in given}
