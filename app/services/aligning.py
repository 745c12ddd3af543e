"""The rows of a comparison: each example with every evaluation's answer and the call that brought it, page by page."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from app.domain.pairing import KINDS, Cell, Kind, fits, how_many
from app.errors import Invalid, Problem
from app.services.comparables import Chosen
from app.services.comparing import Counted, answer_name
from app.services.questions import Questions, misfit, questions_of
from app.storage import comparisons, prompts
from app.storage.comparisons import Place, Reply, Wanted
from app.storage.evaluations import Evaluation
from app.storage.projects import Project
from app.storage.session import Database

ROWS_SHOWN = 50
ROWS_AT_ONCE = 500
CHANGES: tuple[Kind, ...] = ("fixed", "broken", "both_right", "both_wrong")
EXPECTATIONS = 200


@dataclass(frozen=True)
class Answer:
    """One evaluation's answer to an example: `answered` is None when the reply could not be read.

    `call_id` is None when it came from the store and no call for this example is in the log. `score`, from 0 to 1, is
    there where an answer can be partly right.
    """

    answered: str | None
    right: bool
    reply: str
    call_id: str | None
    score: float | None


@dataclass(frozen=True)
class Row:
    """An example, with the answers in the order of the evaluations (None: not answered).

    `change` is fixed, broken, both_right or both_wrong, from the base to the other.
    """

    position: int
    input: str
    expected: str
    change: Kind
    answers: list[Answer | None]


@dataclass(frozen=True)
class Expectation:
    """An answer that is expected, and how many rows of the chosen kind expect it."""

    code: int
    name: str
    count: int


@dataclass(frozen=True)
class RowsPage:
    """Rows of the base against `other` (a letter) that are of a kind, in the test set's order.

    `total` of them fit; `kinds` counts the rows of each kind that expect `expected`, or any answer. Go on with `after`
    = `next_after`, go back with `before` = `next_before`; None at the ends.
    """

    other: str
    kind: Kind
    expected: int | None
    total: int
    kinds: dict[str, int]
    expectations: list[Expectation]
    rows: list[Row]
    next_after: int | None
    next_before: int | None


def rows_page(
    session: Session, chosen: Chosen, found: Counted, wanted: Wanted, other: str = "B", limit: int = ROWS_SHOWN
) -> RowsPage:
    """Five queries, whatever the number of rows. Raises Invalid for a letter that no evaluation has."""
    place = place_of(chosen, other)
    cells = found.cells[place - 1]
    base, against = chosen.rows[0].evaluation, chosen.rows[place].evaluation
    listed = comparisons.places(session, base, against, wanted, limit + 1) if cells else []
    back = wanted.before is not None
    more, shown = len(listed) > limit, listed[-limit:] if back else listed[:limit]
    behind, ahead = (more, True) if back else (wanted.after is not None, more)
    return RowsPage(
        other=chosen.sides[place].letter,
        kind=wanted.kind,
        expected=wanted.expected,
        total=how_many(cells, wanted.kind, wanted.expected),
        kinds={kind: how_many(cells, kind, wanted.expected) for kind in KINDS},
        expectations=_expectations(found.project, cells, wanted.kind),
        rows=_rows(session, chosen, found.project, place, shown),
        next_after=shown[-1].position if shown and ahead else None,
        next_before=shown[0].position if shown and behind else None,
    )


def in_batches(
    database: Database, chosen: Chosen, project: Project, wanted: Wanted, other: str = "B"
) -> Iterator[list[Row]]:
    """Every row that fits, some hundred at a time, each batch read in a short transaction of its own: for files."""
    place = place_of(chosen, other)
    base, against = chosen.rows[0].evaluation, chosen.rows[place].evaluation
    after: int | None = -1
    while after is not None:
        with database.read() as session:
            listed = comparisons.places(session, base, against, replace(wanted, after=after), ROWS_AT_ONCE)
            rows = _rows(session, chosen, project, place, listed)
        yield rows
        after = listed[-1].position if len(listed) == ROWS_AT_ONCE else None


def place_of(chosen: Chosen, other: str) -> int:
    """Where the evaluation with this letter stands. Raises Invalid for a letter that none has, and for the base's."""
    letters = [side.letter for side in chosen.sides]
    if other not in letters[1:]:
        raise Invalid([Problem(f"must be one of {', '.join(letters[1:])}; given was {other!r}", "other")])
    return letters.index(other)


def _expectations(project: Project, cells: Sequence[Cell], kind: Kind) -> list[Expectation]:
    """What can be asked for: the commonest expected answers, in the order of their codes."""
    counted: Counter[int] = Counter()
    for expected, a, b, n in cells:
        counted[expected] += n if fits(kind, expected, a, b) else 0
    codes = sorted(code for code, _ in counted.most_common(EXPECTATIONS))
    return [Expectation(code, answer_name(project, code) or "", counted[code]) for code in codes]


def _rows(session: Session, chosen: Chosen, project: Project, place: int, listed: Sequence[Place]) -> list[Row]:
    if not listed:
        return []
    examples = [one.example_id for one in listed]
    evaluations = [row.evaluation for row in chosen.rows]
    inputs = comparisons.inputs(session, examples)
    replies = comparisons.replies(session, [one.id for one in evaluations], examples)
    calls = comparisons.calls(session, {one.prompt_version_id for one in evaluations}, examples)
    asking = _asking(session, project, evaluations)
    rows = []
    for one in listed:
        said = [replies.get((evaluation.id, one.example_id)) for evaluation in evaluations]
        names = [_name(project, reply, one.reference, asked) for reply, asked in zip(said, asking, strict=True)]
        rows.append(_row(project, one, inputs[one.example_id], said, names, place, calls))
    return rows


def _asking(session: Session, project: Project, evaluations: Sequence[Evaluation]) -> list[Questions | None]:
    """What reads the replies of each once more, where a code says only whether they are right."""
    if not project.answer_space.is_open:
        return [None for _ in evaluations]
    versions = [prompts.get(session, one.prompt_version_id) for one in evaluations]
    return [None if misfit(project, version) else questions_of(project, version) for version in versions]


def _name(project: Project, reply: Reply | None, reference: str | None, asked: Questions | None) -> str | None:
    """What was answered, as people read it; None when the reply could not be read, or is not there."""
    name = answer_name(project, reply.reading) if reply else None
    if reply is None or name is None or asked is None:
        return name
    return asked.value(reply.text, reference).value or name


def _row(
    project: Project,
    one: Place,
    text: str,
    said: Sequence[Reply | None],
    names: Sequence[str | None],
    place: int,
    calls: dict[tuple[str, int], str],
) -> Row:
    base, other = said[0], said[place]
    assert base is not None, "a row was answered by the base"
    assert other is not None, "and by the one that it is compared with"
    change = next(kind for kind in CHANGES if fits(kind, one.expected, base.reading, other.reading))
    answers = [
        _answer(name, one.expected, reply, calls) if reply else None for reply, name in zip(said, names, strict=True)
    ]
    expected = one.reference if one.reference is not None else answer_name(project, one.expected) or ""
    return Row(one.position, text, expected, change, answers)


def _answer(name: str | None, expected: int, reply: Reply, calls: dict[tuple[str, int], str]) -> Answer:
    call_id = calls.get((reply.request_hash, reply.sample))
    return Answer(name, reply.reading == expected, reply.text, call_id, reply.score)
