"""What a faulty endpoint costs an evaluation: `python -m benchmarks.faults [--only NAME,...]`; exit 1 on a miss.

limited: 5 % of the requests are answered once with 429 and Retry-After 1 s. broken: 5 % hang past their deadline and
5 % are answered 500, once each. down: for 30 s the server closes every connection.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import httpx2
from sqlalchemy import func, select

from app.storage.evaluations import Output
from app.storage.ledger import Account
from app.storage.runs import Run
from benchmarks.chaos import note
from benchmarks.engine import WARM
from benchmarks.fleet import Fleet, fleet, settings_of, wait_until
from benchmarks.scene import Scene, build
from benchmarks.stub import Manners, stub
from tests.flows.running import free_port

LATENCY, IN_FLIGHT, EXAMPLES = 0.05, 64, 2000
MOST_MORE = 1.3
PAUSED = ("paused", "exhausted", "stopped")


@dataclass(frozen=True)
class Case:
    """One kind of trouble, and what was found."""

    name: str
    met: bool
    seconds: float
    sentence: str


def answered(crew: Fleet, scene: Scene, name: str, examples: int) -> tuple[float, Run]:
    """Seconds from the order to the last output, and the run. Raises AssertionError when it comes to rest before."""
    from time import perf_counter

    began = perf_counter()
    with crew.database.write() as session:
        run, nudges = scene.order(session, crew.settings, name, examples=examples)
    for nudge in nudges:
        crew.poker.poke(nudge.job_id, nudge.kind)

    def over() -> bool:
        with crew.database.read() as session:
            seen = session.get_one(Run, run.id)
            assert seen.status not in PAUSED, f"{seen.status} at {seen.done} of {seen.total}: {note(crew, run.id)}"
            return seen.blocks_done == seen.blocks

    wait_until(over, 240, "the evaluation does not end", every=0.01)
    return perf_counter() - began, run


def kept(crew: Fleet, run: Run) -> tuple[int, int]:
    """(outputs that count, calls settled or forfeited)."""
    with crew.database.read() as session:
        outputs = select(func.count()).where(Output.evaluation_id == run.evaluation_id, Output.counts)
        return session.scalar(outputs) or 0, session.get_one(Account, run.account_id).used("calls")


def seen_by(base_url: str) -> dict[str, int]:
    stats = httpx2.get(base_url.removesuffix("/v1") + "/stats", trust_env=False).json()
    return {"requests": stats["requests"], **stats["by_status"]}


def limited(folder: Path, runs: int) -> Case:
    """The clean run and the limited one in turn, of one warm worker."""
    settings = settings_of(folder, in_flight=IN_FLIGHT, worker_processes=1)
    refusing = Manners(LATENCY, rate_429=0.05, retry_after=1.0)
    with stub(free_port(), LATENCY) as clean, fleet(settings) as crew:
        quiet = build(crew.database, clean, EXAMPLES)
        answered(crew, quiet, "warm", WARM)
        pairs = []
        for number in range(runs):
            took, _ = answered(crew, quiet, f"number {number}", EXAMPLES)
            with stub(free_port(), manners=refusing) as url:
                longer, run = answered(crew, build(crew.database, url, EXAMPLES), "limited", EXAMPLES)
                outputs, refused = kept(crew, run)[0], seen_by(url)["429"]
            pairs.append((longer - took, longer, outputs, refused))
    more, longest = median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)
    whole = all(pair[2] == EXAMPLES for pair in pairs)
    said = f"{pairs[0][3]} answered 429 once: {more:+.2f} s, at most {MOST_MORE:+.1f}"
    return Case("limited", whole and more <= MOST_MORE, longest, said)


def broken(folder: Path, runs: int) -> Case:
    """Hangs and server errors lose nothing."""
    settings = settings_of(folder, in_flight=IN_FLIGHT, worker_processes=1, call_deadline=3.0)
    failing = Manners(LATENCY, rate_hang=0.05, rate_500=0.05)
    with stub(free_port(), manners=failing) as url, fleet(settings) as crew:
        took, run = answered(crew, build(crew.database, url, EXAMPLES), "broken", EXAMPLES)
        (outputs, used), seen = kept(crew, run), seen_by(url)
    said = f"{seen['hang']} hung, {seen['500']} answered 500: {outputs} of {EXAMPLES} there, {used} calls for "
    return Case("broken", outputs == EXAMPLES and used >= seen["requests"], took, said + f"{seen['requests']} requests")


def down(folder: Path, runs: int) -> Case:
    """Half a minute without the server is waited out."""
    settings = settings_of(folder, in_flight=IN_FLIGHT, worker_processes=1)
    gone = Manners(LATENCY, down_after=1.0, down_for=30.0)
    with stub(free_port(), manners=gone) as url, fleet(settings) as crew:
        took, run = answered(crew, build(crew.database, url, 2 * EXAMPLES), "down", 2 * EXAMPLES)
        (outputs, used), seen = kept(crew, run), seen_by(url)
    asked = seen["requests"] + seen.get("refused", 0)
    said = f"{outputs} of {2 * EXAMPLES} there, {seen.get('refused', 0)} requests while it was down, {used} calls used"
    return Case("down", outputs == 2 * EXAMPLES and used >= asked, took, said)


CASES: dict[str, Callable[[Path, int], Case]] = {"limited": limited, "broken": broken, "down": down}


def table(cases: Sequence[Case]) -> str:
    lines = ["| trouble | met | seconds | found |", "| --- | --- | --: | --- |"]
    rows = [f"| {case.name} | {'yes' if case.met else 'NO'} | {case.seconds:.2f} | {case.sentence} |" for case in cases]
    return "\n".join([*lines, *rows])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(CASES))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    found = list[Case]()
    for name in chosen.only.split(","):
        with tempfile.TemporaryDirectory() as folder:
            try:
                found.append(CASES[name](Path(folder), chosen.runs))
            except AssertionError as miss:
                found.append(Case(name, False, 0.0, str(miss)))
    print(table(found))
    if chosen.json:
        rows: list[dict[str, Any]] = [vars(case) for case in found]
        chosen.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    sys.exit(not all(case.met for case in found))


if __name__ == "__main__":
    main()
