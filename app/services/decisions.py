"""What all thresholds of one label out of few decide together: whom they take for what, example by example."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from app.domain import calibration, shapes
from app.domain.deciding import ABSTAINED, said
from app.domain.metrics import Estimate, wilson
from app.domain.shapes import Shape
from app.domain.shares import Column, Confidence
from app.services import tuning
from app.services.threshold_facts import Abstaining, Applied, Decided, DecidedCell
from app.services.threshold_keys import key_of
from app.services.threshold_wishes import Wish
from app.storage import probabilities
from app.storage.evaluations import Evaluation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

MOST_CLASSES = 20
MOST_SHARES = 3_000_000  # probabilities that are looked at while a page is waited for


@dataclass(frozen=True, eq=False)
class Decisions:
    """Each example's expected label and what is said of it, with their table."""

    table: Decided
    expected: "Ints"
    said: "Ints"

    def places(self, wish: Wish) -> "Ints":
        """Of the examples in the cell that is asked for, or in its row or column."""
        import numpy as np

        found = np.ones(len(self.said), np.bool_)
        for codes, wanted in ((self.expected, wish.expected), (self.said, wish.said)):
            if wanted is not None:
                found &= codes == wanted
        return np.flatnonzero(found)


def decisions(
    session: Session,
    evaluation: Evaluation,
    shape: Shape,
    wish: Wish,
    shown: tuple[int, float, Column],
    sure: Confidence,
    abstaining: Abstaining,
) -> Decisions | None:
    """By the threshold `shown` (place, threshold, column) and those that were frozen for the other classes and hold.

    None where an answer is not one label out of few, or where there are too many examples for a page.
    """
    import numpy as np

    place, threshold, column = shown
    classes = len(shape.classes)
    if shape.kind != "label" or classes > MOST_CLASSES or classes * len(column.p) > MOST_SHARES:
        return None
    columns, frozen = tuning.columns_of(session, evaluation.id, classes), _frozen(session, evaluation, shape)
    expected = np.stack([one.truth for one in columns], axis=1).argmax(axis=1)
    p, thresholds = np.stack([one.p for one in columns], axis=1), np.full(classes, np.nan)
    for other, (at, calibrator) in frozen.items():
        thresholds[other] = at
        p[:, other] = calibration.from_json(calibrator).apply(p[:, other]) if calibrator else p[:, other]
    p[:, place], thresholds[place] = column.p, threshold
    answers = said(p, thresholds)
    if wish.abstain:
        answers = np.where(sure.values < abstaining.at, ABSTAINED, answers)
    applied = [
        Applied(
            one.name, None if np.isnan(at) else at, "shown" if number == place else "" if np.isnan(at) else "frozen"
        )
        for number, (one, at) in enumerate(zip(shape.classes, thresholds.tolist(), strict=True))
    ]
    return Decisions(_table(applied, wish.abstain, expected, answers, abstaining.accuracy_of_all), expected, answers)


def _table(applied: list[Applied], abstains: bool, expected: "Ints", answers: "Ints", top: Estimate) -> Decided:
    import numpy as np

    columns, n = len(applied) - ABSTAINED, len(answers)
    counts = np.bincount(expected * columns + answers - ABSTAINED, minlength=len(applied) * columns)
    cells = [
        DecidedCell(int(cell) // columns, int(cell) % columns + ABSTAINED, int(counts[cell]))
        for cell in np.flatnonzero(counts)
    ]
    right, given = int((expected == answers).sum()), int((answers != ABSTAINED).sum())
    share = Estimate(right / given, *wilson(right, given), given) if given else None
    return Decided(applied, abstains, cells, n, given, share, top)


def _frozen(
    session: Session, evaluation: Evaluation, shape: Shape
) -> dict[int, tuple[float, dict[str, object] | None]]:
    """By class the last threshold that was frozen and still holds, with the calibrator that it goes with."""
    key = key_of(session, evaluation.prompt_version_id, evaluation.endpoint_id)
    names = {one.name: place for place, one in enumerate(shape.classes)}
    found = dict[int, tuple[float, dict[str, object] | None]]()
    for row in probabilities.frozen(session, [evaluation.prompt_version_id]):
        if row.key == key and row.chosen["shape"] == shapes.dump(shape):
            for one in row.chosen["classes"]:
                found.setdefault(names[one["name"]], (one["threshold"], one["calibrator"]))
    return found
