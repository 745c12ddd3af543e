"""The thresholds page of an evaluation with many rows: `python -m benchmarks.thresholds [--rows N] [--json OUT]`; exit 1 over a bar.

Writes a project, outputs and their probabilities straight into a database of each kind, works them out as the end of a
run does, then asks the real app for the page, its JSON twin, and the page calibrated, without a network between.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from app.logs import configure
from app.main import create_app
from app.services import tuning
from app.settings import Settings
from app.storage import evaluations, ledger, migrating, probabilities, prompts, runs
from app.storage.endpoints import Endpoint
from app.storage.evaluations import Evaluation
from app.storage.runs import Run
from app.storage.session import Database
from app.storage.test_sets import Placement
from benchmarks.fleet import settings_of
from benchmarks.million import timed
from benchmarks.scene import Scene, build
from benchmarks.writes import answer_of, databases

MOST_MS = 200.0
BATCH = 5_000
SEED = 20_000
SECRET = b"a secret of the benchmarks, 32 b"
FORMAT = {"how": "text", "before": [], "probabilities": "logprobs"}


@dataclass(frozen=True)
class Asked:
    """Milliseconds of one page, the median; `cpu` is this process's share; `most` is the bar, None where there is none."""

    database: str
    name: str
    milliseconds: float
    cpu: float
    most: float | None

    @property
    def met(self) -> bool:
        return self.most is None or self.milliseconds < self.most


def drawn(labels: np.ndarray[Any, Any], classes: int, rng: np.random.Generator) -> np.ndarray[Any, Any]:
    """A distribution for each row of a model that is right more often than not, and is too sure of itself."""
    logits = rng.normal(size=(len(labels), classes))
    logits[np.arange(len(labels)), labels] += 1.9
    scaled = np.exp(1.6 * (logits - logits.max(axis=1, keepdims=True)))
    shares: np.ndarray[Any, Any] = (scaled / scaled.sum(axis=1, keepdims=True)).astype("<f4")
    return shares


def fill(session: Session, scene: Scene, classes: int, seed: int = SEED) -> Run:
    """Outputs with probabilities for every dev example, and the run that they came from."""
    version = prompts.add(session, scene.prompt_id, "{{input}}", "person", form=FORMAT)
    evaluation = evaluations.find_or_add(session, version.id, scene.endpoint_id, scene.version_id, "dev", "bench")
    order = session.query(Placement.example_id, Placement.label).order_by(Placement.position)
    ids, labels = (np.array(column) for column in zip(*order.all(), strict=True))
    shares = drawn(labels, classes, np.random.default_rng(seed))
    answer = answer_of(session)
    keys = [{"evaluation_id": evaluation.id, "example_id": example, "sample": 0} for example in ids.tolist()]
    told = {"score": None, "answer_id": answer, "served_by": None, "counts": True}
    read = shares.argmax(axis=1).tolist()
    for first in range(0, len(keys), BATCH):
        part = range(first, min(first + BATCH, len(keys)))
        outputs = [{**keys[n], "reading": read[n], "label": int(labels[n]), **told} for n in part]
        evaluations.add_outputs(session, outputs)
        extra = {"source": "logprobs", "uncertain": False}
        probabilities.add(session, outputs, [{**keys[n], "shares": shares[n].tobytes(), **extra} for n in part])
    evaluation.n, evaluation.goal, evaluation.value, evaluation.low, evaluation.high = (
        len(ids),
        "accuracy",
        0.7,
        0.6,
        0.8,
    )
    return _run(session, scene, evaluation, len(ids))


def _run(session: Session, scene: Scene, evaluation: Evaluation, size: int) -> Run:
    account = ledger.open_account(session, f"run:{evaluation.id}", {})
    run = Run(
        project_id=scene.project_id, evaluation_id=evaluation.id, account_id=account.id, upto=size, samples=1,
        temperature=0.0, max_tokens=16,
    )  # fmt: skip
    runs.add(session, run, size)
    run.status = "finished"
    session.flush()
    return run


def asked(client: TestClient, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 200, f"{address} answers {response.status_code}"


def measured(rows: int) -> Iterator[Asked]:
    with databases() as urls, tempfile.TemporaryDirectory() as folder:
        for name, url in urls.items():
            migrating.upgrade(url)
            database, settings = Database(url), settings_of(Path(folder), url)
            yield from of_database(name, database, settings, rows)
            database.close()


def of_database(name: str, database: Database, settings: Settings, rows: int) -> Iterator[Asked]:
    scene = build(database, "http://127.0.0.1:9/v1", rows)
    with database.write() as session:
        classes = 4
        run = fill(session, scene, classes)
        assert session.get_one(Endpoint, scene.endpoint_id).name == "stub"
    yield _once(name, "reading all shares in one query", lambda: _read(database, run.evaluation_id))
    yield _once(name, "working everything out", lambda: tuning.keep(database, run.evaluation_id))
    app = create_app(settings, SECRET, database, lambda: {"ready": True}, print)
    client = TestClient(app, "http://localhost:8000", follow_redirects=False)
    page = f"/evaluations/{run.id}/thresholds"
    addresses = {
        "page": page,
        "page, another class by recall at a precision": f"{page}?class=account&rule=recall&precision=0.8",
        "page, a threshold set by hand": f"{page}?rule=set&t=0.37",
        "page, isotonic calibration": f"{page}?calibrate=isotonic",
        "JSON twin": f"/api/v1{page}",
    }
    for what, address in addresses.items():
        yield Asked(name, what, *timed(partial(asked, client, address)), MOST_MS)


def _once(name: str, what: str, work: Callable[[], object]) -> Asked:
    began, own = perf_counter(), process_time()
    work()
    return Asked(name, what, 1000 * (perf_counter() - began), 1000 * (process_time() - own), None)


def _read(database: Database, evaluation_id: str) -> None:
    with database.read() as session:
        assert tuning.shares_of(session, session.get_one(Evaluation, evaluation_id)) is not None


def table(found: list[Asked]) -> str:
    lines = ["| database | what | ms | of it CPU here | under | met |", "| --- | --- | --: | --: | --: | --- |"]
    for one in found:
        bar = f"{one.most:.0f}" if one.most else ""
        met = "" if one.most is None else "yes" if one.met else "NO"
        lines.append(f"| {one.database} | {one.name} | {one.milliseconds:.0f} | {one.cpu:.0f} | {bar} | {met} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    configure(Settings(log_level="WARNING"))
    found = list(measured(given.rows))
    print(table(found))
    if given.json:
        given.json.write_text(json.dumps([vars(one) for one in found], indent=1), encoding="utf-8")
    return int(not all(one.met for one in found))


if __name__ == "__main__":
    sys.exit(main())
