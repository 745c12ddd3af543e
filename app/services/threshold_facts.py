"""What there is to say of an evaluation's thresholds, as pages, the JSON twin and the command line show it."""

from dataclasses import dataclass
from typing import Literal

from app.domain.metrics import Estimate
from app.domain.profiles import Calibrated, Profile
from app.domain.reliability import CalibrationError
from app.services.threshold_wishes import Wish
from app.storage.campaign_boards import Model


@dataclass(frozen=True)
class Standing:
    """What an evaluation has: no probabilities (`none`), ones not worked out (`raw`, `old`), or all (`ready`); or `sealed`.

    `n` examples were worked out, of `answered`. `sources` say where probabilities come from.
    """

    state: str
    n: int = 0
    answered: int = 0
    sources: tuple[str, ...] = ()
    samples: int = 1
    uncertain: int = 0
    misfits: int = 0


@dataclass(frozen=True)
class Counts:
    """At one threshold: the four counts and what follows from them, with 95 % intervals; None where nothing counts."""

    threshold: float
    never: bool
    tp: int
    fp: int
    fn: int
    tn: int
    precision: Estimate | None
    recall: Estimate | None
    f1: float


@dataclass(frozen=True)
class Chosen:
    """What a rule chooses; `reason` says why it is not the best one seen, `optimistic` is the naive choice beside it.

    `bound` is the one-sided 90 % lower bound of the precision. `value` is F-beta or the cost, `reached` whether the
    target was met here.
    """

    kind: str
    rule: str
    at: Counts
    reason: str
    bound: float | None
    optimistic: Counts | None
    value: float | None
    reached: bool | None


@dataclass(frozen=True)
class Stops:
    """Thresholds from the highest down with what each finds rightly and wrongly, for curve and slider."""

    thresholds: list[float]
    tp: list[int]
    fp: list[int]
    positives: int
    negatives: int


@dataclass(frozen=True)
class Abstaining:
    """Answers are kept while the confidence reaches `at`; `accuracy` is of the `kept` of all `n`.

    Where no limit keeps the accuracy surely at the target, `at` is 2, above every confidence: it abstains always.
    """

    confidence: str
    target: float
    at: float
    kept: int
    n: int
    accuracy: Estimate | None
    accuracy_of_all: Estimate
    reason: str

    @property
    def always(self) -> bool:
        return self.at > 1


@dataclass(frozen=True)
class Doubt:
    """An example of train or dev that the model is least sure about, or that lies nearest to the threshold."""

    example_id: int
    text: str
    expected: str
    read: str
    p: float
    margin: float
    has_class: bool
    uncertain: bool
    call_id: str | None


@dataclass(frozen=True)
class ClassLine:
    """A class in the list of all."""

    place: int
    name: str
    profile: Profile


@dataclass(frozen=True)
class Applied:
    """A class's threshold in the table of decisions: the one `shown`, one `frozen` before, or none."""

    name: str
    threshold: float | None
    source: Literal["shown", "frozen", ""]


@dataclass(frozen=True)
class DecidedCell:
    """How many examples of an expected label (by code) are said to be of another; -2 is abstained."""

    expected: int
    said: int
    count: int


@dataclass(frozen=True)
class Decided:
    """What all thresholds together decide; `right` is of the answers that are `given`, `top` of the likeliest label alone."""

    thresholds: list[Applied]
    abstains: bool
    cells: list[DecidedCell]
    n: int
    given: int
    right: Estimate | None
    top: Estimate


@dataclass(frozen=True)
class Tuned:
    """One class with everything that its page shows; `decided` of one label out of few, `found` examples in its list."""

    place: int
    name: str
    profile: Profile
    calibrated: list[Calibrated]
    stops: Stops
    chosen: Chosen
    rules: list[Chosen]
    abstaining: Abstaining
    doubts: list[Doubt]
    found: int
    next_offset: int | None
    decided: Decided | None


@dataclass(frozen=True)
class ThresholdsView:
    """`tuned` and `classes` are there when the state is ready; `whole` is of answers that are one of many."""

    run_id: str
    project_id: str
    project: str
    version_id: str
    version: int
    task_model: Model
    split: str
    goal: str
    asks: str
    standing: Standing
    wish: Wish
    classes: list[ClassLine]
    whole_error: CalibrationError | None
    whole_brier: Estimate | None
    whole_log_loss: Estimate | None
    tuned: Tuned | None
