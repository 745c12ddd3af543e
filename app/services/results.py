"""How a campaign ended: what its report says, with the versions and openings that it leaves out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.domain.comparing import Difference
from app.domain.improving.state import Rules
from app.domain.metrics import Estimate
from app.services.scoring import settings_hash, task_sampling
from app.services.veiling import Names
from app.storage import live
from app.storage.campaigns import Campaign


@dataclass(frozen=True)
class Side:
    """One of the two prompts that the verdict is about."""

    version_id: str
    version: int
    dev: Estimate | None
    holdout: Estimate | None


@dataclass(frozen=True)
class GeneratorResult:
    """A generator's record in this campaign; no rating without a rated battle."""

    name: str
    simulated: bool
    battles: int
    wins: int
    ties: int
    losses: int
    invalid: int
    rating: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Result:
    """`gain` is best minus start on the holdout; `opening` says which look at that holdout this was.

    `spent` says why it stayed shut, where it had been opened as often as may be. `expected` is the leader's dev score
    pulled towards the mean of all candidates, None where that is not known. `dev_evaluations` are those of start
    and leader, to be set side by side; empty when they are one prompt.
    """

    verdict: str
    kept: str
    start: Side
    best: Side
    best_generator: str | None
    best_round: int
    gain: Difference | None
    opening: int | None
    spent: str
    expected: float | None
    majority_baseline: float | None
    generators: list[GeneratorResult]
    dev_evaluations: list[str]


def result_of(session: Session, campaign: Campaign, names: Names) -> Result | None:
    """None while there is no report."""
    report = campaign.report
    if report is None:
        return None
    best_id = campaign.best_version_id or campaign.start_version_id
    numbers = live.version_numbers(session, (campaign.start_version_id, best_id))
    evidence = report.get("evidence") or {}
    start, best, gain = report["start"], report["best"], report["gain_on_holdout"]
    simulated = {endpoint.full_name for endpoint in names.values() if endpoint.simulated}
    n = best["holdout"]["n"] if best["holdout"] else 0
    return Result(
        verdict=report["verdict"],
        kept=report["kept"],
        start=_side(campaign.start_version_id, numbers, start),
        best=_side(best_id, numbers, best),
        best_generator=best["generator"],
        best_round=best["round"],
        gain=Difference(gain["value"], gain["low"], gain["high"], gain["p"], n) if gain else None,
        opening=live.opening_number(session, campaign.id),
        spent=evidence.get("spent", ""),
        expected=(evidence.get("luck") or {}).get("shrunk"),
        majority_baseline=report["majority_baseline"],
        generators=[GeneratorResult(**row, simulated=row["name"] in simulated) for row in report["generators"]],
        dev_evaluations=_on_dev(session, campaign, best_id),
    )


def _on_dev(session: Session, campaign: Campaign, best_id: str) -> list[str]:
    """The evaluations of start and leader on dev, to be compared row by row; none when they are one prompt."""
    if best_id == campaign.start_version_id:
        return []
    versions = [campaign.start_version_id, best_id]
    sampling = task_sampling(Rules(**campaign.rules).task_max_tokens)
    found = live.evaluations(session, campaign, versions, settings_hash(sampling))
    return [found[version].id for version in versions] if len(found) == len(versions) else []


def _side(version_id: str, numbers: Mapping[str, int], side: Mapping[str, Any]) -> Side:
    return Side(version_id, numbers[version_id], _estimate(side["dev"]), _estimate(side["holdout"]))


def _estimate(found: Mapping[str, Any] | None) -> Estimate | None:
    return Estimate(**found) if found else None
