"""A project to evaluate on: synthetic support tickets written straight into the tables, and a model that answers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.services import evaluating
from app.services.evaluating import RunDraft
from app.settings import Settings
from app.storage import prompts, test_sets
from app.storage.base import new_id
from app.storage.endpoints import Endpoint, Provider
from app.storage.jobs import Nudge
from app.storage.prices import Price
from app.storage.projects import Project
from app.storage.runs import Run
from app.storage.session import Database
from app.storage.test_sets import TestSet, TestSetVersion
from benchmarks.stub import LABELS, answer_to

AT_ONCE = 5000
STORIES = {
    "billing": "I was charged twice for my subscription this month and want one payment back.",
    "technical": "The app closes by itself as soon as I open the second page of my report.",
    "account": "I cannot sign in any more since I changed the address that my account has.",
    "shipping": "My parcel was to arrive last week, and nobody can tell me where it is.",
}
PROMPT = (
    "Run {run}. Classify the support ticket by its topic: billing, technical, account or shipping.\n"
    "Answer with the label alone.\n\nTicket: {{{{input}}}}"
)


def mark(number: int) -> str:
    """What the stub reads its answer from."""
    return f"[[{LABELS[number % len(LABELS)]} #{number}]]"


def ticket(number: int) -> str:
    return f"{mark(number)} {STORIES[LABELS[number % len(LABELS)]]} Ticket {number} of today, please answer soon. " * 2


def right(examples: int, wrong: float) -> int:
    """How many of the first tickets the stub answers rightly."""
    return sum(answer_to(mark(n).encode(), wrong) == LABELS[n % len(LABELS)] for n in range(examples))


@dataclass(frozen=True)
class Scene:
    """What a run needs to be ordered."""

    project_id: str
    version_id: str
    prompt_id: str
    endpoint_id: str

    def order(self, session: Session, settings: Settings, run: str, **more: object) -> tuple[Run, list[Nudge]]:
        """Order an evaluation of a prompt that nobody has evaluated, so that no answer to it is stored."""
        version = prompts.add(session, self.prompt_id, PROMPT.format(run=run), "person")
        draft = RunDraft(self.project_id, version.id, self.endpoint_id, answer_tokens=16, **more)  # type: ignore[arg-type]
        return evaluating.start(session, settings, draft)


def build(
    database: Database, base_url: str, examples: int, prices: tuple[int | None, int | None] = (None, None)
) -> Scene:
    """A project with so many dev examples, and a model behind the base URL at these prices."""
    name = f"bench-{new_id()}"
    with database.write() as session:
        labels = [{"name": label, "description": ""} for label in LABELS]
        project = Project(name=name, description="tickets", labels=labels, goal="accuracy", smallest_gain=0.02)
        provider = Provider(name=name, base_url=base_url)
        session.add_all([project, provider])
        session.flush()
        price = Price(price_in=prices[0], price_out=prices[1])
        endpoint = Endpoint(provider_id=provider.id, name="stub", prices=[price])
        tests = TestSet(project_id=project.id, name=name)
        session.add_all([endpoint, tests])
        session.flush()
        version = add_examples(session, tests.id, examples)
        return Scene(project.id, version.id, prompts.line_of(session, project.id).id, endpoint.id)


def add_examples(session: Session, test_set_id: str, examples: int) -> TestSetVersion:
    """A frozen version of this many tickets, all of them dev."""
    none = ("duplicates_dropped", "conflicts_dropped", "characters_cleaned", "near_duplicates")
    counts = {label: len(range(place, examples, len(LABELS))) for place, label in enumerate(LABELS)}
    version = TestSetVersion(
        test_set_id=test_set_id, content_hash=new_id(), split_seed=0, variables=[], forbidden=b"",
        splits={"train": 0, "dev": examples, "holdout": 0},
        label_counts={"train": dict.fromkeys(LABELS, 0), "dev": counts, "holdout": dict.fromkeys(LABELS, 0)},
        imported={"rows": examples, "examples": examples, **dict.fromkeys(none, 0)},
    )  # fmt: skip
    session.add(version)
    session.flush()
    for numbers in _pieces(examples):
        rows = [{"test_set_id": test_set_id, "key": str(n), "input": ticket(n), "variables": {}} for n in numbers]
        test_sets.add_examples(session, [row | {"group": None, "external_id": None, "meta": {}} for row in rows])
    ids = test_sets.ids_by_key(session, test_set_id)
    for numbers in _pieces(examples):
        same: dict[str, Any] = {"version_id": version.id, "split": "dev"}
        placed = [{"example_id": ids[str(n)], "label": n % len(LABELS), "position": n} for n in numbers]
        test_sets.place_examples(session, [same | row for row in placed])
    return version


def _pieces(count: int) -> Iterator[range]:
    for first in range(0, count, AT_ONCE):
        yield range(first, min(first + AT_ONCE, count))
