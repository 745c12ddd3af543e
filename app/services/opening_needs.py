"""What opening a holdout takes: the answers that both prompts still lack, and the caps that would not let them come."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.domain.budgets import said
from app.domain.grading import requests_each
from app.errors import Problem
from app.services import capping
from app.settings import Settings
from app.storage import confirmations, evaluations
from app.storage.endpoints import Endpoint
from app.storage.evaluations import settings_hash
from app.storage.projects import Project
from app.storage.prompts import PromptVersion
from app.storage.test_sets import TestSetVersion


@dataclass(frozen=True)
class Checked:
    """What an opening is about, found and fit for it."""

    project: Project
    version: TestSetVersion
    prompt: PromptVersion
    against: PromptVersion
    model: Endpoint

    @property
    def both(self) -> tuple[str, str]:
        """What is compared with, and the prompt."""
        return self.against.id, self.prompt.id

    @property
    def size(self) -> int:
        size: int = self.version.splits["holdout"]
        return size


@dataclass(frozen=True)
class Need:
    """The answers of an opening, how many of them are known, and the calls that the others take, grades included."""

    answers: int
    there: int
    calls: int


def need_of(session: Session, settings: Settings, found: Checked) -> Need:
    hashed = settings_hash(0.0, settings.task_max_tokens)
    ids = confirmations.evaluations_of(session, found.both, found.model.id, found.version.id, "holdout", hashed)
    there = sum(confirmations.used(session, one).answers for one in ids.values())
    wanted = len(found.both) * found.size
    return Need(wanted, there, (1 + requests_each(found.project.answer_space)) * (wanted - there))


def too_little(session: Session, project_id: str, max_calls: int | None, need: Need) -> list[Problem]:
    """Which caps on calls would end the opening before both prompts have answered: a look would be spent on a part."""
    takes = f"Both prompts take {need.calls:,} calls, and a look that ends before counts all the same."
    shared = [use for use in capping.uses(session, capping.shared(project_id)) if use.kind == "calls"]
    told = [f"{takes} {use.sentence} Raise that cap first." for use in shared if use.left < need.calls]
    if max_calls is not None and max_calls < need.calls:
        told.append(f"{takes} Allow at least so many.")
    return [Problem(one, "max_calls") for one in told]


def may_stop(session: Session, settings: Settings, found: Checked, caps: capping.Caps, need: Need) -> str:
    """Which caps on tokens and money are below what the missing answers would take, were they like those to dev."""
    hashed = settings_hash(0.0, settings.task_max_tokens)
    ids = confirmations.evaluations_of(session, found.both, found.model.id, found.version.id, "dev", hashed)
    means = [evaluations.means_of(session, one) for one in ids.values()]
    told = []
    for kind, cap in (("tokens", caps.tokens), ("cost", caps.cost)):
        each = max((one[kind] for one in means if kind in one), default=0.0)
        wanted = round(each * (need.answers - need.there))
        if cap is not None and wanted > cap:
            takes = f"Both prompts may take about {said(kind, wanted)}, by what they took on dev"
            told.append(f"{takes}: under {said(kind, cap)} they stop until you raise the cap, and the look counts.")
    return " ".join(told)
