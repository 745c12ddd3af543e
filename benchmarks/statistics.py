"""Whether our statistics keep their promises in made-up worlds: `python -m benchmarks.statistics [--quick] [--json OUT]`.

Exit 1 when a bar is missed. Every draw has a fixed seed, so the same code gives the same figures.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from benchmarks import coverage, worlds
from benchmarks.figures import Figure, table, write


@dataclass(frozen=True)
class Scale:
    """How many worlds of each kind are drawn, and how many examples intervals are tried on."""

    claims: int
    races: int
    optimism: int
    bootstraps: int
    sizes: tuple[int, ...]


FULL = Scale(claims=5_000, races=2_000, optimism=2_000, bootstraps=2_000, sizes=(100, 200, 500))
QUICK = Scale(claims=500, races=100, optimism=100, bootstraps=100, sizes=(100,))

# One line a promise; a new one (such as how often a tuned threshold misses its target precision) joins here.
PROMISES: tuple[Callable[[Scale], Iterator[Figure]], ...] = (
    lambda scale: worlds.false_claims(scale.claims),
    lambda scale: worlds.races(scale.races),
    lambda scale: worlds.optimism(scale.optimism),
    lambda scale: coverage.of_shares(scale.sizes),
    lambda scale: coverage.of_differences(scale.sizes),
    lambda scale: coverage.of_macro_f1(scale.bootstraps, scale.sizes),
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
