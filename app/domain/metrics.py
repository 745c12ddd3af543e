"""Turns many answers into one score with its 95 % interval, and reads the goal that names the score.

Labels are indices: `expected` and `answered` are equally long, and an answer of -1 is an unreadable
reply, which is always wrong. Every score is higher-is-better and lies in [0, 1]. The accuracy path
needs neither numpy nor scipy, so that a worker that only scores blocks stays small.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Literal, get_args

from app.errors import Invalid

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

Metric = Literal["accuracy", "macro_f1"]
METRICS: tuple[Metric, ...] = get_args(Metric)

Z95 = 1.959963984540054  # the normal distribution's 97.5 % point
DECIMALS = 6
INTERVAL_DRAWS = 2_000
INTERVAL_SEED = 20_000
SMALL_CLASS = 30
_CHUNK = 2_000_000  # cells times draws held in memory at once: 16 MB


@dataclass(frozen=True)
class Estimate:
    """A score with its 95 % interval, on n examples."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Goal:
    """The score to raise."""

    name: Metric


def parse_goal(text: str) -> Goal:
    """The goal that a text names; case does not matter, nor a blank or hyphen for the underscore.

    Raises Invalid, with what is possible and what was given.
    """
    wanted = "_".join(text.casefold().replace("-", " ").replace("_", " ").split())
    for name in METRICS:
        if wanted == name:
            return Goal(name)
    raise Invalid(f"the goal must be one of {', '.join(METRICS)}; given was {text!r}")


def measure(goal: Goal, expected: Sequence[int], answered: Sequence[int], labels: int) -> Estimate:
    """The score with its 95 % interval; on no examples 0 with the interval from 0 to 1.

    Accuracy has Wilson's interval. Macro F1 is the mean of F1 over the classes that occur in
    `expected` (an answer of another class is wrong, and that class has no F1 of its own), so no F1
    is ever 0/0; it has the percentile interval of 2,000 bootstrap draws from a fixed seed, and at
    least what `least_half_width` says.
    Raises ValueError when the lengths differ or an index is no label.
    """
    require_labels(expected, answered, labels)
    n = len(expected)
    if n == 0:
        return Estimate(0.0, 0.0, 1.0, 0)
    if goal.name == "macro_f1":
        return _macro_f1_estimate(expected, answered)
    right = sum(e == a for e, a in zip(expected, answered, strict=True))
    return _rounded(right / n, *wilson(right, n), n)


def majority_baseline(goal: Goal, expected: Sequence[int], labels: int) -> float:
    """The score of always answering the commonest label."""
    require_labels(expected, (), labels)
    if not expected:
        return 0.0
    counts = Counter(expected)
    most, n = max(counts.values()), len(expected)
    return round(most / n if goal.name == "accuracy" else 2 * most / (most + n) / len(counts), DECIMALS)


