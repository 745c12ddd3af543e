"""What somebody wants to see of an evaluation's thresholds: which class, by which rule, calibrated or not."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, cast

from app.domain.deciding import ABSTAINED
from app.domain.goals import Goal, parse_goal
from app.domain.profiles import KINDS as CALIBRATIONS
from app.domain.shapes import Shape, class_of
from app.domain.tuningrules import Kind, Rule, checked, read_rule
from app.errors import Invalid, Problem

DOUBTS = ("threshold", "margin")
CONFIDENCES = ("probability", "margin")
UNCALIBRATED = "none"


@dataclass(frozen=True)
class Wish:
    """The numbers of every rule, and `kind`, the one whose threshold is shown.

    `name` is the class, empty for the usual one; `threshold` is set by hand and shown when the kind is `set`.
    `accuracy` is what answering must keep when the rest is abstained, and `abstain` whether the whole table of decisions
    does so. `expected` and `said` ask for the examples of one of its cells alone, by codes; -2 is said for abstained.
    """

    name: str = ""
    kind: Kind = "fbeta"
    beta: float = 1.0
    precision: float = 0.9
    recall: float = 0.8
    fp: float = 1.0
    fn: float = 5.0
    threshold: float | None = None
    calibrate: str = UNCALIBRATED
    confidence: str = "probability"
    accuracy: float = 0.95
    doubt: str = "threshold"
    offset: int = 0
    abstain: bool = False
    expected: int | None = None
    said: int | None = None

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Every rule with its numbers, the one set by hand last. Raises Invalid naming the field."""
        numbers: tuple[tuple[str, Rule], ...] = (
            ("beta", Rule("fbeta", self.beta)),
            ("precision", Rule("recall", self.precision)),
            ("recall", Rule("precision", self.recall)),
            ("fp", Rule("cost", self.fp, self.fn)),
        )
        if self.threshold is not None:
            numbers += (("t", Rule("set", self.threshold)),)
        return tuple(_at_field(field, rule) for field, rule in numbers)

    @property
    def rule(self) -> Rule:
        """Raises Invalid when the threshold is to be set and is not."""
        found = next((rule for rule in self.rules if rule.kind == self.kind), None)
        if found is None:
            raise Invalid([Problem("must be a number from 0 to 1", "t")])
        return found

    def by(self, rule: Rule) -> "Wish":
        """The same with this rule chosen."""
        told: Mapping[Kind, Wish] = {
            "fbeta": replace(self, beta=rule.number),
            "recall": replace(self, precision=rule.number),
            "precision": replace(self, recall=rule.number),
            "cost": replace(self, fp=rule.number, fn=rule.second),
            "set": replace(self, threshold=rule.number),
        }
        return replace(told[rule.kind], kind=rule.kind)


def _at_field(field: str, rule: Rule) -> Rule:
    try:
        return checked(rule)
    except Invalid as wrong:
        raise Invalid([Problem(str(wrong), field)]) from wrong


def usual(goal: str, shape: Shape) -> Wish:
    """What the project's goal suggests: its class, and the rule that raises it; else the first class by F1."""
    wanted = parse_goal(goal)
    place = _class_of(wanted, shape)
    wish = Wish(name=shape.classes[place].name)
    if wanted.at is not None and wanted.metric == "recall":
        return wish.by(Rule("recall", wanted.at.least))
    if wanted.at is not None:
        return wish.by(Rule("precision", wanted.at.least))
    return wish.by(Rule("fbeta", wanted.beta))


def _class_of(goal: Goal, shape: Shape) -> int:
    try:
        place = class_of(goal, shape)
    except Invalid:  # a goal from before the answers were changed
        place = None
    return place or 0


def wished(usual: Wish, shape: Shape, given: Mapping[str, str]) -> Wish:
    """The usual wish changed by what was typed, by field. Raises Invalid naming every field that cannot be used."""
    problems, found = list[Problem](), usual
    if rule := given.get("rule", ""):
        found = found.by(_rule(rule, usual))
    numbers = {"beta": "beta", "precision": "precision", "recall": "recall", "fp": "fp", "fn": "fn"}
    for field, name in {**numbers, "t": "threshold", "accuracy": "accuracy"}.items():
        if text := given.get(field, "").strip():
            number = _number(text)
            if number is None:
                problems.append(Problem("must be a number", field))
            else:
                found = replace(found, **cast("Any", {name: number}))
    for field, known in (("calibrate", (UNCALIBRATED, *CALIBRATIONS)), ("confidence", CONFIDENCES), ("doubt", DOUBTS)):
        if (text := given.get(field, "")) and text not in known:
            problems.append(Problem(f"must be one of {', '.join(known)}", field))
        elif text:
            found = replace(found, **cast("Any", {field: text}))
    if given.get("abstain", "") not in ("", "yes"):
        problems.append(Problem("must be yes, or empty", "abstain"))
    if name := given.get("class", ""):
        found = replace(found, name=name)
    codes = {field: _code(given.get(field, ""), shape) for field in ("expected", "said")}
    found = replace(found, abstain=bool(given.get("abstain", "")), expected=codes["expected"], said=codes["said"])
    problems += [
        Problem("must be the code of a label", field)
        for field, code in codes.items()
        if given.get(field, "") and code is None
    ]
    problems += _checks(found, shape)
    if problems:
        raise Invalid(problems)
    return found


def _checks(found: Wish, shape: Shape) -> list[Problem]:
    problems = []
    if found.name not in [one.name for one in shape.classes]:
        problems.append(Problem(f"there is no class {found.name[:80]!r}", "class"))
    if not 0 < found.accuracy <= 1:
        problems.append(Problem("must lie above 0 and at most at 1", "accuracy"))
    try:
        _ = found.rule
    except Invalid as wrong:
        problems += wrong.problems
    return problems


def _rule(text: str, usual: Wish) -> Rule:
    """One of the kinds with its usual numbers, or a rule that is written out."""
    if text == "set":
        return Rule("set", 0.5 if usual.threshold is None else usual.threshold)
    known = {rule.kind: rule for rule in usual.rules}
    if text in known:
        return known[text]
    try:
        return read_rule(text)
    except Invalid as wrong:
        raise Invalid([Problem(str(wrong), "rule")]) from wrong


def _code(text: str, shape: Shape) -> int | None:
    """Of a label, or that of no answer, where an answer is one label out of several."""
    known = [ABSTAINED, *range(len(shape.classes))] if shape.kind == "label" else []
    return next((code for code in known if str(code) == text.strip()), None)


def _number(text: str) -> float | None:
    try:
        number = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        return None
    return number if isfinite(number) else None
