"""A project of support tickets whose right label stands in each text, and a run of its evaluation, without a worker."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from app.services import blocks, evaluating, working
from app.services.evaluating import RunDraft
from app.settings import Settings
from app.storage import jobs, runs, test_sets
from app.storage.base import now
from app.storage.endpoints import Endpoint, Provider
from app.storage.jobs import Nudge
from app.storage.ledger import Account
from app.storage.prices import Price
from app.storage.projects import Project
from app.storage.prompts import add, line_of
from app.storage.runs import Run
from app.storage.session import Database
from app.storage.test_sets import TestSet, TestSetVersion
from tests.gateway.scripted import Answer, Hit, completion

LABELS = ("billing", "shipping", "returns")
IMPORTED = {"duplicates_dropped": 0, "conflicts_dropped": 0, "characters_cleaned": 0, "near_duplicates": 0}


def ticket(number: int) -> str:
    return f"ticket {number}: please help [{LABELS[number % 3]}]"


def right(hit: Hit) -> Answer:
    """A model that reads the label in the text."""
    return completion(next(label for label in LABELS if f"[{label}]" in hit.text))


@dataclass(frozen=True)
class Tickets:
    """One project with `size` dev examples, its prompt, and a model at some address."""

    database: Database
    settings: Settings
    project_id: str
    prompt_id: str
    endpoint_id: str

    @classmethod
    def at(cls, database: Database, settings: Settings, base_url: str, size: int, name: str = "x") -> "Tickets":
        with database.write() as session:
            labels = [{"name": label} for label in LABELS]
            project = Project(name="t", description="d", labels=labels, goal="accuracy", smallest_gain=0.02)
            provider = Provider(name=name, base_url=base_url)
            session.add_all([project, provider])
            session.flush()
            price = Price(valid_from=now(), price_in=1_000_000, price_out=2_000_000, source="person")
            endpoint = Endpoint(provider_id=provider.id, name="small", prices=[price])
            test_set = TestSet(project_id=project.id, name="t")
            session.add_all([endpoint, test_set])
            session.flush()
            splits = {"train": 0, "dev": size, "holdout": 0}
            version = TestSetVersion(
                test_set_id=test_set.id, content_hash="h", split_seed=0, splits=splits, variables=[], forbidden=b"",
                label_counts={split: dict.fromkeys(LABELS, count // 3) for split, count in splits.items()}, imported=IMPORTED | {"rows": size, "examples": size},
            )  # fmt: skip
            session.add(version)
            session.flush()
            rows = [
                {"test_set_id": test_set.id, "key": str(n), "input": ticket(n), "variables": {}, "meta": {}}
                for n in range(size)
            ]
            test_sets.add_examples(session, rows)
            ids = test_sets.ids_by_key(session, test_set.id)
            places = [
                {"version_id": version.id, "example_id": ids[str(n)], "label": n % 3, "split": "dev", "position": n}
                for n in range(size)
            ]
            test_sets.place_examples(session, places)
            start = add(session, line_of(session, project.id).id, "{{input}}", "person")
            return cls(database, settings, project.id, start.id, endpoint.id)

    def prompt(self, text: str) -> str:
        """The id of another prompt version."""
        with self.database.write() as session:
            return add(session, line_of(session, self.project_id).id, text, "person").id

    def fall_back_to(self, base_url: str) -> str:
        """The id of an endpoint elsewhere that stands in for ours."""
        with self.database.write() as session:
            provider = Provider(name="y", base_url=base_url)
            session.add(provider)
            session.flush()
            other = Endpoint(provider_id=provider.id, name="other")
            session.add(other)
            session.flush()
            session.get_one(Endpoint, self.endpoint_id).fallbacks = [other.id]
            return other.id

    def start(self, **changes: Any) -> str:
        """The id of a new run."""
        usual = {"project_id": self.project_id, "prompt_version_id": self.prompt_id, "endpoint_id": self.endpoint_id}
        with self.database.write() as session:
            return evaluating.start(session, self.settings, RunDraft(**{**usual, **changes}))[0].id

    def work(self, holder: str = "here:1") -> None:
        """Do what call workers would, and then what drivers would."""
        blocks.work(self.database, self.settings, holder)
        self.drive()

    def work_on(self, *, campaigns: bool = True) -> None:
        """Work until nothing is left that could be done now or in a moment; campaigns' own jobs may be left alone."""
        while self._waits(() if campaigns else ("campaign",)):
            self.make_due()
            self.work()

    def _waits(self, but: Sequence[str]) -> bool:
        waiting = select(jobs.Job.id).where(jobs.Job.status == "queued", jobs.Job.kind.not_in(but))
        with self.database.read() as session:
            return session.scalar(waiting.limit(1)) is not None

    def drive(self) -> None:
        with self.database.read() as session:
            waiting = session.scalars(select(jobs.Job).where(jobs.Job.kind.in_(("run", "opening")))).all()
            found = [Nudge(job.id, job.kind) for job in waiting]
        for nudge in found:
            working.work(self.database, self.settings, nudge.job_id)

    def run(self, run_id: str) -> Run:
        with self.database.read() as session:
            return runs.get(session, run_id)

    def account(self, name: str) -> Account:
        with self.database.read() as session:
            return session.get_one(Account, name)

    def make_due(self) -> None:
        """Let what was put off be due now."""
        with self.database.write() as session:
            for job in session.scalars(select(jobs.Job)):
                job.next_at = now()
