"""What codes of answers stand for: digits with values, the classes that scores are about, and a goal's class among them.

A label is one digit; a set of labels has a digit of no or yes for each; a checklist one for each field. Of numbers and
texts a code says only whether they are right.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from app.domain.answercodes import UNGRADED, UNREADABLE, parted
from app.domain.answerspace import Answers
from app.domain.goals import RIGHT_SHARE, Goal
from app.errors import Invalid

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

Kind = Literal["label", "labels", "fields", "number", "text"]
NO_YES = ("no", "yes")
OPEN = ("number", "text")


@dataclass(frozen=True)
class Digit:
    """One place of a code, the least significant first, with the values it can have."""

    name: str
    values: tuple[str, ...]

    @property
    def yes(self) -> int | None:
        """Which value is the yes of a yes/no digit; such a digit has one class."""
        words = [value.casefold() for value in self.values]
        return next((words.index(word) for word in ("yes", "true") if len(words) == 2 and word in words), None)


@dataclass(frozen=True)
class Class:
    """A value of a digit that precision, recall and F are about."""

    digit: int
    value: int
    name: str


@dataclass(frozen=True)
class Shape:
    """The digits of a project's answers; none where they are numbers or texts."""

    kind: Kind
    digits: tuple[Digit, ...] = ()

    @cached_property
    def classes(self) -> tuple[Class, ...]:
        """Every class in the order of digits and values."""
        return tuple(found for place in range(len(self.digits)) for found in self._classes(place))

    def _classes(self, place: int) -> list[Class]:
        digit = self.digits[place]
        if self.kind == "label":
            return [Class(place, value, name) for value, name in enumerate(digit.values)]
        if digit.yes is not None:
            return [Class(place, digit.yes, digit.name)]
        return [Class(place, value, f"{digit.name}={name}") for value, name in enumerate(digit.values)]

    @property
    def codes(self) -> int:
        """How many codes there are, from 0 on."""
        if self.kind in OPEN:
            return 2
        total = 1
        for digit in self.digits:
            total *= len(digit.values)
        return total

    @property
    def least_code(self) -> int:
        """The lowest code of an answer: unreadable, or of a text without a grade."""
        return UNGRADED if self.kind == "text" else UNREADABLE

    def decoded(self, codes: "Ints") -> "Ints":
        """The digits of codes of shape (n,) as shape (n, digits); all -1 where a reply was unreadable."""
        import numpy as np

        columns = parted(np.maximum(codes, 0), [len(digit.values) for digit in self.digits])
        if not columns:
            return np.empty((len(codes), 0), np.int64)
        found: Ints = np.where(codes[:, None] < 0, -1, np.stack(columns, axis=1))
        return found


def of_labels(labels: int | Sequence[str]) -> Shape:
    """The shape of one label out of so many, or of these."""
    names = tuple(map(str, range(labels))) if isinstance(labels, int) else tuple(labels)
    return Shape("label", (Digit("", names),))


def shape_of(answers: Answers) -> Shape:
    """The shape of a project's answers."""
    if answers.kind == "label":
        return of_labels(answers.names)
    if answers.kind == "labels":
        return Shape("labels", tuple(Digit(name, NO_YES) for name in answers.names))
    if answers.kind == "fields":
        return Shape("fields", tuple(Digit(one.name, one.values) for one in answers.fields))
    return Shape(answers.kind)


def dump(shape: Shape) -> dict[str, Any]:
    """Plain JSON data that `load` understands."""
    return {"kind": shape.kind, "digits": [[digit.name, list(digit.values)] for digit in shape.digits]}


def load(data: Mapping[str, Any]) -> Shape:
    return Shape(data["kind"], tuple(Digit(name, tuple(values)) for name, values in data["digits"]))


def class_of(goal: Goal, shape: Shape) -> int | None:
    """The place of the goal's class among the shape's, None when it names none. Raises Invalid naming what there is."""
    if goal.of is None or goal.metric in RIGHT_SHARE:
        return None
    names = [one.name for one in shape.classes]
    return _found(goal.of, names, "class")


def digit_of(goal: Goal, shape: Shape) -> int | None:
    """The digit whose accuracy the goal is, None when it is that of whole answers. Raises Invalid."""
    if goal.of is None or goal.metric not in RIGHT_SHARE:
        return None
    if len(shape.digits) < 2:
        raise Invalid(
            f"{goal.metric}[{goal.of}] is of one field, and these answers have no fields; use recall[{goal.of}]"
        )
    return _found(goal.of, [digit.name for digit in shape.digits], "field")


def _found(wanted: str, names: Sequence[str], what: str) -> int:
    exact = [place for place, name in enumerate(names) if name == wanted]
    alike = [place for place, name in enumerate(names) if name.casefold() == wanted.casefold()]
    if exact or len(alike) == 1:
        return (exact or alike)[0]
    near = get_close_matches(wanted, names, n=1)
    hint = f"; did you mean {near[0]}?" if near else "."
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    raise Invalid(f"there is no {what} {wanted!r}{hint} There are {', '.join(names[:20])}{more}")


def fitting(goal: Goal, shape: Shape) -> Goal:
    """The goal, with its class as the project writes it. Raises Invalid where these answers cannot have such a score."""
    if shape.kind in OPEN and goal.metric not in (*RIGHT_SHARE, "mean_score"):
        raise Invalid(
            f"{goal.metric} is about classes, which answers of kind {shape.kind} have not; use accuracy or mean_score"
        )
    if goal.metric == "mcc" and shape.kind != "label":
        raise Invalid("mcc is for one label out of several; use macro_f1")
    if goal.metric == "samples_f1" and shape.kind != "labels":
        raise Invalid("samples_f1 is for sets of labels; use accuracy or hamming_score")
    if goal.metric == "hamming_score" and shape.kind == "label":
        raise Invalid("hamming_score is for several labels or fields; use accuracy")
    place, digit = class_of(goal, shape), digit_of(goal, shape)
    name = shape.classes[place].name if place is not None else shape.digits[digit].name if digit is not None else None
    return Goal(goal.metric, name, goal.beta, goal.at, goal.penalties)
