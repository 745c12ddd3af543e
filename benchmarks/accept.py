"""Every bar in full: `python -m benchmarks.accept [--only NAME,...] [--json OUT]`; exit 1 when one is missed."""

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.importing import file_of
from benchmarks.stacks import production, two_workers
from tests.conftest import data_folder
from tests.flows.killing import IN_FLIGHT, UNSAVED, run_under_kills
from tests.flows.running import Run, stable

GAINS = {"trec6": "accuracy", "snips_intents": "accuracy", "prompt_attacks": "accuracy", "sms_spam": "macro_f1"}
TOGETHER = 2


@dataclass(frozen=True)
class Bar:
    """One bar's finding: what was reached, what was asked, and the figures behind it."""

    name: str
    met: bool
    reached: str
    asked: str
    figures: Any


def verdicts(folder: Path, runs: Sequence[tuple[str, Path, tuple[str, ...]]]) -> list[dict[str, Any]]:
    """The reports of runs, two at a time, each in a data folder of its own."""

    def one(run: tuple[str, Path, tuple[str, ...]]) -> dict[str, Any]:
        name, file, options = run
        report = Run(folder / name, file, options).finish(900)
        gain = report["gain_on_holdout"] or {"value": None, "p": None}
        found = {"run": name, "verdict": report["verdict"], "gain": gain["value"], "p": gain["p"]}
        found |= {"start": report["start"]["dev"]["value"], "best": report["best"]["dev"]["value"]}
        found |= {"calls": report["calls_paid"], "rounds": len(report["rounds"]), "seconds": report["seconds"]}
        print(json.dumps(found), flush=True)
        return found

    with ThreadPoolExecutor(TOGETHER) as pool:
        return list(pool.map(one, runs))


def count_better(rows: Sequence[dict[str, Any]]) -> int:
    return sum(row["verdict"] == "better" for row in rows)


def gains(folder: Path) -> Bar:
    runs = [
        (f"{name}-{seed}", data_folder() / f"{name}.jsonl", ("--goal", goal, "--seed", str(seed)))
        for name, goal in GAINS.items()
        for seed in (1, 2, 3)
    ]
    rows = verdicts(folder, runs)
    better = count_better(rows)
    return Bar("gains", better >= 10, f"{better} of {len(rows)} better", "at least 10 of 12", rows)


def no_headroom(folder: Path) -> Bar:
    file = data_folder() / "rucola.jsonl"
    runs = [
        (f"rucola-{i}", file, ("--goal", "macro_f1", "--seed", str(i), "--split-seed", str(i))) for i in range(1, 6)
    ]
    rows = verdicts(folder, runs)
    better = count_better(rows)
    return Bar("no_headroom", better <= 1, f"{better} of {len(rows)} better", "at most 1 of 5", rows)


def shuffled(folder: Path) -> Bar:
    """Labels that say nothing: whatever is announced as better here is false."""
    source = [json.loads(line) for line in (data_folder() / "snips_intents.jsonl").read_text("utf-8").splitlines()]
    runs = []
    for i in range(1, 21):
        labels = [row["label"] for row in source]
        random.Random(i).shuffle(labels)
        file = folder / f"shuffled-{i}.jsonl"
        rows = [{"input": row["input"], "label": label} for row, label in zip(source, labels, strict=True)]
        file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        runs.append((f"shuffled-{i}", file, ("--seed", str(i), "--split-seed", str(i))))
    found = verdicts(folder, runs)
    better = count_better(found)
    return Bar("shuffled", better <= 2, f"{better} of {len(found)} better", "at most 2 of 20", found)


def same_report(folder: Path) -> Bar:
    """SQLite with the file broker, PostgreSQL and Redis with one worker, and with two."""
    file, options = data_folder() / "snips_intents.jsonl", ("--rounds", "5", "--seed", "1", "--max-calls", "20000")
    quiet = stable(Run(folder / "embedded", file, options).finish(600))
    with production() as services:
        one = stable(Run(folder / "one", file, options, services).finish(600))
    with production() as services, two_workers(folder / "two", services):
        two = stable(Run(folder / "two", file, options, services).finish(600))
    same = {"one worker": one == quiet, "two workers": two == quiet}
    return Bar("same_report", all(same.values()), str(same), "equal reports", same)


def kills(folder: Path) -> Bar:
    """Twenty kills of a campaign slowed to over two minutes, on both pairs of services."""
    file, count = data_folder() / "snips_intents.jsonl", 20
    options = ("--rounds", "6", "--seed", "2", "--max-calls", "20000")
    quiet = Run(folder / "quiet", file, options).finish(600)
    figures, met = {}, True
    for name in ("embedded", "production"):
        with production() as services:
            began = time.monotonic()
            report, seen, done = run_under_kills(
                folder / name,
                file,
                options,
                count,
                seed=11,
                latency=1.0,
                every=7.0,
                environment=services if name == "production" else {},
            )
        extra = seen - quiet["calls_paid"]
        same = stable(report) == stable(quiet)
        figures[name] = {"kills": done, "same": same, "extra": extra, "seconds": round(time.monotonic() - began)}
        met = met and same and done == count and extra <= done * (IN_FLIGHT + UNSAVED)
    return Bar("kills", met, json.dumps(figures), f"equal reports, extra <= kills x {IN_FLIGHT + UNSAVED}", figures)


def large_import(folder: Path) -> Bar:
    """100,000 rows from file to splits in the database."""
    file = folder / "large.jsonl"
    file.write_bytes(file_of("varied", 100_000, seed=1))
    began = time.monotonic()
    report = Run(folder / "large", file, ("--max-calls", "10")).finish(300)
    seconds = time.monotonic() - began
    met = seconds <= 60 and sum(report["splits"].values()) > 90_000
    return Bar("large_import", met, f"{seconds:.1f} s", "at most 60 s, processes started and all", report["splits"])


BARS: dict[str, Callable[[Path], Bar]] = {
    "gains": gains,
    "no_headroom": no_headroom,
    "shuffled": shuffled,
    "same_report": same_report,
    "kills": kills,
    "large_import": large_import,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default=",".join(BARS))
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    found = []
    for name in chosen.only.split(","):
        with tempfile.TemporaryDirectory(prefix=f"agon-{name}-") as folder:
            bar = BARS[name](Path(folder))
        found.append(bar)
        print(f"{'met   ' if bar.met else 'MISSED'} {bar.name}: {bar.reached} (asked: {bar.asked})", flush=True)
    if chosen.json:
        chosen.json.write_text(json.dumps([vars(bar) for bar in found], indent=1), encoding="utf-8")
    sys.exit(0 if all(bar.met for bar in found) else 1)


if __name__ == "__main__":
    main()
