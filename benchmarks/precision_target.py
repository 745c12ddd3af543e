"""How often a threshold tuned for a precision misses it on new data, and what a page of thresholds costs.

`python -m benchmarks.precision_target [--draws 2000] [--sizes 300 1000 3000] [--target 0.8] [--rows 100000] [--json OUT]`.
The world is known: a quarter of the examples has the label, their log-odds lie 1.85 deviations above the others', so
the true precision of any threshold is exact. Ends with 1 when our rule misses in more than 10 % of the sets, or a page
takes longer than 200 ms. A label that is never said, or whose threshold was not tuned for want of examples, misses
nothing: `named` is the share of the sets for which there is a threshold to miss with.
"""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from scipy.special import expit, logit, ndtr

from app.domain.curves import area_estimates, brier, log_loss, sweep
from app.domain.reliability import bins_for, calibration_error, edges, reliability
from app.domain.thresholds import (
    At,
    best_fbeta,
    cheapest,
    cost_everywhere,
    fbeta_everywhere,
    precision_at_recall,
    recall_at_precision,
)

SHARE, APART = 0.25, 1.85
MOST_MISSED, MOST_MS = 0.10, 200.0
SEED = 20_000


@dataclass(frozen=True)
class Misses:
    """Shares of the drawn sets: for which our rule named a threshold, in which that missed, and the naive rule's misses.

    Recalls are means of the true ones over all sets, 0 where no threshold was named.
    """

    n: int
    target: float
    named: float
    missed: float
    naive_missed: float
    recall: float
    naive_recall: float


def draw(n: int, rng: np.random.Generator) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Truth and honest probabilities of n examples."""
    truth = rng.random(n) < SHARE
    evidence = rng.normal(APART * truth)
    return truth, expit(logit(SHARE) + APART * evidence - APART**2 / 2)


def true_rates(at: At) -> tuple[float, float]:
    """The precision and recall of a threshold in the whole world."""
    cut = (logit(at.threshold) - logit(SHARE) + APART**2 / 2) / APART
    recall, fall_out = float(ndtr(APART - cut)), float(ndtr(-cut))
    return SHARE * recall / (SHARE * recall + (1 - SHARE) * fall_out), recall


def simulate(draws: int, n: int, target: float, rng: np.random.Generator) -> Misses:
    """Tune on n examples, look at the truth, many times."""
    ours: list[tuple[float, float]] = []
    naive: list[tuple[float, float]] = []
    for _ in range(draws):
        choice = recall_at_precision(sweep(*draw(n, rng)), target)
        if not choice.reason:
            ours.append(true_rates(choice.at))
        if choice.optimistic:
            naive.append(true_rates(choice.optimistic))
    return Misses(
        n,
        target,
        len(ours) / draws,
        _below(ours, target) / draws,
        _below(naive, target) / draws,
        sum(recall for _, recall in ours) / draws,
        sum(recall for _, recall in naive) / draws,
    )


def miss_rate(draws: int, n: int, target: float, rng: np.random.Generator) -> float:
    """The share of the sets for which our rule names a threshold whose true precision is below the target."""
    return simulate(draws, n, target, rng).missed


def _below(rates: list[tuple[float, float]], target: float) -> int:
    return sum(precision < target for precision, _ in rates)


def page(truth: np.ndarray[Any, Any], p: np.ndarray[Any, Any]) -> dict[str, float]:
    """What a page of thresholds needs, and the milliseconds of each part."""
    swept = sweep(truth, p)
    parts: dict[str, Callable[[], object]] = {
        "sort and sweep": lambda: sweep(truth, p),
        "curve and slider": lambda: (
            swept.thinned(400),
            fbeta_everywhere(swept, 1),
            cost_everywhere(swept, 1, 5),
        ),
        "thresholds": lambda: (
            best_fbeta(swept),
            recall_at_precision(swept, 0.9),
            precision_at_recall(swept, 0.8),
            cheapest(swept, 1, 5),
        ),
        "areas with intervals": lambda: area_estimates(swept),
        "Brier and log loss": lambda: (brier(p, truth), log_loss(p, truth)),
        "reliability": lambda: reliability(p, truth, edges(p, bins_for(len(p)))),
        "calibration error": lambda: calibration_error(p, truth),
    }
    return {name: _milliseconds(part) for name, part in parts.items()}


def _milliseconds(work: Callable[[], object], repeats: int = 5) -> float:
    """The median of some runs."""
    times = []
    for _ in range(repeats):
        begun = perf_counter()
        work()
        times.append(1000 * (perf_counter() - begun))
    return sorted(times)[repeats // 2]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=2_000)
    parser.add_argument("--sizes", type=int, nargs="+", default=[300, 1_000, 3_000])
    parser.add_argument("--target", type=float, default=0.8)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    rng = np.random.default_rng(SEED)
    found = [simulate(given.draws, n, given.target, rng) for n in given.sizes]
    print(f"precision {given.target:g} asked for, {given.draws:,} sets of each size")
    print("    n  named  missed  naive missed  true recall  naive recall")
    for row in found:
        print(f"{row.n:5} {row.named:6.3f} {row.missed:7.3f} {row.naive_missed:13.3f}", end="")
        print(f"{row.recall:13.3f} {row.naive_recall:13.3f}")
    times = page(*draw(given.rows, rng))
    total = sum(times.values())
    print(f"a page of {given.rows:,} rows: {total:.0f} ms")
    for name, ms in times.items():
        print(f"  {name:22}{ms:8.2f} ms")
    if given.json:
        told = {"misses": [asdict(row) for row in found], "page_ms": times}
        given.json.write_text(json.dumps(told, indent=1), encoding="utf-8")
    return int(max(row.missed for row in found) > MOST_MISSED or total > MOST_MS)


if __name__ == "__main__":
    sys.exit(main())