def confusion(expected: Sequence[int], answered: Sequence[int], labels: int) -> list[list[int]]:
    """Counts with a row per expected label and a column per answered one; the last column is unreadable."""
    require_labels(expected, answered, labels)
    table = [[0] * (labels + 1) for _ in range(labels)]
    for (e, a), count in Counter(zip(expected, answered, strict=True)).items():
        table[e][a] = count  # -1 is the last column
    return table


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % score interval of a proportion (Wilson 1927)."""
    if n == 0:
        return 0.0, 1.0
    share, z2 = successes / n, Z95 * Z95
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    low = 0.0 if successes == 0 else max(0.0, middle - half)
    return low, 1.0 if successes == n else min(1.0, middle + half)


def clopper_pearson(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """The exact two-sided interval of a proportion (Clopper and Pearson 1934)."""
    from scipy.special import betaincinv

    tail = (1 - confidence) / 2
    low = 0.0 if successes == 0 else float(betaincinv(successes, n - successes + 1, tail))
    return low, 1.0 if successes == n else float(betaincinv(successes + 1, n - successes, 1 - tail))


def require_labels(expected: Sequence[int], answered: Sequence[int], labels: int) -> None:
    """Raises ValueError when lengths differ (no answers at all are fine) or an index is no label."""
    if answered and len(expected) != len(answered):
        raise ValueError(f"{len(expected)} expected labels, {len(answered)} answers")
    strangers = {e for e in set(expected) if not 0 <= e < labels} | {a for a in set(answered) if not -1 <= a < labels}
    if strangers:
        raise ValueError(f"no such label among {labels}: {sorted(strangers)}")


def _rounded(value: float, low: float, high: float, n: int) -> Estimate:
    return Estimate(round(value, DECIMALS), round(low, DECIMALS), round(high, DECIMALS), n)


def _macro_f1_estimate(expected: Sequence[int], answered: Sequence[int]) -> Estimate:
    import numpy as np

    classes = sorted(set(expected))
    cells, counts = tally((expected, answered), classes)
    parts = f1_parts(cells[:, 0], cells[:, 1], len(classes))
    value = float(macro_f1(counts @ parts))
    rng = np.random.default_rng(INTERVAL_SEED)
    draws = resamples(cells[:, 0], counts, INTERVAL_DRAWS, rng)
    low, high = percentiles([macro_f1(weights @ parts) for weights in draws])
    least = least_half_width(len(expected))
    return _rounded(value, max(0.0, min(low, value - least)), min(1.0, max(high, value + least)), len(expected))


def least_half_width(n: int) -> float:
    """What n examples leave open in any case: no bootstrap interval ends nearer to its point than this.

    It is what Wilson's interval leaves below n right of n, and Tango's beside nothing discordant.
    A bootstrap knows nothing of what it has not seen: of all right, or of one example per class,
    every draw is the same, and few examples would pass for certainty.
    """
    return Z95**2 / (n + Z95**2)


def tally(columns: Sequence[Sequence[int]], classes: Sequence[int]) -> tuple["Ints", "Ints"]:
    """The distinct rows of the columns in sorted order, and how often each occurs.

    Rows have shape (cells, columns) and hold places in `classes`, -1 for any other label: what is
    counted, not the number or order of examples, decides every cost and every draw from here on.
    """
    import numpy as np

    place = {label: position for position, label in enumerate(classes)}
    cells: Counter[tuple[int, ...]] = Counter()
    for row, count in Counter(zip(*columns, strict=True)).items():
        cells[tuple(place.get(label, -1) for label in row)] += count
    rows = sorted(cells)
    return np.array(rows, np.int64).reshape(-1, len(columns)), np.array([cells[row] for row in rows], np.int64)


def f1_parts(expected: "Ints", answered: "Ints", classes: int) -> "csr_array":
    """What one example of each cell adds to every class: shape (cells, 2 classes), first hits, then namings.

    A hit is an example of the class answered with it; a naming is the class expected or answered.
    Times counts per cell (a row, or a row per draw) this gives what `macro_f1` reads.
    """
    import numpy as np
    from scipy.sparse import csr_array

    cell, hit = np.arange(len(expected)), expected == answered
    rows = np.concatenate([cell[hit], cell, cell])
    columns = np.concatenate([expected[hit], expected + classes, answered + classes])
    known = np.concatenate([expected[hit] >= 0, expected >= 0, answered >= 0])
    ones = np.ones(int(known.sum()), np.int64)
    return csr_array((ones, (rows[known], columns[known])), shape=(len(expected), 2 * classes))


def macro_f1(sums: "Ints") -> "Floats":
    """Macro F1 of hits and namings per class, the last axis of `sums` twice as long as the classes.

    F1 is 2 hits / namings, and 0 for a class that is neither expected nor answered.
    """
    import numpy as np

    classes = sums.shape[-1] // 2
    scores: Floats = (2 * sums[..., :classes] / np.maximum(sums[..., classes:], 1)).mean(axis=-1)
    return scores


def percentiles(drawn: Sequence["Floats"]) -> tuple[float, float]:
    """The ends of the 95 % percentile interval of chunks of draws."""
    import numpy as np

    low, high = np.quantile(np.concatenate(drawn), (0.025, 0.975)).tolist()
    return low, high


def resamples(expected: "Ints", counts: "Ints", draws: int, rng: "np.random.Generator") -> Iterator["Ints"]:
    """Bootstrap draws of examples as counts per cell, in chunks of shape (some draws, cells).

    When a class has fewer than 30 examples every class is drawn for itself, so that none vanishes.
    """
    import numpy as np

    strata = np.unique(expected)
    if min(counts[expected == label].sum() for label in strata) >= SMALL_CLASS:
        expected, strata = np.zeros_like(expected), np.zeros(1, np.int64)
    for rows in chunks(draws, len(counts)):
        weights = np.empty((rows, len(counts)), np.int64)
        for label in strata:
            inside = np.flatnonzero(expected == label)
            n = counts[inside].sum()
            weights[:, inside] = rng.multinomial(n, counts[inside] / n, size=rows)
        yield weights


def chunks(draws: int, width: int) -> Iterator[int]:
    """Sizes that add up to `draws`, each small enough to hold with rows of this width."""
    most = max(1, _CHUNK // max(1, width))
    for start in range(0, draws, most):
        yield min(most, draws - start)
