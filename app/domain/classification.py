"""Scores of answers that name one label each, from how often each label was expected and named.

A confusion table has a row per expected label and a column per answered one, the last column for unreadable
replies: shape (classes, classes + 1), with any axes before it, such as one of bootstrap draws. An unreadable
reply is always wrong: it counts against its label's recall and is no class of its own in averages. All scores
are higher-is-better, in [0, 1] but for Matthews' coefficient in [-1, 1]; a score that would be 0/0 is 0.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from app.domain.metrics import (
    DECIMALS,
    INTERVAL_DRAWS,
    INTERVAL_SEED,
    Estimate,
    chunks,
    least_half_width,
    percentiles,
    resamples,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

Average = Literal["macro", "micro", "weighted"]
Over = Literal["expected", "seen", "all"]


@dataclass(frozen=True, eq=False)
class Sums:
    """Per class (the last axis) how often it was answered rightly, expected, and named.

    `over` are the classes that macro averages are taken over: the same for all draws.
    """

    hits: "Ints"
    support: "Ints"
    named: "Ints"
    over: "Bools"


@dataclass(frozen=True, eq=False)
class PerClass:
    """Each class's scores in the order of the classes; the last axis of each array."""

    precision: "Floats"
    recall: "Floats"
    f: "Floats"
    support: "Ints"


Statistic = Callable[[Sums], "Floats"]


def sums(confusion: "ArrayLike", over: Over = "expected") -> Sums:
    """What every score here is made of, from one confusion table or many.

    Macro averages are over the classes that are expected at all; `seen` adds those that are only named,
    as scikit-learn does, `all` takes every class. Raises ValueError on another shape.
    """
    import numpy as np

    table = np.asarray(confusion, np.int64)
    if table.ndim < 2 or table.shape[-1] != table.shape[-2] + 1:
        raise ValueError(f"a confusion table has a column more than rows; the shape is {table.shape}")
    hits = np.diagonal(table, axis1=-2, axis2=-1)
    support, named = table.sum(axis=-1), table[..., :-1].sum(axis=-2)
    return Sums(hits, support, named, averaged(support, named, over))


def averaged(support: "Ints", named: "Ints", over: Over) -> "Bools":
    """The classes that an average is taken over, along the last axis; one that occurs in any draw counts in all."""
    import numpy as np

    if over == "all":
        return np.ones(support.shape[-1], np.bool_)
    occurring = support if over == "expected" else support + named
    return np.asarray((occurring > 0).reshape(-1, support.shape[-1]).any(axis=0))


def accuracy(of: Sums) -> "Floats":
    """The share of all that was answered rightly."""
    return _ratio(of.hits.sum(axis=-1), of.support.sum(axis=-1))


def balanced_accuracy(of: Sums) -> "Floats":
    """The mean recall of the classes that are expected."""
    import numpy as np

    expected = np.broadcast_to(of.support > 0, of.support.shape)
    return _ratio((_ratio(of.hits, of.support) * expected).sum(axis=-1), expected.sum(axis=-1))


def precision(of: Sums, average: Average) -> "Floats":
    """How much of what was named is right."""
    return _averaged(of, average, lambda hits, support, named: _ratio(hits, named))


def recall(of: Sums, average: Average) -> "Floats":
    """How much of what was expected is named."""
    return _averaged(of, average, lambda hits, support, named: _ratio(hits, support))


def f_beta(of: Sums, average: Average, beta: float = 1.0) -> "Floats":
    """The weighted harmonic mean of precision and recall, recall counting beta times as much (van Rijsbergen 1979).

    `macro` is the mean over classes, `weighted` that with their support as weights, `micro` is taken of the
    sums over classes: with every reply readable it is the accuracy.
    """
    return _averaged(of, average, lambda hits, support, named: _f(hits, support, named, beta))


def mcc(of: Sums) -> "Floats":
    """Matthews' correlation coefficient for many classes (Gorodkin 2004); 0 when one side never varies.

    Here unreadable replies are a class that is named and never expected, so they lower it.
    """
    import numpy as np

    n = of.support.sum(axis=-1).astype(np.float64)
    unreadable = n - of.named.sum(axis=-1)
    together = of.hits.sum(axis=-1) * n - (of.support * of.named).sum(axis=-1)
    named = n**2 - (of.named.astype(np.float64) ** 2).sum(axis=-1) - unreadable**2
    expected = n**2 - (of.support.astype(np.float64) ** 2).sum(axis=-1)
    return _ratio(together, np.sqrt(named * expected))


