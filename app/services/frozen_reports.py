"""What a holdout report says of thresholds that were frozen before the holdout was opened; nothing is tuned there."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from pydantic import TypeAdapter
from sqlalchemy.orm import Session

from app.domain import calibration, shapes
from app.domain.curves import sweep
from app.domain.freezing import FrozenThresholds, Held, held
from app.domain.metrics import Estimate, wilson
from app.domain.shares import Column, Lead, Shares
from app.domain.thresholds import at_threshold
from app.domain.tuningrules import Rule, reached, read_rule
from app.services import freezing, tuning
from app.services.threshold_facts import Abstaining, Counts
from app.services.threshold_keys import key_of
from app.services.threshold_views import counts_of
from app.storage import evaluations, probabilities
from app.storage.campaigns import HoldoutOpening
from app.storage.probabilities import Threshold

Side = Literal["start", "best"]


@dataclass(frozen=True)
class Confirmed:
    """A frozen threshold of one class on the holdout, beside what it showed where it was tuned.

    `reached` says whether the rule's target was met on the holdout; None of a rule without one. `precision` and `recall`
    say of each whether it came true, measured by its target where it has one, else by what dev showed.
    """

    name: str
    threshold: float
    tuned: Counts
    holdout: Counts
    reached: bool | None
    precision: Held | None
    recall: Held | None


@dataclass(frozen=True)
class HoldoutCheck:
    """A frozen choice on `n` examples of the holdout; `lacking` of its answers have no probabilities and are left out.

    `kept` are those that it does not abstain from, `accuracy` is the share of right answers among them; `abstaining` is
    what was seen of both where it was tuned.
    """

    threshold_id: str
    rule: str
    n: int
    lacking: int
    classes: list[Confirmed]
    changed: tuple[str, ...]
    kept: int | None
    accuracy: Estimate | None
    abstaining: Abstaining | None


@dataclass(frozen=True)
class FrozenOnHoldout:
    """A frozen choice of one of the two prompts, on the task model of the report.

    `changed` says why it was not applied; `check` is None then, and where the answers came without probabilities.
    """

    prompt: Side
    threshold_id: str
    rule: str
    calibration: str
    split: str
    classes: tuple[str, ...]
    changed: tuple[str, ...]
    check: HoldoutCheck | None


_MANY = TypeAdapter(list[FrozenOnHoldout])


def of_opening(
    session: Session, opening: HoldoutOpening, endpoint_id: str, versions: Mapping[Side, str]
) -> list[dict[str, Any]]:
    """As a report stores it: for each prompt that the opening compared, the last threshold of every class."""
    found = list[FrozenOnHoldout]()
    for prompt, version_id in versions.items():
        if version_id in [versions[one.prompt] for one in found]:
            continue
        known = set[str]()
        for row in probabilities.frozen(session, [version_id]):
            if row.endpoint_id == endpoint_id and row.created_at <= opening.opened_at:
                names = [one["name"] for one in row.chosen["classes"] if one["name"] not in known]
                known.update(names)
                found += [_applied(session, opening, row, prompt, names)] if names else []
    return [asdict(one) for one in found]


def _applied(
    session: Session, opening: HoldoutOpening, row: Threshold, prompt: Side, names: Sequence[str]
) -> FrozenOnHoldout:
    now = key_of(session, row.prompt_version_id, row.endpoint_id)
    changed = freezing.frozen_thresholds(row).changed(now)
    check = None if changed else frozen_on_holdout(session, row, opening.id)
    if check is not None:
        check = replace(check, classes=[one for one in check.classes if one.name in names])
    chosen = row.chosen
    return FrozenOnHoldout(
        prompt, row.id, chosen["rule"], chosen["calibrate"], chosen["split"], tuple(names), changed, check
    )


def read(stored: Sequence[Mapping[str, Any]]) -> list[FrozenOnHoldout]:
    """What `of_opening` gave, out of a stored report."""
    return _MANY.validate_python(list(stored))


def frozen_on_holdout(session: Session, threshold: Threshold, opening_id: str) -> HoldoutCheck | None:
    """What frozen thresholds do on the holdout that this opening opened; None where its answers have no probabilities.

    Nothing is tuned here. Raises ValueError when the opening is of another holdout or there is none: it is sealed.
    """
    opening = session.get(HoldoutOpening, opening_id)
    if opening is None:
        raise ValueError("the holdout is sealed")
    version_id, endpoint_id = threshold.prompt_version_id, threshold.endpoint_id
    for evaluation in evaluations.on_holdout(session, version_id, endpoint_id, opening.version_id):
        found = tuning.shares_of(session, evaluation, opening_id)
        if found is not None and shapes.dump(found[0].shape) == threshold.chosen["shape"]:
            counted = len(found[0].examples)
            lacking = probabilities.lacking(session, evaluation.id, counted)
            return _checked(session, threshold, found[0], lacking)
    return None


def _checked(session: Session, row: Threshold, shares: Shares, lacking: int) -> HoldoutCheck:
    rule, names = read_rule(row.chosen["rule"]), [one.name for one in shares.shape.classes]
    classes = [_confirmed(rule, one, shares.column(names.index(one["name"]))) for one in row.chosen["classes"]]
    stored = freezing.frozen_thresholds(row)
    kept = _kept(shares.lead(row.chosen["abstaining"]["digit"]), stored) if row.chosen["abstaining"] else None
    return HoldoutCheck(
        threshold_id=row.id,
        rule=row.chosen["rule"],
        n=len(shares.examples),
        lacking=lacking,
        classes=classes,
        changed=stored.changed(key_of(session, row.prompt_version_id, row.endpoint_id)),
        kept=kept[1] if kept else None,
        accuracy=Estimate(kept[0] / kept[1], *wilson(*kept), kept[1]) if kept and kept[1] else None,
        abstaining=freezing.read_abstaining(row.chosen["abstaining"]) if kept else None,
    )


def _confirmed(rule: Rule, one: Mapping[str, Any], column: Column) -> Confirmed:
    p = calibration.from_json(one["calibrator"]).apply(column.p) if one["calibrator"] else column.p
    at = at_threshold(sweep(column.truth, p), one["threshold"])
    tuned, found = freezing.counts(one["tuned"]), counts_of(at)
    return Confirmed(
        name=one["name"],
        threshold=one["threshold"],
        tuned=tuned,
        holdout=found,
        reached=reached(rule, at),
        precision=held(rule.target("precision"), tuned.precision, found.precision),
        recall=held(rule.target("recall"), tuned.recall, found.recall),
    )


def _kept(lead: Lead, stored: FrozenThresholds) -> tuple[int, int]:
    """How many of the answers that are given are right, and how many are given."""
    given = (lead.top >= stored.abstain_below) & (lead.margin >= stored.least_margin)
    return int((lead.right & given).sum()), int(given.sum())
