"""The JSON twin of thresholds: what the page shows, freezing, and what was frozen."""

from typing import Annotated, Literal

from fastapi import APIRouter, BackgroundTasks, Query, Request
from pydantic import BaseModel, Field

from app.services import freezing, retuning, threshold_views
from app.services.freezing import FrozenView
from app.services.threshold_facts import ThresholdsView
from app.web.addresses import require_known
from app.web.dependencies import Reading, Writing
from app.web.given import Given
from app.web.nudging import poke_later
from app.web.numbers import Whole

router = APIRouter(tags=["thresholds"])


class Asked(BaseModel):
    """What to look at; what is left out is what the project's goal suggests.

    `rule` is fbeta, recall, precision, cost or set, with its numbers in the fields, or written out: `recall at precision>=0.95`.
    """

    name: str = Field("", alias="class", description="a label, a field, or field=value")
    rule: str = ""
    beta: float | None = None
    precision: float | None = Field(None, description="the target of the rule recall")
    recall: float | None = Field(None, description="the target of the rule precision")
    fp: float | None = Field(None, description="what a false positive costs")
    fn: float | None = Field(None, description="what a false negative costs")
    t: float | None = Field(None, description="the threshold of the rule set")
    calibrate: str = Field("", description="none, temperature, platt or isotonic")
    confidence: str = Field("", description="probability or margin: what abstaining goes by")
    accuracy: float | None = Field(None, description="what abstaining keeps of the answers that are given")

    def given(self) -> dict[str, str]:
        found = self.model_dump(by_alias=True, exclude_none=True)
        return {name: value if isinstance(value, str) else repr(value) for name, value in found.items()}


class Shown(Asked):
    """`doubt` orders the doubtful examples: by nearness to the threshold, or by the margin; go on with `offset`.

    `expected` and `said` ask for those of one cell of `tuned.decided` alone, by codes.
    """

    doubt: str = ""
    offset: Whole = 0
    abstain: Literal["", "yes"] = Field("", description="whether decisions leave out what is below the limit")
    expected: int | None = Field(None, description="the code of a label: its place among them")
    said: int | None = Field(None, description="the code of a label; -2 is abstained")

    def given(self) -> dict[str, str]:
        found = super().given()
        found.pop("offset")
        return found


class Freeze(Asked, Given):
    """With `every` each class by the same rule; with `abstain` also from which confidence on answers are given."""

    every: bool = False
    abstain: bool = False


class Pending(BaseModel):
    """Whether a worker has yet to work everything out; the thresholds themselves are shown as they were before."""

    pending: bool


@router.get("/evaluations/{run_id}/thresholds")
def show(request: Request, session: Reading, run_id: str, asked: Annotated[Shown, Query()]) -> ThresholdsView:
    """`tuned` is null unless `standing.state` is ready or old; the doubtful examples are of train and dev alone."""
    require_known(request, [field.alias or name for name, field in Shown.model_fields.items()])
    return threshold_views.thresholds_view(session, run_id, asked.given(), asked.offset)


@router.post("/evaluations/{run_id}/thresholds/work-out", status_code=202)
def work_out(request: Request, session: Writing, later: BackgroundTasks, run_id: str) -> Pending:
    """Have a worker work everything out anew from the answers that are there; the end of a run does it by itself."""
    poke_later(request, later, retuning.request(session, run_id))
    return Pending(pending=True)


@router.get("/evaluations/{run_id}/thresholds/work-out")
def working_out(session: Reading, run_id: str) -> Pending:
    threshold_views.evaluation_of(session, run_id)
    return Pending(pending=retuning.pending(session, run_id))


@router.post("/evaluations/{run_id}/thresholds", status_code=201)
def freeze(session: Writing, run_id: str, choice: Freeze) -> FrozenView:
    given = Asked(**choice.model_dump(by_alias=True, exclude={"every", "abstain"})).given()
    return freezing.view(session, freezing.freeze(session, run_id, given, every=choice.every, abstain=choice.abstain))


@router.get("/prompts/{version_id}/thresholds")
def of_version(session: Reading, version_id: str) -> list[FrozenView]:
    """Frozen for this prompt version or its parents, newest first; `changed` says why one no longer holds for it."""
    return freezing.frozen_of_version(session, version_id)


@router.get("/thresholds/{threshold_id}")
def frozen(session: Reading, threshold_id: str) -> FrozenView:
    return freezing.view(session, freezing.get(session, threshold_id))
