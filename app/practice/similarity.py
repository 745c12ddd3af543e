"""Which label's texts an input is most like: naive Bayes over the marks that a reader notices."""

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.practice.text_shapes import comparable

Notice = Callable[[str], Sequence[str]]
"""Distinct features of one text, in a fixed order."""

SMOOTHING = 0.3


@dataclass(frozen=True)
class Document:
    """Something that the prompt says about one label: its name, a description, a worked example."""

    label: int
    text: str
    weight: float


class Similarity:
    """Multinomial naive Bayes with equal priors; a feature counts once a document.

    Scores are log probabilities up to a constant; higher is more similar. What no document
    has is not looked at, so a prompt that says nothing leaves all labels equal.
    """

    def __init__(self, documents: Sequence[Document], labels: int, notice: Notice) -> None:
        self._notice = notice
        counts: dict[str, dict[int, float]] = {}
        totals = [0.0] * labels
        for document in documents:
            for feature in notice(document.text):
                at = counts.setdefault(feature, {})
                at[document.label] = at.get(document.label, 0.0) + document.weight
                totals[document.label] += document.weight
        room = SMOOTHING * max(1, len(counts))
        # log P(feature | label) = unseen + surplus, and the surplus is 0 for most labels
        self._unseen = [math.log(SMOOTHING / (total + room)) for total in totals]
        self._surplus = {
            feature: [(label, math.log1p(count / SMOOTHING)) for label, count in at.items()]
            for feature, at in counts.items()
        }

    def scores(self, text: str) -> list[float]:
        known = 0
        sums = [0.0] * len(self._unseen)
        for feature in self._notice(text):
            surplus = self._surplus.get(feature)
            if surplus is not None:
                known += 1
                for label, gain in surplus:
                    sums[label] += gain
        return [gain + known * unseen for gain, unseen in zip(sums, self._unseen, strict=True)]


def most_similar(scores: Sequence[float], labels: Sequence[str], text: str) -> int:
    """The index of the highest score; equals are drawn by a hash of label and text, so by no order.

    The hash looks at both without case and doubled blanks, as everything else here does.
    """
    top = max(scores)
    equal = [at for at, score in enumerate(scores) if score >= top - 1e-9 * max(1.0, abs(top))]
    return max(equal, key=lambda at: _draw(labels[at], text))


def _draw(label: str, text: str) -> bytes:
    return hashlib.sha256(f"{comparable(text)}\0{comparable(label)}".encode()).digest()
