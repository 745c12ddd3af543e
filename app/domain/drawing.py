"""Bootstrap draws and permutations of answers that are counted out in cells, as the sums that scores are made of.

Up to 5,000 cells the examples of each are drawn by their number. Beyond, nearly every example is a cell of its own, and
random bundles of examples are drawn instead. The spread of such draws is that of drawing examples one by one up to 1.4 %
of itself (1 / sqrt(2 * 2,500)), half of what 2,000 draws leave open; and swapping whole bundles is as exact a permutation.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

SMALL_CLASS = 30
MOST_CELLS = 5_000
BUNDLES = 2_500
FEWEST_BUNDLES = 200  # of one stratum, where it has so many examples
_DENSE = 20_000_000  # sums held in full: 160 MB
_CHUNK = 2_000_000  # cells times draws held in memory at once: 16 MB


def resampled(
    each: "csr_array", of_class: "Ints", counts: "Ints", draws: int, rng: "np.random.Generator"
) -> Iterator["Floats"]:
    """Sums of bootstrap draws of examples, in chunks of shape (some draws, width).

    `each`, of shape (cells, width), is what an example of each cell adds.
    """
    strata = _drawn_apart(of_class, counts)
    sizes = _bundles(strata, counts)
    if len(counts) <= max(MOST_CELLS, 2 * sum(sizes)):
        for weights in resamples(of_class, counts, draws, rng):
            yield weights @ each
        return
    sums = _bundled(each, strata, counts, sizes, rng)
    for rows in chunks(draws, sum(sizes)):
        yield _redrawn(sizes, rows, rng) @ sums


def swapped(change: "csr_array", movable: "Ints", draws: int, rng: "np.random.Generator") -> Iterator["Floats"]:
    """What swaps add to the sums when each example is swapped with probability 1/2, in chunks of shape (some draws, width).

    `change`, of shape (cells, width), is what swapping an example of each cell adds, `movable` how many there are.
    """
    import numpy as np

    if len(movable) <= MOST_CELLS:
        for rows in chunks(draws, change.shape[1] + len(movable)):
            yield rng.binomial(movable, 0.5, size=(rows, len(movable))) @ change
        return
    sums = _bundled(change, np.zeros_like(movable), movable, [BUNDLES], rng)
    for rows in chunks(draws, BUNDLES):
        yield rng.integers(0, 2, (rows, BUNDLES)) @ sums


def resamples(of_class: "Ints", counts: "Ints", draws: int, rng: "np.random.Generator") -> Iterator["Ints"]:
    """Bootstrap draws of examples as counts per cell, in chunks of shape (some draws, cells).

    When a class has fewer than 30 examples every class is drawn for itself, so that none vanishes.
    """
    import numpy as np

    of_class = _drawn_apart(of_class, counts)
    strata = np.unique(of_class)
    for rows in chunks(draws, len(counts)):
        weights = np.empty((rows, len(counts)), np.int64)
        for label in strata:
            inside = np.flatnonzero(of_class == label)
            n = counts[inside].sum()
            weights[:, inside] = rng.multinomial(n, counts[inside] / n, size=rows)
        yield weights


def chunks(draws: int, width: int) -> Iterator[int]:
    """Sizes that add up to `draws`, each small enough to hold with rows of this width."""
    most = max(1, _CHUNK // max(1, width))
    for start in range(0, draws, most):
        yield min(most, draws - start)


def _drawn_apart(of_class: "Ints", counts: "Ints") -> "Ints":
    """The strata that are drawn each for itself: the classes where one is small, else one of all."""
    import numpy as np

    if min(counts[of_class == label].sum() for label in np.unique(of_class)) >= SMALL_CLASS:
        return np.zeros_like(of_class)
    return of_class


def _bundles(strata: "Ints", counts: "Ints") -> list[int]:
    """Into how many bundles the examples of each stratum go."""
    import numpy as np

    of_each = [int(counts[strata == label].sum()) for label in np.unique(strata)]
    return [min(n, max(FEWEST_BUNDLES, BUNDLES * n // sum(of_each))) for n in of_each]


def _bundled(
    each: "csr_array", strata: "Ints", counts: "Ints", sizes: list[int], rng: "np.random.Generator"
) -> "Floats | csr_array":
    """The sums of random bundles of examples, stratum after stratum, of shape (bundles, width)."""
    import numpy as np
    from scipy.sparse import csr_array

    cells = np.repeat(np.arange(len(counts)), counts)
    of_example, of_bundle, first = strata[cells], np.empty(len(cells), np.int64), 0
    for label, size in zip(np.unique(strata), sizes, strict=True):
        inside = rng.permutation(np.flatnonzero(of_example == label))
        of_bundle[inside] = first + np.arange(len(inside)) % size
        first += size
    sums = csr_array((np.ones(len(cells)), (of_bundle, cells)), shape=(first, len(counts))) @ each
    return sums.toarray() if first * each.shape[1] <= _DENSE else sums


def _redrawn(sizes: list[int], rows: int, rng: "np.random.Generator") -> "Ints":
    """How often each bundle is drawn, of shape (rows, bundles): of every stratum as many as it has."""
    import numpy as np

    parts = []
    for size in sizes:
        drawn = rng.integers(0, size, (rows, size), np.int32) + size * np.arange(rows, dtype=np.int32)[:, None]
        parts.append(np.bincount(drawn.ravel(), minlength=rows * size).reshape(rows, size))
    return np.concatenate(parts, axis=1)
