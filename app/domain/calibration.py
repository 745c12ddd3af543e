"""Makes stated probabilities come true: temperature, Platt and isotonic calibrators.

A calibrator is plain numbers that can be frozen beside thresholds; `apply` gives new probabilities. Fit on dev; a
threshold tuned on the same rows takes `out_of_fold` probabilities.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from app.domain.probabilities import FLOOR
from app.errors import Invalid

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Fit = Callable[[Floats, Ints], "Calibrator"]

COLDEST, HOTTEST = 0.05, 20.0
LEAST_LABELS = {"temperature": 100, "platt": 100, "isotonic": 1_000}


@dataclass(frozen=True)
class Temperature:
    """Divides log-odds by t: above 1 less sure, below 1 surer; the order of the probabilities stays."""

    t: float

    def apply(self, probabilities: "Floats") -> "Floats":
        """Of shape (n,) for P(yes), or (n, labels) with rows that sum to 1."""
        if probabilities.ndim == 1:
            return _sigmoid(_logit(probabilities) / self.t)
        return _softmax(_log(probabilities) / self.t)


@dataclass(frozen=True)
class Platt:
    """P(yes) = 1 / (1 + exp(-(slope * log-odds + offset))), of shape (n,)."""

    slope: float
    offset: float

    def apply(self, probabilities: "Floats") -> "Floats":
        return _sigmoid(self.slope * _logit(probabilities) + self.offset)


@dataclass(frozen=True)
class Isotonic:
    """A rising line through (stated, observed) points, of shape (n,); it makes ties, so thresholds become plateaus."""

    stated: tuple[float, ...]
    observed: tuple[float, ...]

    def apply(self, probabilities: "Floats") -> "Floats":
        import numpy as np

        fitted: Floats = np.interp(probabilities, self.stated, self.observed)
        return fitted


Calibrator = Temperature | Platt | Isotonic
_KINDS: dict[str, Callable[..., Calibrator]] = {"temperature": Temperature, "platt": Platt, "isotonic": Isotonic}


def as_json(calibrator: Calibrator) -> dict[str, Any]:
    return {"kind": type(calibrator).__name__.lower(), **asdict(calibrator)}


def from_json(stored: Mapping[str, Any]) -> Calibrator:
    """From what `as_json` gave."""
    numbers = {name: tuple(told) if isinstance(told, list) else told for name, told in stored.items() if name != "kind"}
    return _KINDS[stored["kind"]](**numbers)


def refused(kind: str, labels: int, least: int | None = None) -> str:
    """Why this many labelled examples are too few for a calibrator, empty when they are enough."""
    needed = LEAST_LABELS[kind] if least is None else least
    if labels >= needed:
        return ""
    return f"{kind} calibration needs {needed:,} labelled examples and there are {labels:,}: label more, or do without"


def fit_temperature(probabilities: "ArrayLike", expected: "ArrayLike", least: int | None = None) -> Temperature:
    """The temperature of the lowest log loss (Guo and others 2017), from 0.05 to 20.

    Binary: shape (n,) with yes and no. Multiclass: shape (n, labels) with label indices. Raises Invalid below 100
    examples (or `least`).
    """
    import numpy as np
    from scipy.optimize import minimize_scalar

    p, y = np.asarray(probabilities, np.float64), np.asarray(expected, np.int64)
    _require("temperature", len(p), least)
    logits = np.stack([np.zeros_like(p), _logit(p)], axis=1) if p.ndim == 1 else _log(p)
    right = logits[np.arange(len(y)), y]

    def loss(t: float) -> float:
        return float((_log_sum(logits / t) - right / t).mean())

    found = minimize_scalar(loss, bounds=(COLDEST, HOTTEST), method="bounded", options={"xatol": 1e-8})
    return Temperature(float(found.x))


def fit_platt(probabilities: "ArrayLike", truth: "ArrayLike", least: int | None = None) -> Platt:
    """Logistic regression on the log-odds with Platt's (1999) softened targets; one a label.

    The slope is kept from falling below 0, so that a higher probability never becomes a lower one. Raises Invalid
    below 100 examples (or `least`).
    """
    import numpy as np
    from scipy.optimize import minimize

    x, y = _logit(np.asarray(probabilities, np.float64)), np.asarray(truth, np.bool_)
    _require("platt", len(x), least)
    positives = int(y.sum())
    target = np.where(y, (positives + 1) / (positives + 2), 1 / (len(y) - positives + 2))

    def loss(line: "Floats") -> "tuple[float, Floats]":
        z = line[0] * x + line[1]
        miss = _sigmoid(z) - target
        return float((np.logaddexp(0, z) - target * z).mean()), np.array([(miss * x).mean(), miss.mean()])

    found = minimize(loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B", bounds=[(0, None), (None, None)])
    return Platt(float(found.x[0]), float(found.x[1]))


def fit_isotonic(probabilities: "ArrayLike", truth: "ArrayLike", least: int | None = None) -> Isotonic:
    """The rising steps of the lowest squared error. Raises Invalid below 1,000 examples (or `least`)."""
    import numpy as np
    from sklearn.isotonic import IsotonicRegression

    p, y = np.asarray(probabilities, np.float64), np.asarray(truth, np.float64)
    _require("isotonic", len(p), least)
    fitted = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(p, y)
    return Isotonic(tuple(fitted.X_thresholds_.tolist()), tuple(fitted.y_thresholds_.tolist()))


def out_of_fold(probabilities: "ArrayLike", expected: "ArrayLike", folds: "ArrayLike", fit: "Fit") -> "Floats":
    """Every example's probabilities as a calibrator says that was fitted on the other folds: tune thresholds on these.

    `folds` has one fold number an example, the same for examples of one group. Raises ValueError for a single fold.
    """
    import numpy as np

    p, y, fold = np.asarray(probabilities, np.float64), np.asarray(expected, np.int64), np.asarray(folds)
    numbers = np.unique(fold)
    if len(numbers) < 2:
        raise ValueError("out-of-fold probabilities need two folds or more")
    calibrated = np.empty_like(p)
    for number in numbers:
        inside = fold == number
        calibrated[inside] = fit(p[~inside], y[~inside]).apply(p[inside])
    return calibrated


def _require(kind: str, labels: int, least: int | None) -> None:
    if reason := refused(kind, labels, least):
        raise Invalid(reason)


def _log(p: "Floats") -> "Floats":
    import numpy as np

    logs: Floats = np.log(np.maximum(p, FLOOR))
    return logs


def _logit(p: "Floats") -> "Floats":
    return _log(p) - _log(1 - p)


def _sigmoid(z: "Floats") -> "Floats":
    from scipy.special import expit

    shares: Floats = expit(z)
    return shares


def _log_sum(logits: "Floats") -> "Floats":
    """log(sum(exp)) along the last axis; scipy's own is several times as slow on many short rows."""
    import numpy as np

    top = logits.max(axis=-1, keepdims=True)
    sums: Floats = np.log(np.exp(logits - top).sum(axis=-1)) + top[..., 0]
    return sums


def _softmax(logits: "Floats") -> "Floats":
    import numpy as np

    shares: Floats = np.exp(logits - _log_sum(logits)[..., None])
    return shares