def per_class(of: Sums, beta: float = 1.0) -> PerClass:
    """Precision, recall, F-beta and support of every class."""
    return PerClass(
        _ratio(of.hits, of.named),
        _ratio(of.hits, of.support),
        _f(of.hits, of.support, of.named, beta),
        of.support,
    )


def estimate(
    confusion: "ArrayLike",
    statistic: Statistic,
    *,
    lowest: float = 0.0,
    n: int | None = None,
    draws: int = INTERVAL_DRAWS,
) -> Estimate:
    """A score of one table with its 95 % bootstrap interval, at least as wide as `metrics.least_half_width` says.

    `lowest` is the smallest value that the score can have. `n` is how many examples it rests on, where these
    are not all: the support of the class whose recall it is, say. On none the interval is all that can be.
    """
    import numpy as np

    table = np.asarray(confusion, np.int64)
    rests_on = int(table.sum()) if n is None else n
    if rests_on == 0 or not table.any():
        return Estimate(0.0, lowest, 1.0, 0)
    low, high = interval(table, statistic, draws)
    return widened(float(statistic(sums(table))), low, high, rests_on, lowest)


def widened(value: float, low: float, high: float, n: int, lowest: float = 0.0) -> Estimate:
    """An estimate whose interval ends no nearer to its value than n examples allow, nor outside [lowest, 1]."""
    least = least_half_width(n)
    ends = max(lowest, min(low, value - least)), min(1.0, max(high, value + least))
    return Estimate(round(value, DECIMALS), round(ends[0], DECIMALS), round(ends[1], DECIMALS), n)


def interval(
    confusion: "ArrayLike", statistic: Statistic, draws: int = INTERVAL_DRAWS, seed: int = INTERVAL_SEED
) -> tuple[float, float]:
    """The ends of the 95 % bootstrap interval of a score of one table, drawn as `metrics.resamples` does.

    (0, 1) on no examples. Few examples leave more open than this says: see `metrics.least_half_width`.
    """
    import numpy as np

    table = np.asarray(confusion, np.int64)
    if not table.any():
        return 0.0, 1.0
    return percentiles([statistic(drawn) for drawn in resampled(table, draws, np.random.default_rng(seed))])


def resampled(confusion: "Ints", draws: int, rng: "np.random.Generator") -> Iterator[Sums]:
    """The sums of bootstrap draws of the examples of one table, some draws at a time.

    Averages of every draw are over the classes that the table itself expects.
    """
    import numpy as np

    over = sums(confusion).over
    classes = len(confusion)
    expected, answered = np.nonzero(confusion)
    for weights in resamples(expected, confusion[expected, answered], draws, rng):
        done = 0
        for rows in chunks(len(weights), confusion.size):
            tables = np.zeros((rows, classes, classes + 1), np.int64)
            tables[:, expected, answered] = weights[done : done + rows]
            done += rows
            drawn = sums(tables)
            yield Sums(drawn.hits, drawn.support, drawn.named, over)


def _averaged(of: Sums, average: Average, score: Callable[["Ints", "Ints", "Ints"], "Floats"]) -> "Floats":
    if average == "micro":
        return score(of.hits.sum(axis=-1), of.support.sum(axis=-1), of.named.sum(axis=-1))
    scores = score(of.hits, of.support, of.named)
    if average == "weighted":
        return _ratio((scores * of.support).sum(axis=-1), of.support.sum(axis=-1))
    return _ratio((scores * of.over).sum(axis=-1), of.over.sum(axis=-1))


def _f(hits: "Ints", support: "Ints", named: "Ints", beta: float) -> "Floats":
    return _ratio((1 + beta**2) * hits, beta**2 * support + named)


def _ratio(part: "ArrayLike", whole: "ArrayLike") -> "Floats":
    """part / whole, and 0 where the whole is 0."""
    import numpy as np

    above, below = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    found: Floats = np.divide(above, below, out=np.zeros(np.broadcast(above, below).shape), where=below > 0)
    return found
