"""How a project's free texts get their grades: what its grader is asked of an answer, and what an output is then worth."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from app.domain import grading
from app.domain.answercodes import RIGHT, UNGRADED, WRONG
from app.domain.answerspace import Texts
from app.domain.improving.asks import Sampling
from app.errors import Invalid
from app.gateway.calls import ReplyFormat
from app.services.bookkeeping import Wish
from app.services.questions import Questions
from app.storage import endpoints
from app.storage.endpoints import Endpoint
from app.storage.projects import Project
from app.storage.test_sets import Placed

JUDGE = "judge"


@dataclass(frozen=True)
class Grading:
    """A project's grader and what it is told; the same for all prompts, so that equal answers get one grade."""

    texts: Texts
    description: str
    grader: Endpoint

    def wishes(self, questions: Questions, example: Placed, reply: str, version_id: str) -> tuple[Wish, ...]:
        """The requests that grade one reply. Any answer to them may be shared: graders answer at temperature 0."""
        task = f"{self.description}\n\n{example.values['input']}"
        asked = grading.questions(self.texts, task, questions.alone(reply), example.reference or "")
        return tuple(
            Wish(
                endpoint_id=self.grader.id,
                messages=one.messages,
                sampling=Sampling(0.0, grading.JUDGE_TOKENS),
                purpose=JUDGE,
                prompt_version_id=version_id,
                example_id=example.example_id,
                reply_format=ReplyFormat.of("grade", one.schema) if one.schema else None,
                compared=one.compared,
            )
            for one in asked
        )

    def graded(self, example: Placed, replies: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Columns of the output and of its grade."""
        grade = grading.grade(self.texts, example.reference or "", replies)
        reading = UNGRADED if grade.score is None else RIGHT if self._passes(grade.score) else WRONG
        output = {"reading": reading, "label": example.label, "score": grade.score}
        return output, {"score": grade.score, "why": grade.why}

    def _passes(self, score: float) -> bool:
        return Decimal(str(score)) >= Decimal(self.texts.right_from)


def grading_of(session: Session, project: Project) -> Grading | None:
    """How the project's answers are graded, None where nobody need be asked. Raises Invalid when the grader is gone."""
    answers = project.answer_space
    if not grading.is_graded(answers):
        return None
    grader = endpoints.named(session, answers.texts.grader)
    if grader is None:
        said = f"the grader {answers.texts.grader} is no endpoint any more: choose another where the project is edited"
        raise Invalid(said)
    return Grading(answers.texts, project.description, grader)
