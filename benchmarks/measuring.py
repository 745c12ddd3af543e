"""How long ratings and comparisons take: `python -m benchmarks.measuring [--quick] [--runs N] [--json OUT]`.

Medians of wall milliseconds in one process; exit 1 when a bar is missed. `--quick` takes a hundredth of the rows.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from app.domain.comparing import compare
from app.domain.goals import Goal
from app.domain.metrics import measure
from app.domain.ratings import rate_arrays
from benchmarks.figures import Figure, table, write

BATTLES, PLAYERS = 1_000_000, 20
ROWS, CLASSES, DRAWS = 100_000, 5, 10_000


def milliseconds(work: Callable[[], object], runs: int) -> float:
    """The median of some runs, after one that pays for imports."""
    work()
    took = []
    for _ in range(runs):
        began = perf_counter()
        work()
        took.append(1000 * (perf_counter() - began))
    return median(took)


def ratings(battles: int, runs: int) -> Iterator[Figure]:
    """Bradley-Terry with Davidson's ties and intervals, from the arrays of who met whom and how it ended."""
    rng = np.random.default_rng(41)
    left = rng.integers(0, PLAYERS, battles)
    right = (left + rng.integers(1, PLAYERS, battles)) % PLAYERS
    stronger = (left - right) * 0.05 + rng.logistic(size=battles)
    outcome = np.where(np.abs(stronger) < 0.4, 2, (stronger < 0).astype(np.int64))
    names = [f"version {place}" for place in range(PLAYERS)]
    took = milliseconds(lambda: rate_arrays(left, right, outcome, names), runs)
    yield Figure(f"ratings of {PLAYERS} from {battles:,} battles with ties", took, "ms", most=50.0)


def comparisons(rows: int, runs: int) -> Iterator[Figure]:
    """Two evaluations of the same rows, from lists as the shell has them."""
    rng = np.random.default_rng(42)
    expected = rng.integers(0, CLASSES, rows)
    a, b = (
        np.where(rng.random(rows) < right, expected, rng.integers(-1, CLASSES, rows)).tolist() for right in (0.7, 0.71)
    )
    known, goal = expected.tolist(), Goal("macro_f1")
    of = f"{rows:,} rows, macro F1 of {CLASSES} classes"
    took = milliseconds(lambda: compare(goal, known, a, b, CLASSES, 0, DRAWS), runs)
    yield Figure(f"comparison of {of}, {DRAWS:,} permutations", took, "ms", most=2_000.0, decimals=0)
    took = milliseconds(lambda: compare(Goal("accuracy"), known, a, b, CLASSES, 0), runs)
    yield Figure(f"comparison of {rows:,} rows, accuracy", took, "ms", decimals=0)
    took = milliseconds(lambda: measure(goal, known, a, CLASSES), runs)
    yield Figure(f"score with interval of {of}", took, "ms", decimals=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a hundredth of the rows")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    part = 100 if chosen.quick else 1
    found = [*ratings(BATTLES // part, chosen.runs), *comparisons(ROWS // part, chosen.runs)]
    print(table(found))
    if chosen.json:
        write(found, chosen.json)
    sys.exit(not all(one.met for one in found))


if __name__ == "__main__":
    main()
