"""A walk over the tokens that spell a value, sharing out the probability of every alternative that the model listed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import exp, fsum

Possible = Callable[[bytes, Sequence[int], bool], list[int]]
"""Of what was typed, the places of values possible before, and whether the reply is over: the places possible now."""

MOST_ALTERNATIVES = 20
MOST_TOKENS = 500  # of one value
SENTINEL = -9999.0  # what servers send for "very unlikely": as good as not listed


@dataclass(frozen=True)
class Token:
    """One token of a reply: its bytes, its natural log probability, and the alternatives listed at its place."""

    text_bytes: bytes
    logprob: float
    top: tuple[tuple[bytes, float], ...] = ()


@dataclass
class Masses:
    """What the walk gathers: mass per value, surely its own, its point, and the most it can be."""

    sure: list[float]
    raw: list[float]
    reach: list[float]
    residual: list[float]
    unresolved: float = 0.0
    other: float = 0.0
    open: float = 0.0  # mass that some value has, nobody knows which
    smallest: float = 1.0

    @classmethod
    def of(cls, values: int) -> "Masses":
        return cls([0.0] * values, [0.0] * values, [0.0] * values, [0.0] * values)

    def give(self, owners: Sequence[int], mass: float) -> None:
        """Mass of an alternative that leads to these values."""
        if len(owners) == 1:
            self.sure[owners[0]] += mass
            self.raw[owners[0]] += mass
            self.reach[owners[0]] += mass
        elif owners:
            self.unresolved += mass
            self.leave_open(owners, mass)
        else:
            self.other += mass

    def leave_open(self, owners: Sequence[int], mass: float) -> None:
        self.open += mass
        for place in owners:
            self.reach[place] += mass


def walk(tokens: Sequence[Token], start: int, values: int, possible: Possible) -> Masses:
    """Go over the tokens from the one that holds the byte `start`, until the sampled text leaves one value or none."""
    masses = Masses.of(values)
    live: list[int] = list(range(values))
    typed, path = b"", 1.0
    for begin, token in _spelling(tokens, start):
        head = token.text_bytes[: max(0, start - begin)]
        listed = _alternatives(token)
        for text, p in listed.items():
            if text != token.text_bytes:
                owners = possible(typed + text[len(head) :], live, not text) if text.startswith(head) else []
                masses.give(owners, path * p)
        _count_unlisted(masses, live, path, listed)
        sampled = listed.get(token.text_bytes, 0.0)
        typed, path = typed + token.text_bytes[len(head) :], path * sampled
        remaining = possible(typed, live, False)
        if len(remaining) < 2 or path == 0.0:
            masses.give(remaining, path)
            return masses
        live = remaining
    _end_open(masses, live, path, possible(typed, live, True))
    return masses


def _spelling(tokens: Sequence[Token], start: int) -> Iterator[tuple[int, Token]]:
    """The tokens from the one that holds the byte `start`, each with the byte at which it begins."""
    at, spelling = 0, 0
    for token in tokens:
        at += len(token.text_bytes)
        if at > start and spelling < MOST_TOKENS:
            spelling += 1
            yield at - len(token.text_bytes), token


def _alternatives(token: Token) -> dict[bytes, float]:
    """The probability of each listed text, the sampled one included, together at most 1; what is no number is not listed."""
    told = sorted((*token.top, (token.text_bytes, token.logprob)), key=lambda pair: _probability(pair[1]), reverse=True)
    listed: dict[bytes, float] = {}
    for text, logprob in told:
        p = _probability(logprob)
        if p > 0 and (len(listed) < MOST_ALTERNATIVES or text == token.text_bytes):
            listed.setdefault(text, p)
    total = max(1.0, fsum(listed.values()))
    return {text: p / total for text, p in listed.items()}


def _probability(logprob: float) -> float:
    """Zero for the sentinel and for what is no number."""
    return exp(min(0.0, logprob)) if logprob > SENTINEL else 0.0


def _count_unlisted(masses: Masses, live: Sequence[int], path: float, listed: dict[bytes, float]) -> None:
    """What the list leaves out may belong to any value that could still be reached here."""
    left = path * max(0.0, 1.0 - fsum(listed.values()))
    masses.leave_open(live, left)
    for place in live:
        masses.residual[place] += left
    masses.smallest = min(masses.smallest, *(path * p for p in listed.values()), 1.0)


def _end_open(masses: Masses, live: Sequence[int], path: float, spelled: Sequence[int]) -> None:
    """The reply ended where several values were possible ("car" of "cargo"): what it spells is the point, all stay open."""
    masses.unresolved += path
    masses.leave_open(live, path)
    for place in spelled[:1]:
        masses.raw[place] += path
