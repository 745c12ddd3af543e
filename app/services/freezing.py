"""Thresholds that people froze: with what they were tuned for, and whether they still hold."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.domain import shapes
from app.domain.curves import sweep
from app.domain.freezing import FrozenThresholds
from app.domain.metrics import Estimate
from app.domain.shapes import Shape, shape_of
from app.domain.tuningrules import choose
from app.errors import Conflict, NotFound
from app.services import threshold_views, threshold_wishes, tuning
from app.services.threshold_facts import Abstaining, Counts
from app.services.threshold_keys import key_of
from app.services.threshold_views import counts_of
from app.services.threshold_wishes import UNCALIBRATED, Wish
from app.storage import campaign_boards, probabilities, projects, run_boards, tunings
from app.storage.campaign_boards import Model
from app.storage.probabilities import Threshold
from app.storage.prompts import PromptVersion


@dataclass(frozen=True)
class FrozenClass:
    """One class's threshold with its counts on the split it was tuned on; `reason` says why it is no better one."""

    name: str
    threshold: float
    reason: str
    tuned: Counts
    optimistic: Counts | None


@dataclass(frozen=True)
class FrozenView:
    """A frozen choice; `changed` says what is no longer as it was (empty: it holds).

    It abstains where the confidence, the leading probability or its margin, is below the one of the two that is not 0;
    one of 2 is above every confidence: it abstains always.
    """

    id: str
    version_id: str
    version: int
    task_model: Model
    run_id: str | None
    split: str
    rule: str
    calibration: str
    sources: tuple[str, ...]
    n: int
    classes: list[FrozenClass]
    abstain_below: float
    least_margin: float
    abstaining: Abstaining | None
    changed: tuple[str, ...]
    created_at: datetime

    @property
    def holds(self) -> bool:
        return not self.changed


def freeze(
    session: Session, run_id: str, given: Mapping[str, str], *, every: bool = False, abstain: bool = False
) -> Threshold:
    """Freeze what the page shows for this wish: one class's threshold, or by the same rule `every` class's.

    With `abstain` also from which confidence on answers are given. Raises NotFound, Invalid, and Conflict where nothing
    was worked out or the answers were changed since.
    """
    evaluation = threshold_views.evaluation_of(session, run_id)
    facts = run_boards.facts(session, run_id)
    project, told = projects.get(session, facts.run.project_id), tunings.told(session, evaluation.id)
    stands = threshold_views.standing(session, evaluation, project, told)
    if stands.state not in ("ready", "old"):
        raise Conflict("The probabilities of this evaluation were not worked out yet; ask for it on its page.")
    shape = shape_of(project.answer_space)
    wish = threshold_wishes.wished(threshold_wishes.usual(project.goal, shape), shape, given)
    places = [place for place, one in enumerate(shape.classes) if every or one.name == wish.name]
    chosen = {
        "rule": wish.rule.name,
        "calibrate": wish.calibrate,
        "shape": shapes.dump(shape),
        "classes": [_class(session, evaluation.id, shape, place, wish) for place in places],
        "n": stands.n,
        "split": evaluation.split,
        "sources": list(stands.sources),
        "run": run_id,
        "abstaining": _abstaining(session, evaluation.id, shape, places[0], wish) if abstain else None,
    }
    return probabilities.freeze(
        session,
        Threshold(
            project_id=project.id,
            prompt_version_id=evaluation.prompt_version_id,
            endpoint_id=evaluation.endpoint_id,
            evaluation_id=evaluation.id,
            key=key_of(session, evaluation.prompt_version_id, evaluation.endpoint_id),
            chosen=chosen,
        ),
    )


