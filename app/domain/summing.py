"""What one answer adds to a score, and the score of such sums: every metric is a function of sums over examples.

A row of sums holds, for every class of the shape, hits (named and so), namings and occurrences; then, for every digit,
how often it was wrong; then examples, right answers, graded scores, F1 of each
set of labels for itself, answers that have a score, and the amounts that penalties are on. Sums have the
shape (..., width): a bootstrap or a permutation is one matrix product with counts of examples.
A score that is not a number is one that a grader did not give: it is in no mean.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from app.domain.goals import RIGHT_SHARE, Goal, Penalty
from app.domain.shapes import Shape, class_of, digit_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

SCORE = "score"
FIXED = 5  # columns after those of classes and digits, before those of penalties
Amounts = Mapping[str, Sequence[float]]
Over = Literal["expected", "seen", "all"]


def width(goal: Goal, shape: Shape) -> int:
    """How long a row of sums is."""
    return 3 * len(shape.classes) + len(shape.digits) + FIXED + len(goal.penalties)


def amounts_of(goal: Goal) -> tuple[str, ...]:
    """What the goal must know of every answer beside its reading; nothing for most."""
    scored = (SCORE,) if goal.metric == "mean_score" else ()
    return tuple(dict.fromkeys((*scored, *(penalty.quantity for penalty in goal.penalties))))


def parts(goal: Goal, shape: Shape, expected: "Ints", answered: "Ints", amounts: Amounts) -> "csr_array":
    """What an answer of each row adds: shape (rows, width)."""
    import numpy as np
    from scipy.sparse import csr_array

    n, classes = len(expected), len(shape.classes)
    wanted, said = shape.decoded(expected), shape.decoded(answered)
    rows: list[Ints] = []
    columns: list[Ints] = []
    for place, of in enumerate(_class_numbers(shape)):
        truth, naming = of[wanted[:, place]], of[said[:, place]]
        for offset, numbers in ((0, np.where(truth == naming, truth, -1)), (classes, naming), (2 * classes, truth)):
            there = np.flatnonzero(numbers >= 0)
            rows.append(there)
            columns.append(numbers[there] + offset)
        missed = np.flatnonzero(wanted[:, place] != said[:, place])
        rows.append(missed)
        columns.append(np.full(len(missed), 3 * classes + place))
    right = expected == answered
    scores = np.asarray(amounts[SCORE] if SCORE in amounts_of(goal) else right, float)
    has_score = ~np.isnan(scores)
    measured = [_charged(penalty, amounts) for penalty in goal.penalties]
    alone, graded = _f1_of_sets(shape, wanted, said), np.where(has_score, scores, 0.0)
    values = [np.ones(sum(map(len, rows)))]
    for place, column in enumerate((np.ones(n), right, graded, alone, has_score, *measured)):
        there = np.flatnonzero(column)
        rows.append(there)
        columns.append(np.full(len(there), 3 * classes + len(shape.digits) + place))
        values.append(np.asarray(column[there], float))
    found = np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))
    return csr_array(found, shape=(n, width(goal, shape)))


def _f1_of_sets(shape: Shape, wanted: "Ints", said: "Ints") -> "Floats":
    """For sets of labels the F1 of each answer for itself: of two empty sets 1, of an unreadable reply 0."""
    import numpy as np

    if shape.kind != "labels":
        return np.zeros(len(wanted))
    both, named = ((wanted == 1) & (said == 1)).sum(axis=1), (wanted == 1).sum(axis=1) + (said == 1).sum(axis=1)
    readable = (said >= 0).all(axis=1)
    found: Floats = np.where(named > 0, 2 * both / np.maximum(named, 1), 1.0) * readable
    return found


def _class_numbers(shape: Shape) -> list["Ints"]:
    """For every digit the number of the class that each value is, -1 for none; the last entry is for no value."""
    import numpy as np

    tables = [np.full(len(digit.values) + 1, -1) for digit in shape.digits]
    for number, one in enumerate(shape.classes):
        tables[one.digit][one.value] = number
    return tables


def _charged(penalty: Penalty, amounts: Amounts) -> "Floats":
    import numpy as np

    found = np.asarray(amounts[penalty.quantity], float)
    return np.log(np.maximum(found, 1.0)) if penalty.log else found


def score(goal: Goal, shape: Shape, sums: "Floats", over: Over = "expected") -> "Floats":
    """The goal's score of sums: shape (...) from (..., width). Nothing is 0/0: what has no case scores 0.

    Averages over classes are over those that are expected in the sums, or that are expected or named ("seen"), or over
    all. Where a bound is missed the score is how far, below 0.
    """
    first = 3 * len(shape.classes) + len(shape.digits)
    n = _least_one(sums[..., first])
    value = _metric(goal, shape, sums, over)
    for place, penalty in enumerate(goal.penalties):
        value = value - penalty.weight * sums[..., first + FIXED + place] / n
    return value


def _least_one(sums: "Floats") -> "Floats":
    """Sums to divide by: 1 for those that are 0. Sums over repeats of examples may be less than 1."""
    import numpy as np

    found: Floats = np.where(sums > 0, sums, 1)
    return found


def _metric(goal: Goal, shape: Shape, sums: "Floats", over: Over) -> "Floats":
    import numpy as np

    classes, digits = len(shape.classes), len(shape.digits)
    hits, named, there = (sums[..., place * classes : (place + 1) * classes] for place in range(3))
    wrong_digits, (n, right, graded, alone, scored) = (
        sums[..., 3 * classes : 3 * classes + digits],
        _last(sums, 3 * classes + digits),
    )
    place, digit = class_of(goal, shape), digit_of(goal, shape)
    if goal.metric in RIGHT_SHARE:
        share: Floats = (right if digit is None else n - wrong_digits[..., digit]) / _least_one(n)
        return share
    if goal.metric == "mean_score":
        mean: Floats = graded / _least_one(scored)
        return mean
    if goal.metric == "samples_f1":
        of_sets: Floats = alone / _least_one(n)
        return of_sets
    if goal.metric == "hamming_score":
        alike: Floats = (digits * n - wrong_digits.sum(axis=-1)) / _least_one(digits * n)
        return alike
    if goal.metric == "mcc":
        return _mcc(hits, named, there, n)
    if place is not None:
        hits, named, there = hits[..., place], named[..., place], there[..., place]
        value = _of_class(goal.metric, goal.beta, hits, named, there)
        if goal.at is None:
            return value
        reached = _of_class(goal.at.metric, 1.0, hits, named, there)
        bounded: Floats = np.where(reached >= goal.at.least, value, reached - goal.at.least)
        return bounded
    if goal.metric == "micro_f1":
        return _of_class("f1", goal.beta, *(part.sum(axis=-1) for part in (hits, named, there)))
    each = _of_class(_PER_CLASS[goal.metric], goal.beta, hits, named, there)
    weights = there if goal.metric == "weighted_f1" else _averaged(named, there, over)
    average: Floats = (each * weights).sum(axis=-1) / _least_one(weights.sum(axis=-1))
    return average


def _averaged(named: "Floats", there: "Floats", over: Over) -> "Floats":
    import numpy as np

    if over == "all":
        return np.ones_like(there)
    occurring = there if over == "expected" else there + named
    return (occurring > 0).astype(float)


_PER_CLASS = {
    "balanced_accuracy": "recall", "macro_recall": "recall", "macro_precision": "precision",
    "macro_f1": "f1", "weighted_f1": "f1",
}  # fmt: skip


def _last(sums: "Floats", first: int) -> tuple["Floats", ...]:
    return tuple(sums[..., first + place] for place in range(FIXED))


def _of_class(metric: str, beta: float, hits: "Floats", named: "Floats", there: "Floats") -> "Floats":
    if metric == "precision":
        return hits / _least_one(named)
    if metric == "recall":
        return hits / _least_one(there)
    f_score: Floats = (1 + beta**2) * hits / _least_one(beta**2 * there + named)
    return f_score


def _mcc(hits: "Floats", named: "Floats", there: "Floats", n: "Floats") -> "Floats":
    """Matthews' correlation for several classes (Gorodkin 2004); unreadable replies are a class that never occurs."""
    import numpy as np

    unread = n - named.sum(axis=-1)
    together = hits.sum(axis=-1) * n - (named * there).sum(axis=-1)
    spread = (n**2 - (named**2).sum(axis=-1) - unread**2) * (n**2 - (there**2).sum(axis=-1))
    found: Floats = np.where(spread > 0, together / np.sqrt(np.maximum(spread, 1e-300)), 0.0)
    return found


