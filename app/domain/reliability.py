"""Whether stated probabilities come true: reliability bins and the expected calibration error (ECE).

`stated` is the probability of something and `truth` whether it was so: of a label, or, for one of many, of the answer
that leads (`top_label`). Bins are left-closed, the last one closed on both sides.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from app.domain.metrics import INTERVAL_SEED, wilson

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

MOST_BINS = 15
EXAMPLES_A_BIN = 30
DRAWS = 500
GRID = 100  # steps within which stated probabilities are drawn as one

Binning = Literal["equal width", "equal count"]


@dataclass(frozen=True)
class Bin:
    """The examples whose stated probability lies in [low, high): what was stated on average, and what came true.

    `least` and `most` are the ends of Wilson's 95 % interval of the share that came true.
    """

    low: float
    high: float
    n: int
    stated: float
    true: float
    least: float
    most: float


@dataclass(frozen=True)
class CalibrationError:
    """The ECE, 0 to 1, lower is better, with its 95 % interval.

    `perfect` is what a model shows on average whose stated probabilities are exactly right, at this number of
    examples, and `perfect_most` what only one in twenty such models exceeds: an error below it is no evidence.
    """

    value: float
    low: float
    high: float
    perfect: float
    perfect_most: float
    n: int
    bins: int


def bins_for(n: int) -> int:
    """15 bins, or one for every 30 examples when that is fewer."""
    return max(1, min(MOST_BINS, n // EXAMPLES_A_BIN))


def top_label(probabilities: "ArrayLike", expected: "ArrayLike") -> tuple["Floats", "NDArray[np.bool_]"]:
    """The highest probability of each row of shape (n, labels), and whether its label is the expected one."""
    import numpy as np

    p = np.asarray(probabilities, np.float64)
    return p.max(axis=1), p.argmax(axis=1) == np.asarray(expected)


def edges(stated: "ArrayLike", bins: int, binning: Binning = "equal width") -> "Floats":
    """Where the bins begin, and the end of the last. Equal stated probabilities are never parted, so there may be fewer."""
    import numpy as np

    if binning == "equal width":
        width: Floats = np.arange(bins + 1) / bins
        return width
    ordered = np.sort(np.asarray(stated, np.float64))
    starts = ordered[(np.arange(1, bins) * len(ordered)) // bins] if len(ordered) else np.empty(0)
    return np.unique(np.concatenate([[0.0], starts[starts > 0], [1.0]]))


def reliability(stated: "ArrayLike", truth: "ArrayLike", at: "Floats") -> tuple[Bin, ...]:
    """The bins between the edges that hold any examples. Raises ValueError for what is no probability."""
    import numpy as np

    p, y = _checked(stated, truth)
    place = _places(p, at)
    count, sums, hits = (np.bincount(place, part, len(at) - 1) for part in (None, p, y))
    return tuple(
        Bin(float(at[b]), float(at[b + 1]), n, float(sums[b] / n), float(hits[b] / n), *wilson(int(hits[b]), n))
        for b, n in enumerate(count.tolist())
        if n
    )


def calibration_error(
    stated: "ArrayLike",
    truth: "ArrayLike",
    bins: int | None = None,
    binning: Binning = "equal width",
    seed: int = INTERVAL_SEED,
) -> CalibrationError:
    """The ECE with its interval, and beside it what perfect calibration would show.

    The interval reaches up to where the bootstrap does and as far down, and to 0 where one in twenty perfectly
    calibrated models shows as much: plain percentiles lie too high, for resampling adds to an ECE the noise that it
    has already. Raises ValueError without examples or for what is no probability.
    """
    import numpy as np

    p, y = _checked(stated, truth)
    at = edges(p, bins_for(len(p)) if bins is None else bins, binning)
    place = _places(p, at)
    cells = _cells(p, y, place)
    value = float(np.abs(np.bincount(place, y - p)).sum()) / len(p)
    rng = np.random.default_rng(seed)
    high = max(value, float(np.quantile(_resampled(cells, rng), 0.975)))
    perfect = _perfect(cells, rng)
    most = float(np.quantile(perfect, 0.95))
    low = 0.0 if value <= most else max(0.0, 2 * value - high)
    return CalibrationError(value, low, min(1.0, high), float(perfect.mean()), most, len(p), len(at) - 1)


@dataclass(frozen=True, eq=False)
class _Cells:
    """Examples with nearly the same stated probability in one bin: their bin, mean, and counts of no and yes."""

    bin: "Ints"
    mean: "Floats"
    no: "Ints"
    yes: "Ints"


def _checked(stated: "ArrayLike", truth: "ArrayLike") -> tuple["Floats", "Floats"]:
    import numpy as np

    p, y = np.asarray(stated, np.float64), np.asarray(truth, np.float64)
    if p.shape != y.shape or not len(p):
        raise ValueError(f"{len(p)} stated probabilities, {len(y)} truths")
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError("a stated probability is not between 0 and 1")
    return p, y


def _places(p: "Floats", at: "Floats") -> "Ints":
    import numpy as np

    places: Ints = np.clip(np.searchsorted(at, p, side="right") - 1, 0, len(at) - 2)
    return places


def _cells(p: "Floats", y: "Floats", place: "Ints") -> _Cells:
    """Parted by bin and by a fine grid, so that drawing costs the same at any number of examples."""
    import numpy as np

    code = place * (GRID + 1) + np.floor(p * GRID).astype(np.int64)
    count, yes, sums = (np.bincount(code, part) for part in (None, y, p))
    held = np.flatnonzero(count)
    hits = yes[held].astype(np.int64)
    return _Cells(held // (GRID + 1), sums[held] / count[held], count[held] - hits, hits)


def _gaps(bin_of: "Ints", above: "Floats") -> "Floats":
    """What the bins of each row came out above or below what they stated, summed over the bins.

    `above` has shape (draws, cells) and holds what a cell came out above what it stated, in examples; cells of one
    bin stand together.
    """
    import numpy as np

    begins = np.flatnonzero(np.diff(bin_of, prepend=-1))
    gaps: Floats = np.abs(np.add.reduceat(above, begins, axis=1)).sum(axis=1)
    return gaps


def _resampled(cells: _Cells, rng: "np.random.Generator") -> "Floats":
    """The ECE of examples drawn anew with replacement."""
    import numpy as np

    counts = np.stack([cells.no, cells.yes], axis=1).ravel()
    residual = np.stack([-cells.mean, 1 - cells.mean], axis=1).ravel()
    n = counts.sum()
    weights = rng.multinomial(n, counts / n, size=DRAWS)
    return _gaps(np.repeat(cells.bin, 2), weights * residual) / float(n)


def _perfect(cells: _Cells, rng: "np.random.Generator") -> "Floats":
    """The ECE of the same stated probabilities when each comes true as often as it says."""
    import numpy as np

    counts = cells.no + cells.yes
    hits = rng.binomial(counts, np.clip(cells.mean, 0, 1), size=(DRAWS, len(counts)))
    return _gaps(cells.bin, hits - counts * cells.mean) / float(counts.sum())
