"""The JSON twin of comparisons."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from app.domain.pairing import Kind
from app.services import aligning, comparables, comparing
from app.services.aligning import ROWS_SHOWN, RowsPage
from app.services.comparables import Offer
from app.services.comparing import ComparisonView
from app.storage.comparisons import Wanted
from app.web.addresses import require_known
from app.web.dependencies import Reading
from app.web.numbers import Whole

router = APIRouter(tags=["comparisons"])

Of = Annotated[
    list[str], Query(max_length=50, description="ids of evaluations or of their runs; the first is the base")
]
Code = Annotated[int | None, Query(ge=0, le=2**62, description="the code of an expected answer; any when left out")]
Place = Annotated[Whole | None, Query(description="go on behind, or back before, this place of the test set's order")]


class Compared(BaseModel):
    """What the comparison says, and one page of its rows; rows go on with `after` = `page.next_after`."""

    comparison: ComparisonView
    page: RowsPage


@router.get("/compare")
def show(
    request: Request,
    session: Reading,
    of: Of,
    filter: Kind = "all",  # noqa: A002 - the name in the address
    other: Annotated[str, Query(description="the letter of the evaluation that the rows set beside the base")] = "B",
    label: Code = None,
    after: Place = None,
    before: Place = None,
    limit: Annotated[int, Query(ge=1, le=500)] = ROWS_SHOWN,
) -> Compared:
    """Two evaluations or more on the examples that both answered: never those of the holdout."""
    require_known(request, ("of", "filter", "other", "label", "after", "before", "limit"))
    chosen = comparables.chosen(session, of)
    found = comparing.compared(session, chosen)
    rows = aligning.rows_page(session, chosen, found, Wanted(filter, label, after, before), other, limit)
    return Compared(comparison=found.view, page=rows)


@router.get("/compare/offers")
def offers(session: Reading, of: str) -> Offer:
    """What one evaluation can be compared with."""
    return comparables.offer(session, of)
