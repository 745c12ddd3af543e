"""Evaluations side by side: the verdict, and row by row what each answered; the address is a permanent link."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from app.domain.pairing import Kind
from app.errors import Invalid
from app.services import aligning, comparables, comparing
from app.services.comparables import LETTERS
from app.storage import projects
from app.storage.comparisons import Wanted
from app.web import sheets
from app.web.addresses import require_known, unknown
from app.web.dependencies import Reading
from app.web.numbers import Whole
from app.web.rendering import page

router = APIRouter(include_in_schema=False)

LARGEST_CODE = 2**62
FILTERS = ("of", "filter", "other", "label")
Of = Annotated[
    list[str], Query(max_length=50, description="ids of evaluations or of their runs; the first is the base")
]


@dataclass(frozen=True)
class Address:
    """Addresses of one comparison that differ in a filter or a place."""

    of: list[str]
    other: str
    kind: Kind
    label: int | None

    @property
    def swapped(self) -> list[str]:
        """The evaluations with the base and the one beside it in each other's place."""
        place, order = LETTERS.index(self.other), list(self.of)
        order[0], order[place] = order[place], order[0]
        return order

    def __call__(self, path: str = "/compare", **changes: object) -> str:
        """`changes` of: of, other, filter, label, after, before; a filter that is the usual one is left out."""
        values = {"of": self.of, "other": self.other, "filter": self.kind, "label": self.label, **changes}
        usual = {"other": "B", "filter": "all", "label": None}
        kept = {name: value for name, value in values.items() if value != usual.get(name)}
        return f"{path}?{urlencode(kept, doseq=True)}"


@router.get("/compare")
def show(
    request: Request,
    session: Reading,
    of: Of = [],  # noqa: B006 - FastAPI reads it, nobody changes it
    filter: Kind = "all",  # noqa: A002 - the name in the address
    other: str = "B",
    label: str = "",
    after: Whole | None = None,
    before: Whole | None = None,
    newest: str = "",
) -> Response:
    """One evaluation alone is offered others to compare it with; none at all is told where they are.

    Lists have the newest first: what is ticked there goes on to the address at which the oldest is the base.
    """
    ids = _given(of)
    if newest:
        return RedirectResponse(f"/compare?{urlencode({'of': ids[::-1]}, doseq=True)}", 303)
    if len(ids) < 2:
        offer = comparables.offer(session, ids[0]) if ids else None
        project = projects.get(session, offer.project_id) if offer else None
        return page(request, "compare/choose.html", offer=offer, project=project, simulated=False)
    expected = code_of(label)
    chosen = comparables.chosen(session, ids)
    found = comparing.compared(session, chosen)
    rows = aligning.rows_page(session, chosen, found, Wanted(filter, expected, after, before), other)
    return page(
        request,
        "compare/show.html",
        c=found.view,
        focus=next(one for one in found.view.comparisons if one.other == rows.other),
        rows=rows,
        texts=dict(zip([side.letter for side in chosen.sides], comparables.texts(session, chosen.sides), strict=True)),
        here=Address([side.id for side in chosen.sides], other, filter, expected),
        unknown=unknown(request, (*FILTERS, "after", "before")),
        simulated=all(side.task_model.simulated for side in chosen.sides),
    )


def _given(of: Sequence[str]) -> list[str]:
    """The ids that are not empty, each once."""
    return list(dict.fromkeys(one for one in of if one))


def code_of(label: str) -> int | None:
    """The code of an expected answer as it stands in an address, None for any. Raises Invalid."""
    if not label:
        return None
    if not (label.isascii() and label.isdigit() and len(label) < 20 and int(label) <= LARGEST_CODE):
        raise Invalid("label must be the code of an expected answer, as the page's own links have it")
    return int(label)


@router.get("/compare.csv")
def download(
    request: Request,
    session: Reading,
    of: Of = [],  # noqa: B006
    filter: Kind = "all",  # noqa: A002
    other: str = "B",
    label: str = "",
) -> Response:
    """Every row that fits, sent as it is read."""
    require_known(request, FILTERS)
    chosen = comparables.chosen(session, _given(of))
    project = projects.get(session, chosen.project_id)
    wanted = Wanted(filter, code_of(label))
    aligning.place_of(chosen, other)  # what is wrong is said before anything is sent
    pages = aligning.in_batches(request.app.state.database, chosen, project, wanted, other)
    headers = {"content-disposition": 'attachment; filename="comparison.csv"', "cache-control": "no-store"}
    return StreamingResponse(
        sheets.compared(chosen.sides, pages), media_type="text/csv; charset=utf-8", headers=headers
    )