def _class(session: Session, evaluation_id: str, shape: Shape, place: int, wish: Wish) -> dict[str, Any]:
    column, fitted = tuning.column_of(session, evaluation_id, place)
    calibrates, used = wish.calibrate in fitted, column
    if calibrates:
        used = threshold_views.adjusted(column, tuning.folds(session, evaluation_id), fitted, wish.calibrate)
    found = choose(wish.rule, sweep(used.truth, used.p))
    refused = wish.calibrate != UNCALIBRATED and not calibrates
    return {
        "name": shape.classes[place].name,
        "threshold": found.at.threshold,
        "reason": found.reason + (f"; {wish.calibrate} calibration was refused for it" if refused else ""),
        "calibrator": fitted[wish.calibrate]["whole"] if calibrates else None,
        "tuned": asdict(counts_of(found.at)),
        "optimistic": asdict(counts_of(found.optimistic)) if found.optimistic else None,
    }


def _abstaining(session: Session, evaluation_id: str, shape: Shape, place: int, wish: Wish) -> dict[str, Any]:
    column, _ = tuning.column_of(session, evaluation_id, place)
    by_margin = wish.confidence == "margin"
    sure = tuning.confidence_of(session, evaluation_id, shape, place, column, by_margin=by_margin)
    return {
        "digit": shape.classes[place].digit,
        **asdict(threshold_views.abstaining(sure, wish.confidence, wish.accuracy)),
    }


def get(session: Session, threshold_id: str) -> Threshold:
    found = session.get(Threshold, threshold_id)
    if found is None:
        raise NotFound("There are no such frozen thresholds.")
    return found


def frozen_of_version(session: Session, version_id: str) -> list[FrozenView]:
    """Those of this prompt version and of its parents, the newest first, and whether they hold for this version."""
    version = session.get_one(PromptVersion, version_id)
    rows = probabilities.frozen(session, [version_id, *version.parents])
    return [view(session, row, version_id) for row in rows]


def view(session: Session, row: Threshold, for_version: str = "") -> FrozenView:
    """A frozen choice as it stands for a prompt version, its own unless another is named."""
    key = key_of(session, for_version or row.prompt_version_id, row.endpoint_id)
    told, stored = row.chosen, frozen_thresholds(row)
    abstained = told["abstaining"]
    return FrozenView(
        id=row.id,
        version_id=row.prompt_version_id,
        version=session.get_one(PromptVersion, row.prompt_version_id).number,
        task_model=campaign_boards.models(session)[row.endpoint_id],
        run_id=told["run"],
        split=told["split"],
        rule=told["rule"],
        calibration=told["calibrate"],
        sources=tuple(told["sources"]),
        n=told["n"],
        classes=[_frozen_class(one) for one in told["classes"]],
        abstain_below=stored.abstain_below,
        least_margin=stored.least_margin,
        abstaining=read_abstaining(abstained) if abstained else None,
        changed=stored.changed(key),
        created_at=row.created_at,
    )


def frozen_thresholds(row: Threshold) -> FrozenThresholds:
    """The row as the domain knows it; the thresholds are of the classes that it names, in their order."""
    told = row.chosen["abstaining"]
    at = told["at"] if told else 0.0
    by_margin = bool(told) and told["confidence"] == "margin"
    thresholds = tuple(one["threshold"] for one in row.chosen["classes"])
    return FrozenThresholds(row.chosen["rule"], thresholds, row.key, 0.0 if by_margin else at, at if by_margin else 0.0)


def _frozen_class(told: Mapping[str, Any]) -> FrozenClass:
    naive = counts(told["optimistic"]) if told["optimistic"] else None
    return FrozenClass(told["name"], told["threshold"], told["reason"], counts(told["tuned"]), naive)


def counts(told: Mapping[str, Any]) -> Counts:
    """As they were stored."""
    shares = {name: told[name] and Estimate(**told[name]) for name in ("precision", "recall")}
    return Counts(**{**told, **shares})


def read_abstaining(told: Mapping[str, Any]) -> Abstaining:
    shares = {name: told[name] and Estimate(**told[name]) for name in ("accuracy", "accuracy_of_all")}
    return Abstaining(**{**{name: value for name, value in told.items() if name != "digit"}, **shares})
