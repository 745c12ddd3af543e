"""How long a labelled file takes from bytes to splits, stage by stage: python -m benchmarks.importing --rows 100000."""

import argparse
import json
import resource
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import accumulate
from multiprocessing import get_context
from random import Random

from app.domain.examples import build_examples, guess_columns
from app.domain.nearness import near_groups
from app.domain.overlap import forbidden_grams
from app.domain.splits import SplitItem, split
from app.domain.tables import TableLimits, read_table

LABELS = ("billing", "delivery", "refund", "praise", "other")
_SYLLABLES = [consonant + vowel for consonant in "bcdfghjklmnprstvwz" for vowel in "aeiou"] + ["an", "er", "in", "st"]


class Language:
    """Made-up words, the first of them as common as the first words of a real language are."""

    def __init__(self, rng: Random, words: int = 20_000) -> None:
        self._rng = rng
        self._words = ["".join(rng.choices(_SYLLABLES, k=rng.randint(1, 4))) for _ in range(words)]
        self._weights = list(accumulate(1 / (rank + 3) for rank in range(words)))

    def text(self, characters: int) -> str:
        return " ".join(self._rng.choices(self._words, cum_weights=self._weights, k=characters // 5))[:characters]


def varied(rng: Random, rows: int) -> Iterator[str]:
    """Messages of 50 to 300 characters; each tenth is followed by a copy of itself with one slip of the pen."""
    language = Language(rng)
    while True:
        message = language.text(rng.randint(50, 300))
        yield message
        if rng.random() < 0.1:
            place = rng.randrange(len(message))
            yield f"{message[:place]}#{message[place + 1 :]}"


def template(rng: Random, rows: int) -> Iterator[str]:
    """A long beginning that all rows share, three quarters of 200 characters."""
    language = Language(rng)
    beginning = language.text(150)
    while True:
        yield f"{beginning} {language.text(rng.randint(45, 55))}"


def family(rng: Random, rows: int) -> Iterator[str]:
    """A beginning of nine tenths of 250 characters: near the threshold, and nearly all rows become one group."""
    language = Language(rng)
    beginning = language.text(225)
    while True:
        yield f"{beginning} {language.text(rng.randint(24, 34))}"


def slots(rng: Random, rows: int) -> Iterator[str]:
    """Four phrases with a gap after each, filled from twenty wordings a gap."""
    language = Language(rng)
    phrases = [language.text(25) for _ in range(4)]
    wordings = [[language.text(25) for _ in range(20)] for _ in phrases]
    while True:
        yield " ".join(f"{phrase} {rng.choice(fills)}" for phrase, fills in zip(phrases, wordings, strict=True))


CASES: dict[str, Callable[[Random, int], Iterator[str]]] = {
    make.__name__: make for make in (varied, template, family, slots)
}


def file_of(case: str, rows: int, seed: int) -> bytes:
    """A JSON Lines file of so many different messages."""
    rng = Random(seed)
    messages: dict[str, None] = {}
    for message in CASES[case](rng, rows):
        messages[message] = None
        if len(messages) == rows:
            break
    lines = (
        json.dumps({"id": index, "text": text, "label": rng.choice(LABELS)}) for index, text in enumerate(messages)
    )
    return "\n".join(lines).encode()


def measure(case: str, rows: int, seed: int) -> dict[str, float]:
    """Seconds on the processor of each stage, by the clock of all, and the megabytes the process held at most."""
    data = file_of(case, rows, seed)
    seconds: dict[str, float] = {}

    @contextmanager
    def stage(name: str) -> Iterator[None]:
        began = time.process_time()
        yield
        seconds[name] = time.process_time() - began

    clock = time.perf_counter()
    with stage("read"):
        table = read_table(data, f"{case}.jsonl", TableLimits(max_rows=rows))
    with stage("build"):
        examples = build_examples(table, guess_columns(table), "drop").examples
    with stage("near-duplicates"):
        groups = near_groups([example.text for example in examples])
    with stage("split"):
        items = [SplitItem(e.key, e.label, e.group, group) for e, group in zip(examples, groups, strict=True)]
        placed = {} if len(set(groups)) == 1 else {place.key: place.split for place in split(items, seed)}
    with stage("grams"):
        train = [example.text for example in examples if placed.get(example.key, "train") == "train"]
        forbidden_grams(train, [example.text for example in examples if placed.get(example.key, "train") != "train"])
    seconds["all"] = sum(seconds.values())
    seconds["by the clock"] = time.perf_counter() - clock
    return {**seconds, "groups": len(set(groups)), "MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--case", choices=sorted(CASES), action="append", help="default: all of them")
    options = parser.parse_args()
    for case in options.case or CASES:
        with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as alone:
            found = alone.submit(measure, case, options.rows, options.seed).result()
        said = "  ".join(f"{name} {value:.1f}" for name, value in found.items() if name not in ("groups", "MB"))
        print(f"{case}, {options.rows} rows: {said} seconds; {found['groups']:.0f} groups; {found['MB']:.0f} MB")


if __name__ == "__main__":
    main()
