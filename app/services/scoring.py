"""Scores prompt versions on a prefix of a split: outputs that are there are used, missing answers are bought."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import nan
from typing import Any

from sqlalchemy.orm import Session

from app.domain import answered, formats, summaries
from app.domain.answercodes import UNGRADED, name_of
from app.domain.answerspace import Answers
from app.domain.goals import parse_goals
from app.domain.improving.asks import Sampling, Scored, Shown
from app.domain.improving.state import Rules
from app.domain.units import units_of
from app.errors import AgonError, BudgetExhausted
from app.services import evaluating
from app.services.bookkeeping import Wish
from app.services.buying import Buyer
from app.services.grading import Grading
from app.services.ordering import Stored, graded_rows
from app.services.questions import Answered, Questions
from app.settings import Settings
from app.storage import answers, evaluations, grades, jobs, probabilities, rounds, test_sets
from app.storage.answers import StoredAnswer
from app.storage.grades import Awaiting, Grade
from app.storage.jobs import Lease, Nudge
from app.storage.prompts import PromptVersion
from app.storage.session import Database
from app.storage.test_sets import Placed


def task_sampling(max_tokens: int) -> Sampling:
    """Task models answer at temperature 0, so that equal requests are one answer."""
    return Sampling(temperature=0.0, max_tokens=max_tokens)


def settings_hash(sampling: Sampling) -> str:
    return evaluations.settings_hash(sampling.temperature, sampling.max_tokens, sampling.seed)


@dataclass(frozen=True)
class Job:
    """What is the same for all scoring of one campaign."""

    campaign_id: str
    endpoint_id: str
    version_id: str
    answers: Answers
    placeholders: tuple[str, ...]
    rules: Rules
    grading: Grading | None = None


class Delegated(AgonError):
    """The answers are being bought by others; whoever finishes last pokes the campaign."""

    def __init__(self, nudges: Sequence[Nudge]) -> None:
        self.nudges = list(nudges)
        super().__init__("Other workers answer this.")


class Scorer:
    """Answers Score asks for one campaign under one lease."""

    def __init__(self, database: Database, settings: Settings, lease: Lease, buyer: Buyer, job: Job) -> None:
        self._database, self._settings, self._lease, self._buyer, self._job = database, settings, lease, buyer, job
        self._sampling = task_sampling(job.rules.task_max_tokens)
        self._asking: dict[str, Questions] = {}
        self._grouped: dict[str, dict[int, int]] = {}

    def score(
        self, versions: Sequence[PromptVersion], examples: Sequence[Placed], split: str, round_number: int
    ) -> tuple[Scored, ...]:
        """Every version on every example.

        Raises what Buyer.buy raises; what was bought is kept as outputs first. Raises Delegated when it is so much
        that it was cut into blocks, for any worker to answer.
        """
        found = [self._evaluation(version, split) for version in versions]
        missing = {
            evaluation_id: [e for e in examples if e.example_id not in readings] for evaluation_id, readings in found
        }
        if sum(map(len, missing.values())) > self._settings.block_calls:
            self._delegate({one: len(examples) for one, lacking in missing.items() if lacking}, round_number)
        wishes = {
            (evaluation_id, example.example_id): self._wish(version, example)
            for version, (evaluation_id, _) in zip(versions, found, strict=True)
            for example in missing[evaluation_id]
        }
        asking = {one: self._questions(version) for version, (one, _) in zip(versions, found, strict=True)}
        try:
            self._buy_missing(list(wishes.values()), round_number, split)
        finally:
            self._keep_outputs(wishes, missing, asking)
        if self._job.grading is not None:
            self._grade(self._job.grading, missing, asking, round_number, split)
        return tuple(self._scored(evaluation_id, examples, split, round_number) for evaluation_id, _ in found)

    def _delegate(self, wanted: dict[str, int], round_number: int) -> None:
        """Cut these evaluations (id, first examples) into blocks. Raises BudgetExhausted when that was tried before."""
        with self._database.write() as session:
            jobs.renew(session, self._lease)
            if evaluating.give_up_exhausted(session, self._job.campaign_id):
                raise BudgetExhausted("The cap on calls is reached.")
            account, keep = self._buyer.account_id, self._buyer.kept_calls
            campaign, tokens = self._job.campaign_id, self._sampling.max_tokens
            nudges = evaluating.order_for_campaign(
                session, self._settings, campaign, account, round_number, wanted, tokens, keep
            )
        raise Delegated(nudges)

    def common_prefix(
        self, versions: Sequence[PromptVersion], examples: Sequence[Placed], split: str, round_number: int
    ) -> tuple[Scored, ...]:
        """Every version on the longest prefix of the examples that all of them have answered; buys nothing."""
        found = [self._evaluation(version, split) for version in versions]
        complete = [all(e.example_id in readings for _, readings in found) for e in examples]
        prefix = examples[: complete.index(False)] if False in complete else examples
        return tuple(self._scored(evaluation_id, prefix, split, round_number) for evaluation_id, _ in found)

    def _evaluation(self, version: PromptVersion, split: str) -> tuple[str, dict[int, tuple[int, int]]]:
        with self._database.write() as session:
            jobs.renew(session, self._lease)
            evaluation = evaluations.find_or_add(
                session, version.id, self._job.endpoint_id, self._job.version_id, split, settings_hash(self._sampling)
            )
            return evaluation.id, evaluations.readings(session, evaluation.id)

    def _grade(
        self,
        grading: Grading,
        missing: dict[str, list[Placed]],
        asking: dict[str, Questions],
        round_number: int,
        split: str,
    ) -> None:
        """Have the answers graded that were just bought, or that an interrupted round left without a grade."""
        waiting = self._waiting(missing)
        with self._database.read() as session:
            version_ids = {one: session.get_one(evaluations.Evaluation, one).prompt_version_id for one in missing}
        wishes = {
            (one, example.example_id): grading.wishes(asking[one], example, answer.text, version_ids[one])
            for one, rows in waiting.items()
            for example, answer in rows
        }
        try:
            self._buy_missing([wish for asked in wishes.values() for wish in asked], round_number, split)
        finally:
            self._keep_grades(grading, wishes, waiting)

    def _waiting(self, missing: dict[str, list[Placed]]) -> dict[str, list[tuple[Placed, Awaiting]]]:
        """By evaluation, the examples that were answered and have no grade."""
        with self._database.read() as session:
            found = {
                one: grades.awaiting(session, one, 0, [example.example_id for example in examples])
                for one, examples in missing.items()
            }
        return {
            one: [(example, found[one][example.example_id]) for example in examples if example.example_id in found[one]]
            for one, examples in missing.items()
        }

    def _keep_grades(
        self,
        grading: Grading,
        wishes: dict[tuple[str, int], tuple[Wish, ...]],
        waiting: dict[str, list[tuple[Placed, Awaiting]]],
    ) -> None:
        """Turn stored replies of the grader into scored outputs, also after a purchase that broke off."""
        if not wishes:
            return
        with self._database.write() as session:
            jobs.renew(session, self._lease)
            known = answers.stored(session, (self._hash(wish) for asked in wishes.values() for wish in asked))
            rows = []
            for one, examples in waiting.items():
                for example, answer in examples:
                    replies = [known.get(self._hash(wish)) for wish in wishes[one, example.example_id]]
                    told = [Stored(reply.id, reply.text, None) for reply in replies if reply is not None]
                    if len(told) == len(replies):
                        key = {"evaluation_id": one, "example_id": example.example_id, "sample": 0}
                        rows.append(graded_rows(grading, example, key, answer, told))
            evaluations.add_outputs(session, [row.output for row in rows])
            grades.add(session, [row.grade for row in rows if row.grade is not None])

    def _wish(self, version: PromptVersion, example: Placed) -> Wish:
        return Wish(
            endpoint_id=self._job.endpoint_id,
            messages=self._questions(version).messages(example.values),
            sampling=self._sampling,
            purpose="task",
            prompt_version_id=version.id,
            example_id=example.example_id,
            reply_format=self._questions(version).reply_format,
            top_logprobs=self._questions(version).top_logprobs,
        )

    def _questions(self, version: PromptVersion) -> Questions:
        if version.id not in self._asking:
            self._asking[version.id] = Questions(version.text, self._job.answers, formats.load(version.format))
        return self._asking[version.id]

    def _hash(self, wish: Wish) -> str:
        return wish.request_hash(self._buyer.target(wish.endpoint_id))

    def _buy_missing(self, wishes: Sequence[Wish], round_number: int, split: str) -> None:
        if not wishes:
            return
        with self._database.read() as session:
            known = answers.stored(session, (self._hash(wish) for wish in wishes))
        wanted = [wish for wish in wishes if self._hash(wish) not in known]
        self._buyer.buy(wanted, round_number, holdout=split == "holdout")

    def _keep_outputs(
        self, wishes: dict[tuple[str, int], Wish], missing: dict[str, list[Placed]], asking: dict[str, Questions]
    ) -> None:
        """Turn stored answers into outputs, also after a purchase that broke off."""
        if not wishes:
            return
        with self._database.write() as session:
            jobs.renew(session, self._lease)
            known = answers.stored(session, (self._hash(wish) for wish in wishes.values()))
            rows = [
                _answered(evaluation_id, asking[evaluation_id], example, answer)
                for evaluation_id, examples in missing.items()
                for example in examples
                if (answer := known.get(self._hash(wishes[evaluation_id, example.example_id])))
            ]
            evaluations.add_outputs(session, outputs := [row.output for row in rows])
            probabilities.add(session, outputs, [row.probability for row in rows if row.probability is not None])

    def _scored(self, evaluation_id: str, examples: Sequence[Placed], split: str, round_number: int) -> Scored:
        with self._database.write() as session:
            jobs.renew(session, self._lease)
            readings = evaluations.readings(session, evaluation_id)
            ids = [example.example_id for example in examples]
            role = "holdout" if split == "holdout" else "task"
            rounds.use_outputs(session, self._job.campaign_id, round_number, evaluation_id, ids, role)
            scored = Scored(
                expected=tuple(example.label for example in examples),
                answered=tuple(readings[example_id][0] for example_id in ids),
                shown=self._shown(session, evaluation_id, examples, readings) if split == "train" else (),
                amounts=evaluations.amounts(session, evaluation_id, ids, self._job.rules.amounts),
                units=units_of(self._groups(session, split), ids),
            )
        self._summarise(evaluation_id, scored)
        return scored

    def _groups(self, session: Session, split: str) -> dict[int, int]:
        if split not in self._grouped:
            self._grouped[split] = test_sets.groups(session, self._job.version_id, split)
        return self._grouped[split]

    def _shown(
        self,
        session: Session,
        evaluation_id: str,
        examples: Sequence[Placed],
        readings: dict[int, tuple[int, int]],
    ) -> tuple[Shown, ...]:
        replies = evaluations.replies(session, evaluation_id)
        ids = [example.example_id for example in examples]
        given = grades.of_examples(session, evaluation_id, ids) if self._job.grading else {}
        return tuple(
            Shown(
                values={name: self._cut(example.values[name]) for name in self._job.placeholders},
                expected=wanted(self._job.answers, example.label, example.reference),
                answered=self._cut(replies[example.example_id]),
                right=readings[example.example_id][0] == example.label,
                grade=_told(given.get(example.example_id)),
            )
            for example in examples
        )

    def _cut(self, text: str) -> str:
        longest = self._job.rules.show_characters
        return text if len(text) <= longest else text[:longest] + "…"

    def _summarise(self, evaluation_id: str, scored: Scored) -> None:
        """Store the metric of the longest prefix, so that no page has to scan outputs; measured in no transaction."""
        goal = self._job.rules.goal
        with self._database.read() as session:
            known = session.get_one(evaluations.Evaluation, evaluation_id)
            if scored.n < known.n or (known.goal == goal and scored.n == known.n):
                return
        scored = _graded_alone(scored)
        estimate, summary = self._job.rules.measure(scored), self._summary(scored)
        with self._database.write() as session:
            jobs.renew(session, self._lease)
            evaluations.summarise(session, evaluation_id, goal, estimate, scored.expected, scored.answered, summary)

    def _summary(self, scored: Scored) -> dict[str, Any] | None:
        """All that is told of a whole split; of a look on the way the score is enough."""
        rules = self._job.rules
        if scored.n < rules.dev_size:
            return None
        told = answered.Answers(scored.expected, scored.answered, range(scored.n), scored.amounts, scored.units)
        return summaries.summarise(parse_goals(rules.goal), rules.answer_shape, told)


def _answered(evaluation_id: str, asking: Questions, example: Placed, answer: StoredAnswer) -> Answered:
    output, probability, _ = asking.answered(example, answer.text, answer.tokens)
    key = {"evaluation_id": evaluation_id, "example_id": example.example_id, "sample": 0}
    told = {"answer_id": answer.id, "served_by": None, "counts": output["reading"] != UNGRADED}
    return Answered({**key, **output, **told}, probability and {**key, **probability})


def _graded_alone(scored: Scored) -> Scored:
    """The same with scores that are not numbers where there is no grade: pages leave these out of the mean."""
    if UNGRADED not in scored.answered or "score" not in scored.amounts:
        return scored
    pairs = zip(scored.amounts["score"], scored.answered, strict=True)
    scores = tuple(nan if code == UNGRADED else score for score, code in pairs)
    return replace(scored, amounts={**scored.amounts, "score": scores})


def _told(grade: Grade | None) -> str:
    """A grade as a generator is shown it."""
    if grade is None:
        return ""
    return f"{'none' if grade.score is None else f'{grade.score:g}'}: {grade.why}"


def wanted(answer_space: Answers, code: int, reference: str | None) -> str:
    """The expected answer as people and generators read it."""
    return reference or "" if answer_space.is_open else name_of(answer_space, code)
