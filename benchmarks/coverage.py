"""How often our 95 % intervals hold the truth: summed over all outcomes where these can be listed, else drawn."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from statistics import fmean
from typing import TYPE_CHECKING

from app.domain.comparing import compare, paired_interval, tango_interval
from app.domain.goals import Goal
from app.domain.metrics import clopper_pearson, measure, wilson
from benchmarks.figures import Figure
from benchmarks.worlds import CORRELATION, LEVEL

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

Interval = Callable[[int, int], tuple[float, float]]

SHARES = tuple(tenths / 10 for tenths in range(1, 10))
GAINS = (0.0, 0.05)
NEGLIGIBLE = 1e-9
CLASSES = (0.4, 0.25, 0.2, 0.1, 0.05)
READABLE, RIGHT = 0.98, 0.8
DOCUMENTS = 80


def of_shares(sizes: tuple[int, ...]) -> Iterator[Figure]:
    """Wilson's and Clopper and Pearson's intervals, over the binomial distribution."""

    for n in sizes:
        scores, exact = (_coverages(interval, n) for interval in (wilson, clopper_pearson))
        yield Figure(f"coverage of Wilson, n = {n}", 100 * fmean(scores), least=93, most=97, decimals=2)
        yield Figure(f"coverage of Clopper-Pearson, n = {n}", 100 * fmean(exact), least=95, most=97, decimals=2)
        yield Figure(f"coverage of Clopper-Pearson at its worst share, n = {n}", 100 * min(exact), least=95, decimals=2)


def _coverages(interval: Interval, n: int) -> list[float]:
    """The coverage at each true share."""
    import numpy as np
    from scipy.stats import binom

    ends = np.array([interval(k, n) for k in range(n + 1)])
    return [float(binom.pmf(range(n + 1), n, p)[(ends[:, 0] <= p) & (p <= ends[:, 1])].sum()) for p in SHARES]


def of_differences(sizes: tuple[int, ...]) -> Iterator[Figure]:
    """Tango's interval, over the trinomial distribution of the discordant examples; b is as good or 5 points better."""
    import numpy as np

    for n in sizes:
        interval = lru_cache(maxsize=None)(tango_interval)
        found = [_tango_coverage(interval, n, share, gain) for share in SHARES for gain in GAINS]
        yield Figure(f"coverage of Tango, n = {n}", 100 * float(np.mean(found)), least=93, most=97, decimals=2)


def _tango_coverage(interval: Callable[[int, int, int], tuple[float, float]], n: int, a: float, gain: float) -> float:
    import numpy as np
    from scipy.special import gammaln, ndtri, xlogy
    from scipy.stats import multivariate_normal

    both = multivariate_normal.cdf([ndtri(a), ndtri(a + gain)], cov=[[1, CORRELATION], [CORRELATION, 1]])
    alone = a - both, a + gain - both
    only_a, only_b = (each.ravel() for each in np.meshgrid(np.arange(n + 1), np.arange(n + 1), indexing="ij"))
    possible = only_a + only_b <= n
    only_a, only_b = only_a[possible], only_b[possible]
    rest = n - only_a - only_b
    logs = gammaln(n + 1) - gammaln(only_a + 1) - gammaln(only_b + 1) - gammaln(rest + 1)
    logs += xlogy(only_a, alone[0]) + xlogy(only_b, alone[1]) + xlogy(rest, 1 - sum(alone))
    chances = np.exp(logs)
    likely = chances > NEGLIGIBLE
    ends = np.array([interval(x, y, n) for x, y in zip(only_a[likely].tolist(), only_b[likely].tolist(), strict=True)])
    held = (ends[:, 0] <= gain + 1e-12) & (gain - 1e-12 <= ends[:, 1])
    return float(chances[likely][held].sum())


