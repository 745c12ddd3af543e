"""The rule by which a threshold is chosen, as people write it down, and what it chooses.

rule = "f" beta | "recall at precision>=" share | "precision at recall>=" share | "cost fp=" number " fn=" number | number
"""

import re
from dataclasses import dataclass
from typing import Literal

from app.domain.curves import Sweep
from app.domain.thresholds import (
    At,
    Choice,
    at_threshold,
    best_fbeta,
    cheapest,
    lower_bound,
    precision_at_recall,
    recall_at_precision,
)
from app.errors import Invalid

Kind = Literal["fbeta", "recall", "precision", "cost", "set"]
KINDS: tuple[Kind, ...] = ("fbeta", "recall", "precision", "cost", "set")
MOST_BETA, MOST_COST = 10.0, 1e6

_NUMBER = r"(\d*\.?\d+)"
_FORMS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("fbeta", re.compile(rf"f_?{_NUMBER}$")),
    ("recall", re.compile(rf"recall at precision ?>= ?{_NUMBER} ?(%?)$")),
    ("precision", re.compile(rf"precision at recall ?>= ?{_NUMBER} ?(%?)$")),
    ("cost", re.compile(rf"cost fp ?= ?{_NUMBER} fn ?= ?{_NUMBER}$")),
    ("set", re.compile(rf"(?:threshold )?{_NUMBER}$")),
)
_WRITE = "write f1, recall at precision>=0.95, precision at recall>=0.8, cost fp=1 fn=5, or a threshold such as 0.7"


@dataclass(frozen=True)
class Rule:
    """`number` is beta, the target, what a false positive costs, or the threshold itself; `second`, a false negative."""

    kind: Kind
    number: float
    second: float = 1.0

    @property
    def name(self) -> str:
        """As `read_rule` reads it."""
        if self.kind == "fbeta":
            return f"f{self.number:g}"
        if self.kind == "recall":
            return f"recall at precision>={self.number:g}"
        if self.kind == "precision":
            return f"precision at recall>={self.number:g}"
        return f"cost fp={self.number:g} fn={self.second:g}" if self.kind == "cost" else f"threshold {self.number:.9g}"

    def target(self, share: Literal["precision", "recall"]) -> float | None:
        """What this share must reach; a rule names one of the two, or none."""
        bound = {"recall": "precision", "precision": "recall"}.get(self.kind)
        return self.number if bound == share else None


def read_rule(text: str) -> Rule:
    """Raises Invalid with what can be written."""
    plain = " ".join(text.casefold().split())
    for kind, form in _FORMS:
        if found := form.match(plain):
            first, second = found[1], found[2] if form.groups > 1 else ""
            number = float(first) / (100 if second == "%" else 1)
            return checked(Rule(kind, number, float(second) if kind == "cost" else 1.0))
    raise Invalid(f"this rule cannot be read; {_WRITE} (given was {text.strip()[:60]!r})")


def checked(rule: Rule) -> Rule:
    """Raises Invalid for numbers that make no sense."""
    if rule.kind == "fbeta" and not 0 < rule.number <= MOST_BETA:
        raise Invalid(f"beta lies above 0 and at most at {MOST_BETA:g}; given was {rule.number:g}")
    if rule.kind in ("recall", "precision") and not 0 < rule.number <= 1:
        raise Invalid(f"a target lies above 0 and at most at 1; given was {rule.number:g}")
    if rule.kind == "cost" and not (min(rule.number, rule.second) >= 0 and max(rule.number, rule.second) > 0):
        raise Invalid("a mistake costs 0 or more, and one of the two more than 0")
    if rule.kind == "cost" and max(rule.number, rule.second) > MOST_COST:
        raise Invalid(f"a mistake costs at most {MOST_COST:,.0f}")
    if rule.kind == "set" and not 0 <= rule.number <= 1:
        raise Invalid(f"a threshold lies between 0 and 1; given was {rule.number:g}")
    return rule


def choose(rule: Rule, swept: Sweep) -> Choice:
    """The threshold that the rule chooses; one that a person set is taken as it is."""
    if rule.kind == "fbeta":
        return best_fbeta(swept, rule.number)
    if rule.kind == "recall":
        return recall_at_precision(swept, rule.number)
    if rule.kind == "precision":
        return precision_at_recall(swept, rule.number)
    if rule.kind == "cost":
        return cheapest(swept, rule.number, rule.second)
    at = at_threshold(swept, rule.number)
    return Choice(at, bound=lower_bound(at.tp, at.fp))


def reached(rule: Rule, at: At) -> bool | None:
    """Whether the seen share is what the rule asks for; None of a rule that names no target."""
    if rule.kind not in ("recall", "precision"):
        return None
    share = at.precision if rule.kind == "recall" else at.recall
    return share is not None and share >= rule.number


def stops(swept: Sweep, most: int, also: tuple[float, ...] = ()) -> Sweep:
    """About `most` of the thresholds for drawing and sliding, each with its exact counts.

    Half are even in rows, half even in what is found, so that a rare class keeps its steep beginning; the thresholds
    of `also` are among them where they were seen.
    """
    import numpy as np

    if len(swept.tp) <= most:
        return swept
    kept = [np.array([0, len(swept.tp) - 1])]
    for counts in (swept.tp + swept.fp, swept.tp):
        marks = np.linspace(counts[0], counts[-1], most // 2)
        kept.append(np.searchsorted(counts, marks))
    wanted = np.searchsorted(-swept.thresholds, -np.asarray(also, np.float64))
    kept.append(wanted[wanted < len(swept.tp)])
    places = np.unique(np.concatenate(kept))
    return Sweep(swept.thresholds[places], swept.tp[places], swept.fp[places], swept.positives, swept.negatives)
