"""What a run asks for: everything that is the same for all its blocks, read once by whoever works on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from app.domain.answercodes import UNGRADED
from app.domain.improving.asks import Sampling
from app.gateway.calls import Target
from app.services import bookkeeping, fallbacks
from app.services.bookkeeping import Errand, Wish
from app.services.grading import JUDGE, Grading, grading_of
from app.services.questions import Answered, Questions, questions_of
from app.settings import Settings
from app.storage import answers, endpoints, ledger, openings, projects, prompts, runs
from app.storage.endpoints import Endpoint
from app.storage.evaluations import Evaluation
from app.storage.grades import Awaiting
from app.storage.runs import Run
from app.storage.session import Database
from app.storage.test_sets import Placed


class Stored(NamedTuple):
    """An answer of the store: its reply, and the reply's tokens where they were asked for and came."""

    id: int
    text: str
    tokens: bytes | None


class Route(NamedTuple):
    """Endpoints with their targets, in the order in which they are asked."""

    endpoints: tuple[Endpoint, ...]
    targets: tuple[Target, ...]

    def place_of(self, served_by: str) -> int:
        """Which of the endpoints has this full name; the first when none was named, as for a call that failed."""
        names = [target.endpoint for target in self.targets]
        return names.index(served_by) if served_by in names else 0


@dataclass(frozen=True)
class Order:
    """A run with its evaluation, its prompt, and the endpoints that may serve it: the one asked first.

    A campaign's has no other, nor has an opening's: they compare prompts on one model, and wait for that one. Free
    texts that need a grade have a grader with a target of its own.
    """

    run: Run
    evaluation: Evaluation
    questions: Questions
    endpoints: tuple[Endpoint, ...]
    targets: tuple[Target, ...]
    opening_id: str | None
    errand: Errand
    grading: Grading | None = None
    grader_target: Target | None = None

    @property
    def accounts(self) -> list[str]:
        return [self.run.account_id, *ledger.general_accounts(self.run.project_id)]

    def route(self, wish: Wish) -> Route:
        """Who may serve it: the one asked first."""
        return self._to_grader if wish.purpose == JUDGE else self._to_task_model

    @cached_property
    def _to_task_model(self) -> Route:
        return Route(self.endpoints, self.targets)

    @cached_property
    def _to_grader(self) -> Route:
        assert self.grading is not None, "only a graded project has requests to a grader"
        assert self.grader_target is not None, "a grader has its target"
        return Route((self.grading.grader,), (self.grader_target,))

    def wish(self, example: Placed, sample: int) -> Wish:
        """At temperature 0 a first sample may be anybody's answer; every other belongs to its example alone.

        Samples that are drawn have a seed each: with the same one a server may draw the same reply again.
        """
        shared = self.run.temperature == 0 and sample == 0
        seed = sample if self.run.temperature > 0 and self.run.samples > 1 else None
        return Wish(
            endpoint_id=self.endpoints[0].id,
            messages=self.questions.messages(example.values),
            sampling=Sampling(self.run.temperature, self.run.max_tokens, seed),
            purpose="task",
            owner=answers.SHARED if shared else f"{self.evaluation.id}:{example.example_id}",
            prompt_version_id=self.evaluation.prompt_version_id,
            example_id=example.example_id,
            sample=sample,
            reply_format=self.questions.reply_format,
            top_logprobs=self.questions.top_logprobs,
        )

    def answered(self, example: Placed, sample: int, answer: Stored, served: Endpoint) -> Answered:
        """The rows of an output and of its probabilities; an output that needs a grade does not count yet."""
        output, probability, _ = self.questions.answered(example, answer.text, answer.tokens)
        key = self._key(example, sample)
        own = served is self.endpoints[0]
        told = {
            "answer_id": answer.id,
            "served_by": None if own else served.id,
            "counts": (own or self.run.count_fallbacks) and output["reading"] != UNGRADED,
        }
        return Answered({**key, **output, **told}, probability and {**key, **probability})

    def grade_wishes(self, example: Placed, reply: str) -> tuple[Wish, ...]:
        assert self.grading is not None, "only answers of a graded project wait for grades"
        return self.grading.wishes(self.questions, example, reply, self.evaluation.prompt_version_id)

    def graded(self, example: Placed, sample: int, answer: Awaiting, replies: Sequence[Stored]) -> Answered:
        """The rows of an output that has its grade, and of that grade."""
        assert self.grading is not None, "only answers of a graded project wait for grades"
        return graded_rows(self.grading, example, self._key(example, sample), answer, replies)

    def _key(self, example: Placed, sample: int) -> dict[str, Any]:
        return {"evaluation_id": self.evaluation.id, "example_id": example.example_id, "sample": sample}


def graded_rows(
    grading: Grading, example: Placed, key: dict[str, Any], answer: Awaiting, replies: Sequence[Stored]
) -> Answered:
    """The rows of an output that has its grade, and of that grade."""
    output, grade = grading.graded(example, [one.text for one in replies])
    told = {"answer_id": answer.answer_id, "served_by": answer.served_by, "counts": True}
    ids = [one.id for one in replies]
    by = {"answer_id": ids[0], "other_answer_id": ids[1] if len(ids) > 1 else None}
    return Answered({**key, **output, **told}, grade={**key, **grade, **by})


def order_of(database: Database, settings: Settings, block_id: str) -> Order:
    """What the run of this block asks for. Raises NotFound, and Invalid when a key cannot be decrypted."""
    with database.read() as session:
        run = runs.of_block(session, block_id)
        evaluation = session.get_one(Evaluation, run.evaluation_id)
        project = projects.get(session, run.project_id)
        endpoint = endpoints.get(session, evaluation.endpoint_id)
        alone = run.campaign_id is not None or run.opening_id is not None
        serving = (endpoint, *(() if alone else fallbacks.chosen(session, endpoint)))
        grading = grading_of(session, project)
        return Order(
            run=run,
            evaluation=evaluation,
            questions=questions_of(project, prompts.get(session, evaluation.prompt_version_id)),
            endpoints=serving,
            targets=tuple(bookkeeping.target_of(one, settings) for one in serving),
            opening_id=_opening_of(session, run) if evaluation.split == "holdout" else None,
            errand=Errand(
                project.id, project.body_days, run.campaign_id, run.id, run.round, evaluation.split == "holdout"
            ),
            grading=grading,
            grader_target=bookkeeping.target_of(grading.grader, settings) if grading else None,
        )


def _opening_of(session: Session, run: Run) -> str | None:
    """The opening that this run belongs to: a person's, or its campaign's once there is one."""
    if run.opening_id is not None or run.campaign_id is None:
        return run.opening_id
    opening = openings.of_campaign(session, run.campaign_id)
    return opening.id if opening else None
