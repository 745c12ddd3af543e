"""A project of short questions whose right answers a model gives alone or in a sentence, and what workers do with it."""

import json
import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from app.services import blocks, evaluating, importing, rules, working
from app.services.evaluating import RunDraft
from app.services.importing import Choices
from app.services.projects import ProjectDraft
from app.settings import Settings
from app.storage import jobs, prompts, test_sets
from app.storage.base import now
from app.storage.endpoints import Endpoint, Provider
from app.storage.evaluations import Evaluation, Output
from app.storage.session import Database
from tests.gateway.scripted import Answer, Hit, completion

ROWS = 60


def talkative(hit: Hit) -> Answer:
    """Every second answer stands in a sentence; a judge finds every third one good."""
    number = int(re.findall(r"question (\d+)", hit.text)[-1])
    if "criterion" in hit.text:
        fulfilled = "yes" if number % 3 == 0 else "partly"
        return completion(json.dumps({"reason": "so", "fulfilled": fulfilled}))
    return completion(f"place {number}" if number % 2 else f"It is place {number}, I think.")


@dataclass(frozen=True)
class Asked:
    """Questions 0 to 59; the right answer to question n is `place n`."""

    database: Database
    settings: Settings
    project_id: str
    endpoint_id: str

    @classmethod
    def at(cls, database: Database, settings: Settings, base_url: str, data: bytes = b"", **rule: Any) -> "Asked":
        """`data` is another file of questions."""
        rows = [{"question": f"question {n}", "reference": f"place {n}"} for n in range(ROWS)]
        data = data or "\n".join(map(json.dumps, rows)).encode()
        prepared = importing.prepare(settings, data, "q.jsonl", Choices(rule=rule))
        with database.write() as session:
            provider = Provider(name="x", base_url=base_url)
            session.add(provider)
            session.flush()
            endpoint = Endpoint(provider_id=provider.id, name="small")
            session.add(endpoint)
            session.flush()
            draft = ProjectDraft("Places", "Say where.", goal="mean_score")
            return cls(database, settings, importing.save(session, settings, draft, prepared), endpoint.id)

    def start(self, split: str = "dev") -> str:
        with self.database.write() as session:
            prompt_id = prompts.numbered(session, prompts.line_of(session, self.project_id).id, 1).id
            draft = RunDraft(self.project_id, prompt_id, self.endpoint_id, split=split)
            return evaluating.start(session, self.settings, draft)[0].id

    def work(self, *kinds: str) -> None:
        """What workers do until nothing is left, of these kinds of jobs or of all."""
        for _ in range(40):
            blocks.work(self.database, self.settings, "here:1")
            with self.database.write() as session:
                waiting = list(session.scalars(select(jobs.Job).where(jobs.Job.status == "queued")))
                for job in waiting:
                    job.next_at = now()
                wanted = [job.id for job in waiting if job.kind in kinds or not kinds]
            for job_id in wanted:
                working.work(self.database, self.settings, job_id)
            if not wanted:
                return

    def evaluate(self, split: str = "dev") -> str:
        run_id = self.start(split)
        self.work()
        return run_id

    def change(self, **options: Any) -> str:
        """The id of the job that reads again, empty where nothing changes."""
        with self.database.write() as session:
            return "".join(nudge.job_id for nudge in rules.change(session, self.project_id, options))

    def outputs(self) -> list[Output]:
        with self.database.read() as session:
            return list(session.scalars(select(Output).order_by(Output.evaluation_id, Output.example_id)))

    def evaluations(self) -> list[Evaluation]:
        with self.database.read() as session:
            return list(session.scalars(select(Evaluation).order_by(Evaluation.split)))

    def size(self, split: str = "dev") -> int:
        with self.database.read() as session:
            version = test_sets.newest_version(session, self.project_id)
            assert version is not None
            return int(version.splits[split])
