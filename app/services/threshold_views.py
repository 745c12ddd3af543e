"""What the page of an evaluation's thresholds shows: curve and stops of a class, what each rule chooses, calibration, doubts."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from app.domain import formats, profiles, shapes
from app.domain.answercodes import name_of
from app.domain.curves import Sweep, sweep
from app.domain.deciding import tune_abstaining
from app.domain.metrics import Estimate, wilson
from app.domain.profiles import held_out
from app.domain.reliability import CalibrationError
from app.domain.shapes import Shape, shape_of
from app.domain.shares import Column, Confidence
from app.domain.thresholds import At, Choice
from app.domain.tuningrules import Rule, choose, reached, stops
from app.errors import Conflict, Invalid, Problem
from app.services import threshold_wishes, tuning
from app.services.decisions import Decisions, decisions
from app.services.threshold_facts import (
    Abstaining,
    Chosen,
    ClassLine,
    Counts,
    Doubt,
    Standing,
    Stops,
    ThresholdsView,
    Tuned,
)
from app.services.threshold_wishes import UNCALIBRATED, Wish
from app.storage import campaign_boards, probabilities, projects, run_boards, tunings
from app.storage.evaluations import Evaluation
from app.storage.projects import Project
from app.storage.prompts import PromptVersion
from app.storage.run_boards import RunFacts
from app.storage.tunings import FRAME

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

STOPS = 400
DOUBTFUL = 20
SHOWN_CHARACTERS = 240


def thresholds_view(session: Session, run_id: str, given: dict[str, str], offset: int = 0) -> ThresholdsView:
    """Raises NotFound, and Invalid naming the fields of `given` that cannot be used."""
    facts = run_boards.facts(session, run_id)
    project, told = projects.get(session, facts.run.project_id), dict[int, dict[str, Any]]()
    if facts.evaluation.split in ("train", "dev"):
        told = tunings.told(session, facts.evaluation.id)
    shape, stands = shape_of(project.answer_space), standing(session, facts.evaluation, project, told)
    wish, tuned = Wish(), None
    if stands.state in ("ready", "old"):
        wish = replace(
            threshold_wishes.wished(threshold_wishes.usual(project.goal, shape), shape, given), offset=offset
        )
        tuned = _tuned(session, facts.evaluation, project, shape, wish, told)
    return _view(session, facts, project, stands, wish, told, tuned, shape)


def _view(
    session: Session,
    facts: RunFacts,
    project: Project,
    stands: Standing,
    wish: Wish,
    told: dict[int, dict[str, Any]],
    tuned: Tuned | None,
    shape: Shape,
) -> ThresholdsView:
    whole = told[FRAME].get("whole", {}) if tuned else {}
    version = session.get_one(PromptVersion, facts.evaluation.prompt_version_id)
    lines = (
        [ClassLine(place, one.name, profiles.load(told[place])[0]) for place, one in enumerate(shape.classes)]
        if tuned
        else []
    )
    return ThresholdsView(
        run_id=facts.run.id,
        project_id=project.id,
        project=project.name,
        version_id=version.id,
        version=version.number,
        task_model=campaign_boards.models(session)[facts.evaluation.endpoint_id],
        split=facts.evaluation.split,
        goal=project.goal,
        asks=formats.load(version.format).probabilities,
        standing=stands,
        wish=wish,
        classes=lines,
        whole_error=CalibrationError(**whole["error"]) if whole else None,
        whole_brier=Estimate(**whole["brier"]) if whole else None,
        whole_log_loss=Estimate(**whole["log_loss"]) if whole else None,
        tuned=tuned,
    )


def standing(session: Session, evaluation: Evaluation, project: Project, told: dict[int, dict[str, Any]]) -> Standing:
    """Where it stands; `told` is what `tunings.told` has of it."""
    if evaluation.split not in ("train", "dev"):
        return Standing("sealed")
    if FRAME in told and told[FRAME]["shape"] == shapes.dump(shape_of(project.answer_space)):
        frame = told[FRAME]
        state = "old" if evaluation.n > frame["n"] + frame["misfits"] + frame["lacking"] else "ready"
        counts = {name: frame[name] for name in ("samples", "uncertain", "misfits")}
        return Standing(state, frame["n"], evaluation.n, tuple(frame["sources"]), **counts)
    there = has_probabilities(session, evaluation)
    return Standing("raw" if there else "none", answered=evaluation.n)


def has_probabilities(session: Session, evaluation: Evaluation) -> bool:
    """Whether any answer came with probabilities, or several answers to one example can vote."""
    return probabilities.any_shares(session, evaluation.id) or _votes(session, evaluation)


def _votes(session: Session, evaluation: Evaluation) -> bool:
    version = session.get_one(PromptVersion, evaluation.prompt_version_id)
    asks = formats.load(version.format).probabilities == "votes"
    return asks and probabilities.repeated(session, evaluation.id)


def _tuned(
    session: Session,
    evaluation: Evaluation,
    project: Project,
    shape: Shape,
    wish: Wish,
    told: dict[int, dict[str, Any]],
) -> Tuned:
    place = [one.name for one in shape.classes].index(wish.name)
    profile, calibrated = profiles.load(told[place])
    column, fitted = tuning.column_of(session, evaluation.id, place)
    calibrates = wish.calibrate != UNCALIBRATED
    used = adjusted(column, tuning.folds(session, evaluation.id), fitted, wish.calibrate) if calibrates else column
    swept = sweep(used.truth, used.p)
    rules = [chosen(rule, swept) for rule in wish.rules]
    mine = next(one for one in rules if one.kind == wish.kind)
    sure = {
        by_margin: tuning.confidence_of(session, evaluation.id, shape, place, column, by_margin=by_margin)
        for by_margin in {wish.confidence == "margin", wish.doubt == "margin"}
    }
    away = abstaining(sure[wish.confidence == "margin"], wish.confidence, wish.accuracy)
    shown = place, mine.at.threshold, used
    decided = decisions(session, evaluation, shape, wish, shown, sure[wish.confidence == "margin"], away)
    distance = sure[True].values if wish.doubt == "margin" else abs(used.p - min(1.0, mine.at.threshold))
    listed = _listed(decided, wish, len(distance))
    places = listed[_nearest(distance[listed], wish.offset)].tolist()
    margins = tuning.margins_at(session, evaluation.id, shape, place, column, places)
    doubts = _doubts(session, evaluation, project, used, places, margins)
    onward = wish.offset + DOUBTFUL
    return Tuned(
        place=place,
        name=wish.name,
        profile=profile,
        calibrated=calibrated,
        stops=_stops(swept, rules),
        chosen=mine,
        rules=rules,
        abstaining=away,
        doubts=doubts,
        found=len(listed),
        next_offset=onward if onward < len(listed) else None,
        decided=decided.table if decided else None,
    )


def _listed(decided: Decisions | None, wish: Wish, n: int) -> "NDArray[np.int64]":
    """The places of the examples that the list is of: all, or those of one cell of what is decided."""
    import numpy as np

    if wish.expected is None and wish.said is None:
        return np.arange(n)
    if decided is None:
        raise Invalid([Problem("there are too many classes or examples to tell who is taken for what", "expected")])
    return decided.places(wish)


def adjusted(column: Column, folds: "NDArray[Any]", fitted: dict[str, Any], kind: str) -> Column:
    """The column as the calibration says of examples that it was not fitted on. Raises Conflict when it was refused."""
    if kind == UNCALIBRATED:
        return column
    if kind not in fitted:
        raise Conflict(f"There is no {kind} calibration of this class; the page says why.")
    return Column(held_out(column.p, folds, fitted[kind]), column.truth)


def chosen(rule: Rule, swept: Sweep) -> Chosen:
    found: Choice = choose(rule, swept)
    at, value = found.at, None
    if rule.kind == "fbeta":
        value = at.fbeta(rule.number)
    elif rule.kind == "cost":
        value = at.cost(rule.number, rule.second)
    naive = counts_of(found.optimistic) if found.optimistic else None
    return Chosen(rule.kind, rule.name, counts_of(at), found.reason, found.bound, naive, value, reached(rule, at))


def counts_of(at: At) -> Counts:
    precision = _share(at.tp, at.tp + at.fp)
    return Counts(
        at.threshold, at.threshold > 1, at.tp, at.fp, at.fn, at.tn, precision, _share(at.tp, at.tp + at.fn), at.fbeta()
    )


def _share(hits: int, n: int) -> Estimate | None:
    return Estimate(hits / n, *wilson(hits, n), n) if n else None


def abstaining(sure: Confidence, confidence: str, target: float) -> Abstaining:
    """Answer as much as keeps the accuracy surely at the target; `confidence` names what `sure` goes by."""
    found = tune_abstaining(sure.values, sure.right, target)
    at, n = found.at, len(sure.values)
    of_all = _share(int(sure.right.sum()), n) or Estimate(0.0, 0.0, 1.0, 0)
    return Abstaining(
        confidence, target, at.threshold, at.tp + at.fp, n, _share(at.tp, at.tp + at.fp), of_all, found.reason
    )


def _stops(swept: Sweep, rules: list[Chosen]) -> Stops:
    named = [one.at.threshold for one in rules] + [one.optimistic.threshold for one in rules if one.optimistic]
    thin = stops(swept, STOPS, tuple(named))
    columns = thin.thresholds.tolist(), thin.tp.tolist(), thin.fp.tolist()
    return Stops(*columns, thin.positives, thin.negatives)


def _nearest(distance: "Floats", offset: int) -> "NDArray[np.int64]":
    """The places of the smallest distances from `offset` on, of equals the first; without sorting all of them."""
    import numpy as np

    last = offset + DOUBTFUL
    if last < len(distance):
        places = np.flatnonzero(distance <= np.partition(distance, last - 1)[last - 1])
    else:
        places = np.arange(len(distance))
    ordered: NDArray[np.int64] = places[np.argsort(distance[places], kind="stable")][offset:last]
    return ordered


def _doubts(
    session: Session,
    evaluation: Evaluation,
    project: Project,
    used: Column,
    places: list[int],
    margins: list[float],
) -> list[Doubt]:
    ids = tuning.examples_at(session, evaluation.id, places)
    found = probabilities.doubtful(session, evaluation, ids)
    return [
        _doubt(project, found[example_id], example_id, float(used.p[at]), margin, bool(used.truth[at]))
        for at, example_id, margin in zip(places, ids, margins, strict=True)
        if example_id in found
    ]


def _doubt(
    project: Project, found: probabilities.Doubtful, example_id: int, p: float, margin: float, has_class: bool
) -> Doubt:
    cut = found.text if len(found.text) <= SHOWN_CHARACTERS else found.text[:SHOWN_CHARACTERS] + "…"
    return Doubt(
        example_id=example_id,
        text=cut,
        expected=name_of(project.answer_space, found.expected),
        read=name_of(project.answer_space, found.reading),
        p=p,
        margin=margin,
        has_class=has_class,
        uncertain=found.uncertain,
        call_id=found.call_id,
    )


def evaluation_of(session: Session, run_id: str) -> Evaluation:
    """Of an open split. Raises NotFound, and Conflict for a holdout's."""
    evaluation = run_boards.facts(session, run_id).evaluation
    if evaluation.split not in ("train", "dev"):
        raise Conflict("Thresholds are tuned on train or dev; the holdout only confirms frozen ones.")
    return evaluation
