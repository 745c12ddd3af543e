"""What the probability of each token of a reply was, in the form of OpenAI's API.

Simulated, and honest: the chances are those that the model goes by. A token's probability is the sum over the answers
that go on with it. The list of alternatives is filled up to the number asked for with the sentinel by which OpenAI's
API says "very unlikely", which stands for no probability.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from app.practice.chances import Step, said
from app.practice.pieces import pieces

VERY_UNLIKELY = -9999.0
_LOOK_AHEAD = 64  # characters after a choice: by then another answer has long parted from the one that was given
_END = b""  # how the end of a reply is listed: a token without bytes
_PADDING = (
    " the", " a", "\n", " I", " is", "The", " to", ".", " of", "0", " not", "1", " and", "A", " in", "-", " it", " no",
    " yes", "Yes", "No", " for", "(", " be",
)  # fmt: skip


def token_entries(steps: Sequence[Step], alternatives: int, length: int) -> list[dict[str, Any]]:
    """OpenAI's list of the tokens of the first `length` characters with their probabilities; each lists so many.

    The alternatives of a token are those of the first choice that is still open before it.
    """
    whole = said(steps)
    tokens = pieces(whole)
    standing = [[(tokens, 1.0)] for _ in tokens]
    for ways in reversed(list(_ways(steps, whole, tokens))):
        for at in range(len(tokens)):
            ways = ways if at == 0 else [way for way in ways if way[0][at - 1 : at] == tokens[at - 1 : at]]
            if len({_at(way, at) for way, _ in ways}) > 1:
                standing[at] = ways
    room = len(whole[:length].encode("utf-8", "replace"))
    entries = []
    for at, token in enumerate(tokens):
        if room <= 0:
            break
        entries.append(_entry(token[:room], token, _chances(standing[at], at), alternatives))
        room -= len(token)
    return entries


def _ways(steps: Sequence[Step], whole: str, tokens: list[bytes]) -> Iterator[list[tuple[list[bytes], float]]]:
    """For each choice the first tokens of the reply had it gone otherwise, with the chances of that."""
    at = 0
    for step in steps:
        before = whole[:at]
        at += len(step.text)
        after = whole[at : at + _LOOK_AHEAD]
        if len(step.choice.texts) > 1:
            yield [
                (tokens if number == step.taken else pieces(f"{before}{text}{after}"), chance)
                for number, (text, chance) in enumerate(zip(step.choice.texts, step.choice.chances, strict=True))
                if chance > 0 or number == step.taken
            ]


def _at(way: list[bytes], at: int) -> bytes:
    return way[at] if at < len(way) else _END


def _chances(ways: Sequence[tuple[list[bytes], float]], at: int) -> dict[bytes, float]:
    """Next token -> its probability, given the tokens before it."""
    found: dict[bytes, float] = {}
    for way, chance in ways:
        found[_at(way, at)] = found.get(_at(way, at), 0.0) + chance
    total = sum(found.values())
    return {token: chance / total for token, chance in found.items()}


def _entry(shown: bytes, token: bytes, chances: dict[bytes, float], alternatives: int) -> dict[str, Any]:
    ranked = sorted(chances.items(), key=lambda one: (-one[1], one[0] != token, one[0]))
    listed = [_token(one if one != token else shown, math.log(chance)) for one, chance in ranked]
    fillers = [filler.encode() for filler in _PADDING if filler.encode() not in chances]
    listed += [_token(filler, VERY_UNLIKELY) for filler in fillers]
    chosen = _token(shown, math.log(chances[token]))
    top = listed[:alternatives]
    if alternatives and chosen not in top:
        top.append(chosen)
    return {**chosen, "top_logprobs": top}


def _token(utf8: bytes, logprob: float) -> dict[str, Any]:
    text = utf8.decode("utf-8", "replace") if utf8 else "<|end|>"
    return {"token": text, "logprob": min(0.0, logprob), "bytes": list(utf8)}
