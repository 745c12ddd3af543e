"""What the probability of each token of a reply was, in the form of OpenAI's API.

Simulated, and honest: the chances are those that the model goes by. A token's probability is the sum over the answers
that go on with it. The list of alternatives is filled up to the number asked for with the sentinel by which OpenAI's
API says "very unlikely", which stands for no probability.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from app.practice.chances import Step, said
from app.practice.pieces import pieces, starts

VERY_UNLIKELY = -9999.0
_LOOK_AHEAD = 64  # characters after a choice: by then another answer has long parted from the one that was given
_END = b""  # how the end of a reply is listed: a token without bytes
_PADDING = (
    " the", " a", "\n", " I", " is", "The", " to", ".", " of", "0", " not", "1", " and", "A", " in", "-", " it", " no",
    " yes", "Yes", "No", " for", "(", " be",
)  # fmt: skip


class Way(NamedTuple):
    """How the reply could have gone on: the place of the first token that differs, that token, and the chance of it."""

    parted: int
    token: bytes
    chance: float


def token_entries(steps: Sequence[Step], alternatives: int, length: int) -> list[dict[str, Any]]:
    """OpenAI's list of the tokens of the first `length` characters with their probabilities; each lists so many.

    The alternatives of a token are those of the first choice that is still open before it.
    """
    whole = said(steps)
    tokens = pieces(whole)
    standing = [{token: 1.0} for token in tokens]
    for ways in reversed(list(_ways(steps, whole, tokens))):
        for at in {way.parted for way in ways if way.parted < len(tokens)}:
            standing[at] = _chances(ways, tokens[at], at)
    room = len(whole[:length].encode("utf-8", "replace"))
    entries = []
    for token, chances in zip(tokens, standing, strict=True):
        if room <= 0:
            break
        entries.append(_entry(token[:room], token, chances, alternatives))
        room -= len(token)
    return entries


def _ways(steps: Sequence[Step], whole: str, tokens: list[bytes]) -> Iterator[list[Way]]:
    """For each choice how it could have gone; the way that was taken never parts.

    Tokens before a place where one starts stay as they are, whatever follows, so only the rest is cut anew.
    """
    at, cuts = 0, starts(whole)
    for step in steps:
        start, first = cuts[max(0, bisect_left(cuts, (at, 0)) - 1)]
        before = whole[start:at]
        at += len(step.text)
        after = whole[at : at + _LOOK_AHEAD]
        if len(step.choice.texts) > 1:
            yield [
                Way(len(tokens), _END, chance)
                if number == step.taken
                else _parted(pieces(f"{before}{text}{after}"), tokens, first, chance)
                for number, (text, chance) in enumerate(zip(step.choice.texts, step.choice.chances, strict=True))
                if chance > 0 or number == step.taken
            ]


def _parted(way: list[bytes], tokens: list[bytes], first: int, chance: float) -> Way:
    """`way` are tokens from the place `first` on."""
    for place, token in enumerate(way):
        if tokens[first + place : first + place + 1] != [token]:
            return Way(first + place, token, chance)
    return Way(first + len(way), _END, chance)


def _chances(ways: Sequence[Way], token: bytes, at: int) -> dict[bytes, float]:
    """Next token -> its probability, given the tokens before it."""
    found: dict[bytes, float] = {}
    for way in ways:
        if way.parted >= at:
            following = way.token if way.parted == at else token
            found[following] = found.get(following, 0.0) + way.chance
    total = sum(found.values())
    return {following: chance / total for following, chance in found.items()}


def _entry(shown: bytes, token: bytes, chances: dict[bytes, float], alternatives: int) -> dict[str, Any]:
    ranked = sorted(chances.items(), key=lambda one: (-one[1], one[0] != token, one[0]))[:alternatives]
    top = [_token(one if one != token else shown, math.log(chance)) for one, chance in ranked]
    fillers = (entry for filler, entry in _FILLERS.items() if filler not in chances)
    top += islice(fillers, alternatives - len(top))
    chosen = _token(shown, math.log(chances[token]))
    if alternatives and chosen not in top:
        top.append(chosen)
    return {**chosen, "top_logprobs": top}


def _token(utf8: bytes, logprob: float) -> dict[str, Any]:
    text = utf8.decode("utf-8", "replace") if utf8 else "<|end|>"
    return {"token": text, "logprob": min(0.0, logprob), "bytes": list(utf8)}


_FILLERS = {filler.encode(): _token(filler.encode(), VERY_UNLIKELY) for filler in _PADDING}
