"""Evaluations written straight into the tables, each with the readings that a test gives it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.domain.goals import parse_goal
from app.domain.metrics import measure
from app.domain.summing import amounts_of
from app.storage import answers, evaluations, prompts, test_sets
from app.storage.base import new_id, now
from app.storage.endpoints import Endpoint, Provider
from app.storage.evaluations import Output
from app.storage.projects import Project
from app.storage.session import Database
from app.storage.test_sets import Example, TestSet, TestSetVersion
from tests.services.tickets import IMPORTED, LABELS

COLUMNS = {"finish_reason": "stop", "tokens_in": 9, "tokens_out": 1}
CALL = COLUMNS | {
    "campaign_id": None, "run_id": None, "round": None, "purpose": "task", "sample": 0, "served_by": None,
    "holdout": False, "ok": True, "attempts": 1, "latency_ms": 5, "price_in": 0, "price_out": 0, "cost": 0,
    "model": "", "request_id": "", "fingerprint": "", "error": "", "body": None, "expires_at": None,
}  # fmt: skip


@dataclass
class Paired:
    """A project whose dev examples are expected to be answered as `expected` says, one model, and no evaluation yet."""

    database: Database
    project_id: str
    test_set_id: str
    version_id: str
    endpoint_id: str
    expected: Sequence[int]
    ids: list[int] = field(default_factory=list)

    @classmethod
    def at(
        cls, database: Database, expected: Sequence[int], goal: str = "accuracy", texts: Sequence[str] = ()
    ) -> "Paired":
        """`texts` are the inputs of the first examples; the others have some of their own."""
        with database.write() as session:
            labels = [{"name": label} for label in LABELS]
            project = Project(name="t", description="d", labels=labels, goal=goal, smallest_gain=0.02)
            provider = Provider(name=f"x{new_id()[:4]}", base_url="http://127.0.0.1:1/v1")
            session.add_all([project, provider])
            session.flush()
            endpoint, test_set = (
                Endpoint(provider_id=provider.id, name="small"),
                TestSet(project_id=project.id, name="t"),
            )
            session.add_all([endpoint, test_set])
            session.flush()
            made = cls(database, project.id, test_set.id, "", endpoint.id, expected)
            rows = [
                {"test_set_id": test_set.id, "key": f"{n:06}", "variables": {}, "meta": {}}
                | {"input": texts[n] if n < len(texts) else f"ticket {n}"}
                for n in range(len(expected))
            ]
            test_sets.add_examples(session, rows)
            made.ids = [example_id for _, example_id in sorted(test_sets.ids_by_key(session, test_set.id).items())]
        made.version_id = made.place(dict.fromkeys(range(len(expected)), "dev"))
        return made

    def place(self, splits: Mapping[int, str], expected: Mapping[int, int] | None = None) -> str:
        """Another version of the test set: the split of each of its examples, by number, and what is expected anew."""
        anew = {n: (expected or {}).get(n, self.expected[n]) for n in splits}
        right = {name: [anew[n] for n in splits if splits[n] == name] for name in ("train", "dev", "holdout")}
        with self.database.write() as session:
            version = TestSetVersion(
                test_set_id=self.test_set_id, content_hash=new_id(), split_seed=0, variables=[], forbidden=b"",
                splits={name: len(found) for name, found in right.items()},
                label_counts={name: {label: right[name].count(code) for code, label in enumerate(LABELS)} for name in right},
                imported=IMPORTED | {"rows": len(splits), "examples": len(splits)},
            )  # fmt: skip
            session.add(version)
            session.flush()
            rows = [
                {"version_id": version.id, "example_id": self.ids[n], "split": split, "position": n}
                | {"label": anew[n]}
                for n, split in splits.items()
            ]
            test_sets.place_examples(session, rows)
            return version.id

    def prompt(self, text: str) -> str:
        with self.database.write() as session:
            return prompts.add(session, prompts.line_of(session, self.project_id).id, text, "person").id

    def answer(
        self,
        text: str,
        readings: Mapping[int, int] | Sequence[int],
        *,
        version_id: str = "",
        split: str = "dev",
        expected: Mapping[int, int] | None = None,
        replies: Mapping[int, str] | None = None,
        called: bool = True,
    ) -> str:
        """The id of an evaluation of a prompt with this text: what was read from each example, by number.

        `called` says whether each answer has a call in the log.
        """
        prompt_id = self.prompt(text)
        read = dict(enumerate(readings)) if not isinstance(readings, Mapping) else dict(readings)
        right = {n: (expected or {}).get(n, self.expected[n]) for n in read}
        said = {n: (replies or {}).get(n, LABELS[code] if code >= 0 else "no idea") for n, code in read.items()}
        with self.database.write() as session:
            found = evaluations.find_or_add(
                session, prompt_id, self.endpoint_id, version_id or self.version_id, split, "h"
            )
            rows: list[dict[str, Any]] = [
                {
                    "request_hash": f"{prompt_id}-{n}",
                    "owner": "",
                    "sample": 0,
                    "text": said[n],
                    "cost": 0,
                    "created_at": now(),
                }
                | COLUMNS
                for n in read
            ]
            kept = answers.keep(session, rows)
            outputs = [
                {"evaluation_id": found.id, "example_id": self.ids[n], "sample": 0, "reading": code, "label": right[n]}
                | {"score": None, "answer_id": kept[f"{prompt_id}-{n}", "", 0], "served_by": None, "counts": True}
                for n, code in read.items()
            ]
            evaluations.add_outputs(session, outputs)
            if called:
                answers.log(session, [self._call(prompt_id, n) for n in read])
            own = session.get_one(Project, self.project_id).goal
            goal = "accuracy" if amounts_of(parse_goal(own)) else own
            estimate = measure(parse_goal(goal), list(right.values()), list(read.values()), len(LABELS))
            evaluations.summarise(session, found.id, goal, estimate, list(right.values()), list(read.values()))
            return found.id

    def again(self, evaluation_id: str, readings: Sequence[int], sample: int) -> None:
        """Another answer to each example, of the same words as the first."""
        with self.database.write() as session:
            for n, code in enumerate(readings):
                first = session.get_one(Output, (evaluation_id, self.ids[n], 0))
                kept = {"label": first.label, "score": None, "answer_id": first.answer_id, "served_by": None}
                key = {"evaluation_id": evaluation_id, "example_id": self.ids[n], "sample": sample}
                evaluations.add_outputs(session, [{**key, **kept, "reading": code, "counts": True}])

    def group(self, of: Sequence[int]) -> None:
        """Put every example into a group."""
        with self.database.write() as session:
            for example_id, group in zip(self.ids, of, strict=True):
                session.get_one(Example, example_id).group = f"document {group}"
            session.get_one(TestSetVersion, self.version_id).plan = {"group_column": "document", "groups": len(set(of))}

    def _call(self, prompt_id: str, n: int) -> dict[str, Any]:
        about = {"request_hash": f"{prompt_id}-{n}", "prompt_version_id": prompt_id, "example_id": self.ids[n]}
        made = {"id": new_id(), "endpoint_id": self.endpoint_id, "project_id": self.project_id, "created_at": now()}
        return CALL | about | made
