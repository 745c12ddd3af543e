"""The probabilities of the values that an answer can have: from token logprobs, votes, or a stated confidence.

From logprobs it is a walk over the tokens that spell the value (statistics 5.1): each alternative that the
model listed belongs to one allowed value, to several (unresolved), or to none (other). What it did not list
bounds every value that could still have been reached.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, log
from typing import Literal

from app.domain.jsonspans import Span, Step, find_value
from app.domain.metrics import wilson
from app.domain.spelling import possible_words, value_start
from app.domain.tokenwalk import Masses, Token, walk

Value = str | bool | int | float | None
Source = Literal["logprobs", "votes", "stated"]

FLOOR = 1e-6  # no probability is below, so that no logarithm is of zero
UNCERTAIN = 0.02
TOKENISES_BADLY = 0.05
_ROUNDING = 1e-9
_AFTER_LITERAL = b",}] \t\r\n"


@dataclass(frozen=True)
class Distribution:
    """One probability a value, in the order of the values.

    `shares` sum to 1 and are never 0; each lies in its [`low`, `high`], which hold whatever the model did not tell.
    `raw` is the mass that was seen for a value and `reach` the most that it can have had, both before normalising;
    `missing` are the places of values that were never seen. `unresolved` mass belongs to one of several values,
    `other` mass to none.
    """

    shares: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    source: Source
    raw: tuple[float, ...]
    reach: tuple[float, ...]
    missing: tuple[int, ...] = ()
    unresolved: float = 0.0
    other: float = 0.0

    @property
    def seen(self) -> tuple[float, ...]:
        """The seen mass, normalised: `shares` before values that were not listed were given their part."""
        total = fsum(self.raw)
        return tuple(mass / total for mass in self.raw)

    @property
    def uncertain(self) -> bool:
        """Whether what the model did not list leaves a probability open by more than 0.02."""
        widest = max(high - low for low, high in zip(self.low, self.high, strict=True))
        return self.source == "logprobs" and widest > UNCERTAIN + _ROUNDING

    @property
    def tokenises_badly(self) -> bool:
        """Whether more than 0.05 belongs to no single value: the labels need other names, or codes."""
        return self.source == "logprobs" and self.unresolved + self.other > TOKENISES_BADLY + _ROUNDING


def in_json(
    tokens: Sequence[Token], path: Sequence[Step], values: Sequence[Value], begin: int = 0
) -> Distribution | None:
    """P(the field at `path` = value), given what was written before it; None where the reply does not tell.

    `begin` is the byte from which the JSON is looked for. Never raises for what a reply holds.
    """
    document = b"".join(token.text_bytes for token in tokens)
    span = find_value(document, path, begin)
    if span is None or not values:
        return None
    spelled = [_spellings(value, span) for value in values]

    def possible(typed: bytes, among: Sequence[int], ended: bool) -> list[int]:
        if ended:
            return [place for place in among if typed in spelled[place]]
        return [place for place in among if _reachable(typed, spelled[place], span.quoted)]

    return _distribution(walk(tokens, span.start, len(values), possible))


def in_text(tokens: Sequence[Token], words: Sequence[str]) -> Distribution | None:
    """P(the reply is this word), for labels or codes alone; None where the reply does not tell.

    Case, blanks, marks at the ends and a leading "Answer:" or "Label:" do not matter, as in reading a label.
    Never raises for what a reply holds.
    """
    start, at = value_start(b"".join(token.text_bytes for token in tokens)), 0
    for token in tokens:
        if at + len(token.text_bytes) > start:  # the token is read whole: its blanks and marks do not matter
            return _distribution(walk(tokens, at, len(words), possible_words(words))) if words else None
        at += len(token.text_bytes)
    return None


def from_votes(votes: Sequence[int], unreadable: int = 0) -> Distribution:
    """From how many of R readable replies gave each value: (k + 0.5) / (R + 0.5 values), with Wilson's interval.

    Unreadable replies are no votes; their share is `other`.
    """
    readable = sum(votes)
    shares = tuple((k + 0.5) / (readable + 0.5 * len(votes)) for k in votes)
    spans = [wilson(k, readable) for k in votes]
    return Distribution(
        shares,
        tuple(min(low, share) for (low, _), share in zip(spans, shares, strict=True)),
        tuple(max(high, share) for (_, high), share in zip(spans, shares, strict=True)),
        "votes",
        raw=shares,
        reach=shares,
        missing=tuple(place for place, k in enumerate(votes) if k == 0),
        other=unreadable / max(1, unreadable + readable),
    )


def from_stated(answered: int, confidence: float, values: int) -> Distribution:
    """From the confidence in [0, 1] that a reply states in its own answer; the other values share the rest equally.

    Raises ValueError when the confidence is no such number or the answer is none of the values.
    """
    if not 0 <= confidence <= 1 or not 0 <= answered < values:
        raise ValueError(f"answer {answered} of {values} values with the confidence {confidence}")
    rest = max(FLOOR, (1 - confidence) / max(1, values - 1))
    masses = [max(FLOOR, confidence) if place == answered else rest for place in range(values)]
    shares = tuple(mass / fsum(masses) for mass in masses)
    return Distribution(shares, shares, shares, "stated", raw=shares, reach=shares)


def margin(shares: Sequence[float]) -> float:
    """The lead of the most probable value over the next: from 0 (undecided) to 1."""
    first, second = sorted((*shares, 0.0), reverse=True)[:2]
    return first - second


def entropy(shares: Sequence[float]) -> float:
    """How undecided the values are, in nats: from 0 (one is certain) to log(values)."""
    return -fsum(share * log(share) for share in shares if share > 0)


def _spellings(value: Value, span: Span) -> set[bytes]:
    """The JSON text of a value, as the reply writes the field: a string up to its closing quote, or a bare literal."""
    if not isinstance(value, str):
        return {json.dumps(value).encode() + (b'"' if span.quoted else b"")}
    if not span.quoted:
        return {value.encode("utf-8", "replace")}
    forms = {json.dumps(value), json.dumps(value, ensure_ascii=False)}
    forms |= {form.replace("/", "\\/") for form in forms}
    return {form[1:].encode("utf-8", "replace") for form in forms}


def _reachable(typed: bytes, forms: set[bytes], quoted: bool) -> bool:
    """Whether what was typed is this value, perhaps with what follows it, or the beginning of it."""
    for form in forms:
        if form.startswith(typed):
            return True
        if typed.startswith(form) and (quoted or typed[len(form)] in _AFTER_LITERAL):
            return True
    return False


def _distribution(masses: Masses) -> Distribution | None:
    """Normalise, with bounds for every way in which the open mass can have fallen; None when nothing was seen."""
    if fsum(masses.raw) <= 0:
        return None
    missing = tuple(place for place, mass in enumerate(masses.raw) if mass == 0)
    points = list(masses.raw)
    for place in missing:
        points[place] = max(FLOOR, min(masses.residual[place] / len(missing), masses.smallest))
    total, sure = fsum(points), fsum(masses.sure)
    most = [max(reach, point) for reach, point in zip(masses.reach, points, strict=True)]
    everything = max(total, sure + masses.open)
    shares = tuple(point / total for point in points)
    return Distribution(
        shares,
        tuple(min(own / everything, share) for own, share in zip(masses.sure, shares, strict=True)),
        tuple(max(top / (top + sure - own), share) for top, own, share in zip(most, masses.sure, shares, strict=True)),
        "logprobs",
        tuple(masses.raw),
        tuple(masses.reach),
        missing,
        masses.unresolved,
        masses.other,
    )