def proportion(goal: Goal, shape: Shape, sums: "Floats") -> tuple[int, int] | None:
    """(successes, trials) where the score of one row of sums is nothing but their share."""
    if goal.at or goal.penalties:
        return None
    if goal.counts_right:
        return int(sums[3 * len(shape.classes) + len(shape.digits) + 1]), cases(goal, shape, sums)
    classes, place, digit = len(shape.classes), class_of(goal, shape), digit_of(goal, shape)
    n = int(sums[3 * classes + len(shape.digits)])
    if digit is not None:
        return n - int(sums[3 * classes + digit]), n
    if place is None or goal.metric not in ("precision", "recall"):
        return None
    return int(sums[place]), cases(goal, shape, sums)


def counted(goal: Goal, shape: Shape, sums: "Floats") -> int:
    """How many examples are in one row of sums; of a mean score those that have one."""
    first = 3 * len(shape.classes) + len(shape.digits)
    return round(float(sums[first + FIXED - 1 if goal.metric == "mean_score" else first]))


def cases(goal: Goal, shape: Shape, sums: "Floats") -> int:
    """On how many examples the score of one row of sums really rests: for a class those that have it, or are named so."""
    place, classes = class_of(goal, shape), len(shape.classes)
    if place is None:
        return counted(goal, shape, sums)
    hits, named, there = (int(sums[part * classes + place]) for part in range(3))
    return {"precision": named, "recall": there}.get(goal.metric, named + there - hits)
