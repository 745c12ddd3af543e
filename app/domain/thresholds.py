"""Which threshold to say yes from: tuned for F-beta, recall, precision or cost, and honest about few examples.

The rule is always "yes when probability >= threshold", the candidates are the probabilities that were seen. Tune on
dev; when a calibration is fitted on the same rows, on its out-of-fold probabilities (`calibration.out_of_fold`).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domain.curves import Sweep

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

LEAST_POSITIVES = 30
UNTUNED = 0.5
NEVER = 2.0  # above every probability
CONFIDENCE = 0.9  # of the one-sided lower bound


@dataclass(frozen=True)
class At:
    """The counts at one threshold."""

    threshold: float
    tp: int
    fp: int
    fn: int
    tn: int

    @property
    def precision(self) -> float | None:
        """None where nothing is called yes."""
        return self.tp / (self.tp + self.fp) if self.tp + self.fp else None

    @property
    def recall(self) -> float | None:
        """None where there is nothing to find."""
        return self.tp / (self.tp + self.fn) if self.tp + self.fn else None

    def fbeta(self, beta: float = 1.0) -> float:
        weighed = (1 + beta**2) * self.tp
        return weighed / (weighed + beta**2 * self.fn + self.fp) if weighed else 0.0

    def cost(self, false_positive: float, false_negative: float) -> float:
        return self.fp * false_positive + self.fn * false_negative


@dataclass(frozen=True)
class Choice:
    """A chosen threshold; `reason` says in words why it is not the best one seen, and is empty when it is.

    `optimistic` is the naive choice, which takes the seen precision for the true one. `bound` is the lower bound of
    the precision at the chosen threshold.
    """

    at: At
    reason: str = ""
    optimistic: At | None = None
    bound: float | None = None


def at_threshold(swept: Sweep, threshold: float) -> At:
    """The counts at any threshold, seen or not."""
    import numpy as np

    place = int(np.searchsorted(-swept.thresholds, -threshold, side="right")) - 1
    tp, fp = (int(swept.tp[place]), int(swept.fp[place])) if place >= 0 else (0, 0)
    return At(threshold, tp, fp, swept.positives - tp, swept.negatives - fp)


def fbeta_everywhere(swept: Sweep, beta: float = 1.0) -> "Floats":
    """F-beta at every threshold: beta 2 weighs recall higher, 0.5 precision."""
    import numpy as np

    weighed = (1 + beta**2) * swept.tp
    values: Floats = weighed / np.maximum(weighed + beta**2 * swept.fn + swept.fp, 1e-300)
    return values


def cost_everywhere(swept: Sweep, false_positive: float, false_negative: float) -> "Floats":
    """What the mistakes cost at every threshold, by the price of one of each kind."""
    costs: Floats = swept.fp * false_positive + swept.fn * false_negative
    return costs


def lower_bound(tp: int, fp: int, confidence: float = CONFIDENCE) -> float:
    """The one-sided lower bound of a precision (Clopper and Pearson 1934)."""
    from scipy.special import betaincinv

    return float(betaincinv(tp, fp + 1, 1 - confidence)) if tp else 0.0


def best_fbeta(swept: Sweep, beta: float = 1.0, least_positives: int = LEAST_POSITIVES) -> Choice:
    """The threshold of the highest F-beta; of equals the highest threshold."""
    import numpy as np

    if not swept.positives:
        return _untuned(swept, least_positives, None)
    best = _at(swept, int(np.argmax(fbeta_everywhere(swept, beta))))
    return _untuned(swept, least_positives, best) if swept.positives < least_positives else Choice(best)


def recall_at_precision(
    swept: Sweep, target: float, confidence: float = CONFIDENCE, least_positives: int = LEAST_POSITIVES
) -> Choice:
    """The highest recall where the lower bound of the precision reaches the target; of equal recalls the best precision.

    Where none does the label is never said. Beside it the naive choice, by the seen precision alone: it misses its
    target on new data about half of the time. Raises ValueError for a target outside (0, 1].
    """
    _require_share("precision", target)
    naive = _highest_recall(swept, swept.precision >= target)
    if swept.positives < least_positives:
        return _untuned(swept, least_positives, naive)
    best = _highest_recall(swept, _surely(swept, target, confidence))
    if best is None:
        said = f"no threshold has a precision of surely {target:g} (lower bound, {confidence:.0%}), so it is never said"
        return Choice(at_threshold(swept, NEVER), said, naive)
    return Choice(best, "", naive, lower_bound(best.tp, best.fp, confidence))


def precision_at_recall(swept: Sweep, target: float, least_positives: int = LEAST_POSITIVES) -> Choice:
    """The highest precision where recall reaches the target; of equals the highest recall.

    Raises ValueError for a target outside (0, 1].
    """
    import numpy as np

    _require_share("recall", target)
    if swept.positives < max(1, least_positives):
        return _untuned(swept, least_positives, None)
    enough = np.flatnonzero(swept.recall >= target)
    precision = swept.precision[enough]
    best = _at(swept, int(enough[np.flatnonzero(precision == precision.max())[-1]]))
    return Choice(best, bound=lower_bound(best.tp, best.fp))


def cheapest(
    swept: Sweep, false_positive: float, false_negative: float, least_positives: int = LEAST_POSITIVES
) -> Choice:
    """The threshold whose mistakes cost least; never saying it is a choice too, and wins a draw."""
    import numpy as np

    if swept.positives < least_positives:
        return _untuned(swept, least_positives, None)
    never = at_threshold(swept, NEVER)
    costs = cost_everywhere(swept, false_positive, false_negative)
    if not len(costs) or costs.min() >= never.cost(false_positive, false_negative):
        return Choice(never, "every threshold costs as much as never saying it, or more")
    return Choice(_at(swept, int(np.argmin(costs))))


def _require_share(name: str, target: float) -> None:
    if not 0 < target <= 1:
        raise ValueError(f"a target for {name} lies above 0 and at most at 1; given was {target:g}")


def _at(swept: Sweep, place: int) -> At:
    tp, fp = int(swept.tp[place]), int(swept.fp[place])
    return At(float(swept.thresholds[place]), tp, fp, swept.positives - tp, swept.negatives - fp)


def _untuned(swept: Sweep, least: int, naive: At | None) -> Choice:
    found = f"{swept.positives} {'example has' if swept.positives == 1 else 'examples have'} the label"
    said = f"{found}, and tuning needs {least}: the threshold stays {UNTUNED:g}"
    return Choice(at_threshold(swept, UNTUNED), said, naive)


def _highest_recall(swept: Sweep, allowed: "Bools") -> At | None:
    """Of the allowed thresholds the one with the most found, at the highest precision."""
    import numpy as np

    places = np.flatnonzero(allowed & (swept.tp > 0))
    if not len(places):
        return None
    return _at(swept, int(places[np.argmax(swept.tp[places])]))


def _surely(swept: Sweep, target: float, confidence: float) -> "Bools":
    """Where the lower bound reaches the target: the bound solves I(x; tp, fp + 1) = 1 - confidence, and I grows with x."""
    import numpy as np
    from scipy.special import betainc

    sure = np.zeros(len(swept.tp), np.bool_)
    places = np.flatnonzero((swept.precision >= target) & (swept.tp > 0))  # no bound is above what was seen
    sure[places] = betainc(swept.tp[places], swept.fp[places] + 1, target) <= 1 - confidence
    return sure
