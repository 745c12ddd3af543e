"""Made-up worlds in which the truth is known: many candidates, tried on the same examples against one base prompt."""

from collections.abc import Iterator
from math import sqrt
from typing import TYPE_CHECKING

from app.domain.mcnemar import one_sided_p
from app.domain.multiplicity import holm
from app.domain.racing import race
from app.domain.shrinkage import shrink_paired
from benchmarks.figures import Figure

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]

CANDIDATES, EXAMPLES, BASE, SPREAD = 32, 500, 0.7, 0.04
CORRELATION = 0.8  # of two prompts on one example: they differ on about a fifth of the examples
LOOK_EVERY = 25
LEVEL = 0.05
PUBLISHED = 1_000  # runs behind the figure of 35 % that is to be reproduced


def answers(rng: "np.random.Generator", accuracies: "Floats", examples: int) -> "Bools":
    """Who is right on which example, a row a prompt: a Gaussian copula over what makes an example easy."""
    import numpy as np
    from scipy.special import ndtri

    easy = sqrt(CORRELATION) * rng.standard_normal(examples)
    own = sqrt(1 - CORRELATION) * rng.standard_normal((len(accuracies), examples))
    right: Bools = easy + own < np.asarray(ndtri(accuracies))[:, None]
    return right


def false_claims(runs: int) -> Iterator[Figure]:
    """How often the best of 32 is announced as better than the base in a world where all are alike."""
    import numpy as np

    rng = np.random.default_rng(31)
    raw = corrected = 0
    for _ in range(runs):
        base, *tried = answers(rng, np.full(CANDIDATES + 1, BASE), EXAMPLES)
        ps = [one_sided_p(int((base & ~one).sum()), int((one & ~base).sum())) for one in tried]
        best = int(np.argmax([one.sum() for one in tried]))
        raw += ps[best] <= LEVEL
        corrected += holm(ps)[best] <= LEVEL
    noise = round(300 * sqrt(0.35 * 0.65 * (1 / runs + 1 / PUBLISHED)), 1)  # three standard errors of the difference
    yield Figure("false claims, best of 32, uncorrected p", 100 * raw / runs, least=35 - noise, most=35 + noise)
    yield Figure("false claims, best of 32, Holm over all 32", 100 * corrected / runs, most=5.0)


def races(runs: int) -> Iterator[Figure]:
    """What the race of all against all costs and loses against evaluating all candidates in full."""
    import numpy as np

    rng = np.random.default_rng(32)
    calls, lost, kept = np.zeros(runs), np.zeros(runs), np.zeros(runs)
    for run in range(runs):
        true = np.clip(rng.normal(BASE, SPREAD, CANDIDATES), 0.01, 0.99)
        right = answers(rng, true, EXAMPLES)
        left, bought = survivors(right)
        scores = right.sum(axis=1)
        calls[run] = bought / right.size
        lost[run] = true[scores.argmax()] - true[left[scores[left].argmax()]]
        kept[run] = true.argmax() in left
    yield Figure("race of 32: share of the calls", 100 * calls.mean(), most=40.0)
    yield Figure("race of 32: accuracy lost", 100 * lost.mean(), "points", most=0.2, decimals=3)
    yield Figure("race of 32: the truly best one is kept", 100 * kept.mean())


def survivors(right: "Bools") -> tuple["NDArray[np.int64]", int]:
    """Who is still there at the end of a race with a look every 25 examples, and the calls that it took."""
    import numpy as np

    left, bought = np.arange(len(right)), 0
    for seen in range(LOOK_EVERY, right.shape[1] + 1, LOOK_EVERY):
        bought += LOOK_EVERY * len(left)
        if seen == right.shape[1]:
            break
        counted = right[left, :seen].astype(np.float64)
        wins = (counted @ (1 - counted).T).astype(np.int64).tolist()
        left = np.delete(left, race(wins, seen))
    return left, bought


def optimism(runs: int) -> Iterator[Figure]:
    """How far above the truth the winner's score is, as measured and shrunk, when 20 are tried on 100 examples."""
    import numpy as np

    for name, spread in (("alike", 0.0), ("of SD 4 points", SPREAD)):
        rng, raw, shrunk = np.random.default_rng(33), 0.0, 0.0
        for _ in range(runs):
            true = np.clip(rng.normal(BASE, spread, 20), 0.01, 0.99)
            found = answers(rng, true, 100)
            best = int(found.sum(axis=1).argmax())
            raw += found[best].mean() - true[best]
            shrunk += shrink_paired(found.tolist()).scores[best] - true[best]
        yield Figure(f"best of 20, {name}, on 100 examples: score above the truth", 100 * raw / runs, "points")
        yield Figure(
            f"best of 20, {name}, on 100 examples: shrunk score above the truth", 100 * shrunk / runs, "points"
        )
