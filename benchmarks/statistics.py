"""Whether our statistics keep their promises in made-up worlds: `python -m benchmarks.statistics [--quick] [--json OUT]`.

Exit 1 when a bar is missed. Every draw has a fixed seed, so the same code gives the same figures.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np

from benchmarks import coverage, worlds
from benchmarks.figures import Figure, table, write
from benchmarks.precision_target import miss_rate


@dataclass(frozen=True)
class Scale:
    """How many worlds of each kind are drawn, and how many examples intervals are tried on."""

    claims: int
    races: int
    optimism: int
    bootstraps: int
    sizes: tuple[int, ...]
    thresholds: int


FULL = Scale(claims=5_000, races=2_000, optimism=2_000, bootstraps=2_000, sizes=(100, 200, 500), thresholds=2_000)
QUICK = Scale(claims=500, races=100, optimism=100, bootstraps=100, sizes=(100,), thresholds=150)


def _precision_targets(draws: int) -> Iterator[Figure]:
    rng = np.random.default_rng(20_260)
    for n in (300, 1_000, 3_000):
        missed = 100 * miss_rate(draws, n, 0.8, rng)
        slack = 300 * (0.1 * 0.9 / draws) ** 0.5 if draws < 1_000 else 0.0
        yield Figure(f"tuned thresholds that miss precision 0.80, n = {n:,}", missed, most=10 + slack)


# One line a promise.
PROMISES: tuple[Callable[[Scale], Iterator[Figure]], ...] = (
    lambda scale: worlds.false_claims(scale.claims),
    lambda scale: worlds.races(scale.races),
    lambda scale: worlds.optimism(scale.optimism),
    lambda scale: coverage.of_shares(scale.sizes),
    lambda scale: coverage.of_differences(scale.sizes),
    lambda scale: coverage.of_macro_f1(scale.bootstraps, scale.sizes),
    lambda scale: coverage.of_groups(scale.bootstraps),
    lambda scale: _precision_targets(scale.thresholds),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few worlds, in seconds")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    began, found = perf_counter(), list[Figure]()
    for promise in PROMISES:
        found += promise(QUICK if chosen.quick else FULL)
        print(f"{found[-1].name}: {perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    print(table(found))
    if chosen.json:
        write(found, chosen.json)
    sys.exit(not all(one.met for one in found))


if __name__ == "__main__":
    main()
