"""Chooses the evaluations to compare: finds them by id, says what cannot be compared and why, and offers others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy.orm import Session

from app.domain.metrics import Estimate
from app.errors import Invalid, NotFound, Problem
from app.services import beginnings
from app.storage import campaign_boards, comparables, prompts, run_boards
from app.storage.campaign_boards import Model, Models
from app.storage.comparables import OPEN_SPLITS, Comparable, LastRun

LETTERS = "ABCDEFGH"
MOST = len(LETTERS)


@dataclass(frozen=True)
class Side:
    """One evaluation of a comparison; A is the base. `score` is its own, on all `score.n` examples that it answered.

    `run_id` is the last order of it, None when a campaign answered it in place; `going` while it is being answered; it asked
    for so many `samples` to an example.
    """

    letter: str
    id: str
    run_id: str | None
    version_id: str
    version: int
    task_model: Model
    split: str
    test_set_version_id: str
    goal: str | None
    score: Estimate | None
    temperature: float | None
    going: bool
    samples: int = 1


@dataclass(frozen=True)
class Chosen:
    """Evaluations that may be compared, in the order they were asked for."""

    project_id: str
    rows: list[Comparable]
    sides: list[Side]


@dataclass(frozen=True)
class Offer:
    """One evaluation, and others that it can be compared with."""

    project_id: str
    side: Side
    others: list[Side]


def chosen(session: Session, ids: Sequence[str]) -> Chosen:
    """At least two evaluations of one test set, by their ids or those of their runs.

    Raises NotFound for an id that names nothing, and Invalid for what cannot be compared.
    """
    named = _named(session, ids)
    rows = _found(session, named)
    if len(rows) < 2:
        raise Invalid(_too_few(ids))
    if len(rows) > MOST:
        raise Invalid([Problem(f"{len(rows)} evaluations are too many to compare at once; {MOST} is the most", "of")])
    base = rows[0]
    apart = [row for row in rows if row.test_set_id != base.test_set_id]
    if apart:
        given = {evaluation_id: one for one, evaluation_id in reversed(named.items())}
        name, first = given[apart[0].evaluation.id], given[base.evaluation.id]
        raise Invalid([Problem(f"{name} answered another test set than {first}; choose two of one", "of")])
    return Chosen(base.project_id, rows, _sides(session, rows))


def _too_few(ids: Sequence[str]) -> list[Problem]:
    if len(ids) < 2:
        return [Problem("a comparison needs two evaluations or more: of=ID&of=ID", "of")]
    return [Problem(f"{' and '.join(ids)} are one and the same evaluation; choose another one beside it", "of")]


def offer(session: Session, given: str) -> Offer:
    """Raises NotFound, and Invalid for an evaluation that nothing may be compared with."""
    (row,) = _found(session, _named(session, [given]))
    others = comparables.offered(session, row)
    side, *rest = _sides(session, [row, *others], letters=False)
    return Offer(row.project_id, side, rest)


def _named(session: Session, ids: Sequence[str]) -> dict[str, str]:
    """The evaluation of each id, in the order they were given. Raises NotFound."""
    known = comparables.evaluation_ids(session, [one for one in ids if one.isalnum()])
    for one in ids:
        if one not in known:
            raise NotFound(f"There is no evaluation {one}, nor a run of one.")
    return {one: known[one] for one in ids}


def _found(session: Session, named: Mapping[str, str]) -> list[Comparable]:
    """The evaluations that the ids name, each once."""
    wanted = list(dict.fromkeys(named.values()))
    found = comparables.get(session, wanted)
    for one, evaluation_id in named.items():
        if found[evaluation_id].evaluation.split not in OPEN_SPLITS:
            said = "was answered on the sealed holdout, which is compared at a campaign's end and nowhere else"
            raise Invalid([Problem(f"{one} {said}", "of")])
    return [found[one] for one in wanted]


def complete(session: Session, prefix: str) -> str:
    """The one id of a run or an evaluation that begins so. Raises NotFound and Invalid."""
    if prefix in comparables.evaluation_ids(session, [prefix]):
        return prefix
    found = beginnings.only(prefix, "ID", partial(comparables.beginning_with, session, prefix))
    if found is None:
        raise NotFound(f"There is no evaluation {prefix}, nor a run of one. agon runs and the pages name them.")
    return found


def complete_run(session: Session, prefix: str) -> str:
    """The one id of a run that begins so. Raises NotFound and Invalid."""
    found = beginnings.only(prefix, "RUN", partial(comparables.beginning_with, session, prefix, runs_alone=True))
    if found is None:
        raise NotFound("There is no such evaluation run. agon runs and the pages name them.")
    return found


def _sides(session: Session, rows: Sequence[Comparable], *, letters: bool = True) -> list[Side]:
    named = campaign_boards.models(session)
    ordered = comparables.last_runs(session, [row.evaluation.id for row in rows])
    return [
        _side(row, LETTERS[place] if letters else "", named, ordered.get(row.evaluation.id))
        for place, row in enumerate(rows)
    ]


def _side(row: Comparable, letter: str, named: Models, last: LastRun | None) -> Side:
    one = row.evaluation
    return Side(
        letter=letter,
        id=one.id,
        run_id=last.run_id if last else None,
        version_id=one.prompt_version_id,
        version=row.version,
        task_model=named[one.endpoint_id],
        split=one.split,
        test_set_version_id=one.version_id,
        goal=one.goal,
        score=run_boards.score_of(one),
        temperature=last.temperature if last else None,
        going=last.going if last else False,
        samples=last.samples if last else 1,
    )


def texts(session: Session, sides: Sequence[Side]) -> list[str]:
    """The prompt of each side."""
    return [prompts.get(session, side.version_id).text for side in sides]