def of_macro_f1(runs: int, sizes: tuple[int, ...]) -> Iterator[Figure]:
    """The bootstrap of macro F1 over five classes, the rarest of them a twentieth: of one prompt, and of two."""
    import numpy as np

    for n in sizes:
        rng, alone, paired = np.random.default_rng((34, n)), 0, 0
        truth = [_true_macro_f1(right) for right in (RIGHT, RIGHT + 0.03)]
        for _ in range(runs):
            expected = rng.choice(len(CLASSES), n, p=CLASSES)
            a, b = (_answered(rng, expected, right) for right in (RIGHT, RIGHT + 0.03))
            one = measure(Goal("macro_f1"), expected.tolist(), a.tolist(), len(CLASSES))
            two = paired_interval(Goal("macro_f1"), expected.tolist(), a.tolist(), b.tolist(), len(CLASSES))
            alone += one.low <= truth[0] <= one.high
            paired += two.low <= truth[1] - truth[0] <= two.high
        yield Figure(f"coverage of bootstrap macro F1, n = {n}", 100 * alone / runs)
        yield Figure(f"coverage of bootstrap difference of macro F1, n = {n}", 100 * paired / runs)


def of_groups(runs: int) -> Iterator[Figure]:
    """Two alike prompts on documents of one to nine sentences, which are easy or hard, for both and for each, as a whole."""
    import numpy as np

    rng, goal = np.random.default_rng(35), Goal("accuracy")
    held, claimed = np.zeros(2), np.zeros(2)
    for _ in range(runs):
        groups = np.repeat(np.arange(DOCUMENTS), rng.integers(1, 10, DOCUMENTS)).tolist()
        a, b = _in_documents(rng, groups)
        expected = [1] * len(groups)
        for way, units in enumerate((groups, ())):
            found = measure(goal, expected, a, 2, units=units)
            held[way] += found.low <= RIGHT <= found.high
            p = compare(goal, expected, a, b, 2, 0, 999, units=units).p
            claimed[way] += p is not None and p <= LEVEL
    slack = 300 * (LEVEL * (1 - LEVEL) / runs) ** 0.5
    yield Figure("coverage of accuracy on documents, drawn whole", 100 * held[0] / runs, least=92)
    yield Figure("the same, sentence by sentence", 100 * held[1] / runs)
    yield Figure(
        "alike prompts on documents: differences claimed, swapped whole",
        100 * claimed[0] / runs,
        most=round(5 + slack, 1),
    )
    yield Figure("the same, sentence by sentence", 100 * claimed[1] / runs)


def _in_documents(rng: "np.random.Generator", groups: list[int]) -> list[list[int]]:
    """What two prompts, each right on `RIGHT` of all, answer to sentences of these documents (1 is right)."""
    import numpy as np
    from scipy.special import ndtri

    of_both = np.sqrt(0.4) * rng.standard_normal(DOCUMENTS)
    of_each = np.sqrt(0.3) * rng.standard_normal((2, DOCUMENTS))
    easy = (of_both + of_each)[:, groups] + np.sqrt(0.3) * rng.standard_normal((2, len(groups)))
    right: list[list[int]] = (easy < ndtri(RIGHT)).astype(np.int64).tolist()
    return right


def _answered(rng: "np.random.Generator", expected: "Ints", right: float) -> "Ints":
    """The right label, or any of the others alike, or now and then nothing that can be read."""
    import numpy as np

    other = (expected + rng.integers(1, len(CLASSES), len(expected))) % len(CLASSES)
    found = np.where(rng.random(len(expected)) < right, expected, other)
    return np.where(rng.random(len(expected)) < READABLE, found, -1)


def _true_macro_f1(right: float) -> float:
    """Macro F1 of the distribution that `_answered` draws from."""
    import numpy as np

    shares = np.array(CLASSES)
    hits = READABLE * right * shares
    named = hits + READABLE * (1 - right) * (1 - shares) / (len(CLASSES) - 1)
    return float((2 * hits / (shares + named)).mean())
