"""What a run asks for: everything that is the same for all its blocks, read once by whoever works on them."""

from dataclasses import dataclass

from app.domain.answers import read_label
from app.domain.improving.asks import Message, Sampling
from app.domain.prompts import render
from app.gateway.calls import Target
from app.services import bookkeeping, fallbacks
from app.services.bookkeeping import Errand, Wish
from app.settings import Settings
from app.storage import answers, campaigns, endpoints, ledger, projects, prompts, runs
from app.storage.endpoints import Endpoint
from app.storage.evaluations import UNREADABLE, Evaluation
from app.storage.runs import Run
from app.storage.session import Database
from app.storage.test_sets import Placed


@dataclass(frozen=True)
class Order:
    """A run with its evaluation, its prompt, and the endpoints that may serve it: the one asked first.

    A campaign's has no other: it compares prompts on one model, and waits for that one.
    """

    run: Run
    evaluation: Evaluation
    text: str
    labels: tuple[str, ...]
    endpoints: tuple[Endpoint, ...]
    targets: tuple[Target, ...]
    opening_id: str | None
    errand: Errand

    @property
    def accounts(self) -> list[str]:
        return [self.run.account_id, *ledger.general_accounts(self.run.project_id)]

    def place_of(self, served_by: str) -> int:
        """Which of the endpoints has this full name; the first when none was named, as for a call that failed."""
        names = [target.endpoint for target in self.targets]
        return names.index(served_by) if served_by in names else 0

    def wish(self, example: Placed, sample: int) -> Wish:
        """At temperature 0 a first sample may be anybody's answer; every other belongs to its example alone."""
        shared = self.run.temperature == 0 and sample == 0
        return Wish(
            endpoint_id=self.endpoints[0].id,
            messages=(Message("user", render(self.text, example.values)),),
            sampling=Sampling(self.run.temperature, self.run.max_tokens),
            purpose="task",
            owner=answers.SHARED if shared else f"{self.evaluation.id}:{example.example_id}",
            prompt_version_id=self.evaluation.prompt_version_id,
            example_id=example.example_id,
            sample=sample,
        )

    def output(self, example: Placed, sample: int, answer_id: int, text: str, served: Endpoint) -> dict[str, object]:
        reading = read_label(text, self.labels)
        own = served is self.endpoints[0]
        return {
            "evaluation_id": self.evaluation.id,
            "example_id": example.example_id,
            "sample": sample,
            "reading": UNREADABLE if reading is None else reading,
            "label": example.label,
            "score": None,
            "answer_id": answer_id,
            "served_by": None if own else served.id,
            "counts": own or self.run.count_fallbacks,
        }


def order_of(database: Database, settings: Settings, block_id: str) -> Order:
    """What the run of this block asks for. Raises NotFound, and Invalid when a key cannot be decrypted."""
    with database.read() as session:
        run = runs.of_block(session, block_id)
        evaluation = session.get_one(Evaluation, run.evaluation_id)
        project = projects.get(session, run.project_id)
        endpoint = endpoints.get(session, evaluation.endpoint_id)
        serving = (endpoint, *(fallbacks.chosen(session, endpoint) if run.campaign_id is None else ()))
        sealed = evaluation.split == "holdout" and run.campaign_id is not None
        return Order(
            run=run,
            evaluation=evaluation,
            text=prompts.get(session, evaluation.prompt_version_id).text,
            labels=project.label_names,
            endpoints=serving,
            targets=tuple(bookkeeping.target_of(one, settings) for one in serving),
            opening_id=campaigns.opening_of(session, run.campaign_id or "") if sealed else None,
            errand=Errand(
                project.id, project.body_days, run.campaign_id, run.id, run.round, evaluation.split == "holdout"
            ),
        )
