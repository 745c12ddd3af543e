"""What frozen thresholds did on the holdout, in words and rows: the same on a report's page, in Markdown and in print."""

from dataclasses import dataclass
from typing import Literal

from app.domain.freezing import Held
from app.domain.metrics import Estimate
from app.domain.tuningrules import read_rule
from app.services.frozen_reports import Confirmed, FrozenOnHoldout
from app.services.report_views import HoldoutReport
from app.services.threshold_facts import Abstaining
from app.web.formats import percent, score, thousands
from app.web.report_words import estimate_words

SAID: dict[Held | None, str] = {
    "held": "held", "short": "not enough evidence", "missed": "missed", "lower": "lower than it was", None: "–",
}  # fmt: skip
MARKS: dict[Held | None, str] = {"held": "done", "short": "unsure", "missed": "fail", "lower": "fail", None: "off"}


@dataclass(frozen=True)
class Promise:
    """One share of one class at its threshold: the goal, what was promised, what came, and whether it held."""

    name: str
    threshold: str
    share: Literal["Precision", "Recall"]
    goal: str
    promised: Estimate | None
    holdout: Estimate | None
    held: Held | None

    @property
    def said(self) -> str:
        return SAID[self.held]

    @property
    def mark(self) -> str:
        return MARKS[self.held]


def promises(one: FrozenOnHoldout) -> list[Promise]:
    """Precision and recall of every class, in the order of the classes."""
    return [promise for found in (one.check.classes if one.check else ()) for promise in _both(one.rule, found)]


def _both(rule: str, found: Confirmed) -> list[Promise]:
    at = "never" if found.tuned.never else score(found.threshold, 4)
    shares: tuple[tuple[Literal["Precision", "Recall"], Literal["precision", "recall"]], ...]
    shares = (("Precision", "precision"), ("Recall", "recall"))
    rows = []
    for title, name in shares:
        target = read_rule(rule).target(name)
        goal = "–" if target is None else f"at least {target:g}"
        promised, holdout, held = (getattr(side, name) for side in (found.tuned, found.holdout, found))
        rows.append(Promise(found.name, at, title, goal, promised, holdout, held))
    return rows


def title_words(r: HoldoutReport, one: FrozenOnHoldout) -> str:
    """Whose thresholds these are and by which rule they were chosen."""
    sheet = r.best if one.prompt == "best" else r.start
    calibrated = "" if one.calibration == "none" else f", {one.calibration} calibration"
    return f"v{sheet.version}: {one.rule}{calibrated}"


def note_words(one: FrozenOnHoldout) -> str:
    """On how many examples they were applied, or why they were not."""
    classes = "one class" if len(one.classes) == 1 else f"{len(one.classes)} classes"
    if one.changed:
        changed = " and the ".join(one.changed)
        return (
            f"The thresholds of {classes} were not applied: the {changed} changed since they were frozen. Tune again."
        )
    if one.check is None:
        return f"The thresholds of {classes} were not applied: the holdout's answers have no probabilities."
    said = f"Frozen on {one.split} before the holdout was opened, applied to {thousands(one.check.n)} examples of it."
    return f"{said} {thousands(one.check.lacking)} answers have no probabilities." if one.check.lacking else said


def limit_words(a: Abstaining) -> str:
    """From which confidence on answers are given, and how many of them are right where it was tuned."""
    if a.always:
        return f"Abstains always: no limit keeps the accuracy at {a.target:g}."
    given = f"answers {percent(a.kept / a.n, 1)} ({thousands(a.kept)} of {thousands(a.n)})" if a.n else "answers –"
    right = f", right among those {estimate(a.accuracy)}" if a.accuracy else ""
    return f"Abstains below a {a.confidence} of {score(a.at)}: {given}{right}."


def reason_words(a: Abstaining) -> str:
    """Why no better limit was found, as of answers that are right; empty where the best one was."""
    said = a.reason.replace("a precision", "an accuracy").replace("it is never said", "no answer is given")
    said = said.replace("have the label", "are right").replace("has the label", "is right")
    return f"{said[0].upper()}{said[1:]}." if said else ""


def abstaining_words(one: FrozenOnHoldout) -> str:
    """What came of leaving doubtful answers out; empty where nothing is left out."""
    check = one.check
    if check is None or check.abstaining is None or check.kept is None:
        return ""
    was = check.abstaining
    if was.always and not check.kept:
        return (
            f"It abstains always, so no answer is given: no limit kept the accuracy at {was.target:g} on {one.split}."
        )
    given = percent(check.kept / check.n, 1) if check.n else "–"
    said = f"It answers {given} of the holdout, {percent(was.kept / was.n, 1) if was.n else '–'} of {one.split}"
    if check.accuracy is None:
        return f"{said}."
    goal = f"of these at least {was.target:g} should be right"
    return f"{said}; {goal}, and {estimate(check.accuracy)} are, after {estimate(was.accuracy)}."


def estimate(e: Estimate | None) -> str:
    return "–" if e is None else estimate_words(e.value, e.low, e.high, e.n)
