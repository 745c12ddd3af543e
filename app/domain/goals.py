"""The goal: which score to raise, as people write it, and whether this project's answers can have it.

goals      = goal { ";" goal }                   several make a Pareto set; the first leads
goal       = score [ "at" bound ] { "-" penalty }
score      = metric [ "[" class "]" ]            a class is a label, or of a checklist a field or field=value
bound      = ( "precision" | "recall" ) ">=" share
penalty    = number "*" ( quantity | "log(" quantity ")" )
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from app.errors import Invalid

RIGHT_SHARE = ("accuracy", "exact_match", "subset_accuracy")
AVERAGED = ("balanced_accuracy", "macro_f1", "micro_f1", "weighted_f1", "macro_precision", "macro_recall", "mcc")
OF_A_CLASS = ("precision", "recall", "f1")
OTHERS = ("hamming_score", "samples_f1", "mean_score")
METRICS = (*RIGHT_SHARE, *AVERAGED, *OF_A_CLASS, *OTHERS)
SUGGESTED = ("accuracy", "macro_f1", "balanced_accuracy")
LONGEST = 500  # characters of all goals together
QUANTITIES = ("tokens", "cost")

_F = re.compile(r"(?P<average>macro_|micro_|weighted_)?f_?(?P<beta>\d{1,2}(?:\.\d{1,3})?)$")
_GOAL = re.compile(
    r" ?(?P<metric>[^\W\d][\w.]*(?:[ \-][\w.]+){0,4}?) ?(?:\[(?P<of>[^\]]*)\])? ?"
    r"(?:\bat (?P<bounded>\w+(?:[ \-]\w+){0,4}) ?>= ?(?P<least>[\d.]+) ?(?P<percent>%)?)? ?(?P<rest>- ?[\d.].*)?$",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r";(?![^\[]*\])")
_PENALTY = re.compile(r"\s*-\s*(?P<weight>\d*\.?\d+)\s*\*\s*(?:(?P<log>log)\s*\(\s*(?P<of>\w+)\s*\)|(?P<plain>\w+))\s*")


@dataclass(frozen=True)
class Bound:
    """A share of precision or recall that has to be reached."""

    metric: str
    least: float

    def __str__(self) -> str:
        return f"{self.metric}>={self.least:g}"


@dataclass(frozen=True)
class Penalty:
    """What a unit of a mean quantity, or of the mean of its natural logarithm, takes away."""

    weight: float
    quantity: str
    log: bool = False

    def __str__(self) -> str:
        return f"{self.weight:g}*" + (f"log({self.quantity})" if self.log else self.quantity)


@dataclass(frozen=True)
class Goal:
    """One score to raise; higher is better. `beta` belongs to F-scores, whose `metric` then ends in f1."""

    metric: str
    of: str | None = None
    beta: float = 1.0
    at: Bound | None = None
    penalties: tuple[Penalty, ...] = ()

    @property
    def name(self) -> str:
        """The goal as it is written down: equal goals have equal names."""
        metric = f"{self.metric[:-1]}{self.beta:g}" if self.metric.endswith("f1") else self.metric
        of = f"[{self.of}]" if self.of is not None else ""
        at = f" at {self.at}" if self.at else ""
        return f"{metric}{of}{at}" + "".join(f" - {penalty}" for penalty in self.penalties)

    @property
    def counts_right(self) -> bool:
        """Whether it is the share of right answers and nothing else."""
        return self.metric in RIGHT_SHARE and not (self.of or self.penalties)

    @property
    def is_share(self) -> bool:
        """Whether it lies between 0 and 1 whatever the answers."""
        return self.metric != "mcc" and not (self.at or self.penalties)


def missed(text: str, value: float) -> str:
    """What a value below zero says of a goal with a bound, in words; nothing of any other."""
    bound = parse_goal(text).at
    return f"{bound} is missed by {-value:.3f}" if bound and value < 0 else ""


def parse_goal(text: str) -> Goal:
    """The one goal that a text names, the first of several; case does not matter, nor a blank or hyphen for "_".

    Raises Invalid, with what is possible and what was given.
    """
    return parse_goals(text)[0]


def parse_goals(text: str) -> tuple[Goal, ...]:
    """Every goal of a text, each once, in its order. Raises Invalid."""
    text = " ".join(text.split())
    if len(text) > LONGEST:
        raise Invalid(f"the goal is longer than {LONGEST} characters {_given(text)}")
    goals = tuple(dict.fromkeys(_goal(part) for part in _BETWEEN.split(text) if part.strip()))
    if not goals:
        raise Invalid(
            f"the goal is empty; write one such as accuracy, macro_f1 or recall[spam] at precision>=0.9 {_given(text)}"
        )
    return goals


def written(goals: Sequence[Goal]) -> str:
    """The text that `parse_goals` reads back."""
    return "; ".join(goal.name for goal in goals)


def _given(text: str) -> str:
    return f"(given was {text.strip()[:80]!r})"


def _goal(text: str) -> Goal:
    found = _GOAL.match(text)
    if not found or not found["metric"]:
        raise Invalid(
            "the goal cannot be read; write a metric, then [class], then at precision>=0.9, then - 0.05*log(tokens), "
            f"each but the first only where wanted {_given(text)}"
        )
    goal = _metric(found["metric"], text)
    of = found["of"]
    if of is not None:
        if not of.strip():
            raise Invalid(f"the brackets of the goal are empty: name a class in them {_given(text)}")
        goal = replace(goal, of=" ".join(of.split()))
    if found["bounded"]:
        goal = replace(goal, at=_bound(found["bounded"], found["least"], bool(found["percent"]), text))
    return _coherent(replace(goal, penalties=_penalties(found["rest"] or "", text)), text)


def _word(text: str) -> str:
    return "_".join(text.casefold().replace("-", " ").replace("_", " ").split())


def _metric(text: str, whole: str) -> Goal:
    word = _word(text)
    if scored := _F.match(word):
        beta = float(scored["beta"])
        if not 0 < beta <= 10:
            raise Invalid(f"the beta of an F-score must be above 0 and at most 10 {_given(whole)}")
        return Goal(f"{scored['average'] or ''}f1", beta=beta)
    if word in METRICS:
        return Goal(word)
    near = get_close_matches(word, METRICS, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise Invalid(
        f"there is no metric {text.strip()!r}{hint or '.'} The metrics are {', '.join(METRICS)}, and F-scores such as f2 {_given(whole)}"
    )


def _bound(metric: str, least: str, percent: bool, whole: str) -> Bound:
    word = _word(metric)
    if word not in ("precision", "recall"):
        raise Invalid(f"after at comes precision or recall, such as at precision>=0.9 {_given(whole)}")
    try:
        share = float(least) / (100 if percent else 1)
    except ValueError:
        share = -1.0
    if not 0 < share <= 1:
        raise Invalid(f"the share after >= must be above 0 and at most 1, such as 0.9 {_given(whole)}")
    return Bound(word, share)


def _penalties(text: str, whole: str) -> tuple[Penalty, ...]:
    found, at = list[Penalty](), 0
    while at < len(text):
        match = _PENALTY.match(text, at)
        if not match:
            raise Invalid(f"a penalty is written - 0.05*log(tokens) or - 0.001*tokens {_given(whole)}")
        quantity = (match["of"] or match["plain"]).casefold()
        if quantity not in QUANTITIES:
            raise Invalid(f"a penalty is on {', '.join(QUANTITIES)}; there is no {quantity!r} {_given(whole)}")
        found.append(Penalty(float(match["weight"]), quantity, match["log"] is not None))
        at = match.end()
    return tuple(found)


def _coherent(goal: Goal, whole: str) -> Goal:
    if goal.of is not None and goal.metric not in (*OF_A_CLASS, "accuracy"):
        raise Invalid(f"{goal.metric} is over all classes and takes no [class] {_given(whole)}")
    if goal.at and (goal.metric not in ("precision", "recall") or goal.at.metric == goal.metric):
        raise Invalid(f"only recall can stand at a precision, and precision at a recall {_given(whole)}")
    if goal.of is None and goal.metric == "f1":
        return replace(goal, metric="macro_f1")
    if goal.of is None and goal.metric in OF_A_CLASS:
        raise Invalid(f"say of which class, such as {goal.metric}[spam], or write macro_{goal.metric} {_given(whole)}")
    return goal
