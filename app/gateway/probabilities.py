"""How the probabilities of a reply's tokens are read: whole and in order, or not at all."""

import builtins
from collections.abc import Iterator
from contextlib import suppress
from math import inf, isfinite
from typing import Any

from msgspec import Struct, json

from app.gateway.calls import Alternative, Token


class _Listed(Struct):
    token: str
    logprob: float
    bytes: list[int] | None = None

    @property
    def utf8(self) -> builtins.bytes:
        return self.token.encode() if self.bytes is None else builtins.bytes(self.bytes)


class _Chosen(_Listed):
    top_logprobs: list[_Listed] | None = None


class _Told(Struct):
    """What nearly every server sends; whatever is otherwise is read by hand, at twice the cost."""

    content: list[_Chosen]


_decoder = json.Decoder(_Told)
VERY_UNLIKELY = -9999.0  # how OpenAI's API writes what it does not tell


def decoded(content: bytes) -> tuple[Token, ...] | None:
    """The tokens in the JSON of a choice's `logprobs`, as `tokens_of` reads them."""
    try:
        return tuple([_of(chosen) for chosen in _decoder.decode(content).content]) or None
    except (ValueError, OverflowError):
        pass
    try:
        return tokens_of(json.decode(content))
    except (ValueError, RecursionError):
        return None


def _of(chosen: _Chosen) -> Token:
    listed = chosen.top_logprobs or ()
    return Token(chosen.utf8, chosen.logprob, tuple([Alternative(one.utf8, one.logprob) for one in listed]))


def tokens_of(told: object) -> tuple[Token, ...] | None:
    """The tokens in a choice's `logprobs`; None as soon as one of them cannot be read, for a gap would shift the rest.

    An alternative that cannot be read is left out: it counts as one that was not listed.
    """
    content = told.get("content") if isinstance(told, dict) else None
    if not isinstance(content, list):
        return None
    tokens = [_token(entry) for entry in content]
    read = tuple(token for token in tokens if token is not None)
    return read if read and len(read) == len(tokens) else None


def _token(entry: object) -> Token | None:
    chosen = _alternative(entry)
    if chosen is None or not isinstance(entry, dict):
        return None
    listed = entry.get("top_logprobs")
    return Token(chosen.utf8, chosen.logprob, tuple(_read(listed)) if isinstance(listed, list) else ())


def _read(listed: list[Any]) -> Iterator[Alternative]:
    for entry in listed:
        if (one := _alternative(entry)) is not None:
            yield one


def _alternative(entry: object) -> Alternative | None:
    if not isinstance(entry, dict):
        return None
    logprob, utf8 = _number(entry.get("logprob")), _utf8(entry)
    return None if logprob is None or utf8 is None else Alternative(utf8, logprob)


def _utf8(entry: dict[str, Any]) -> bytes | None:
    """The token's bytes as they were told, else those of its text."""
    told, text = entry.get("bytes"), entry.get("token")
    if isinstance(told, list):
        with suppress(ValueError, TypeError, OverflowError):
            return bytes(told)
    return text.encode("utf-8", "replace") if isinstance(text, str) else None


def _number(value: object) -> float | None:
    if type(value) is float and isfinite(value):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    if number == -inf:
        return VERY_UNLIKELY
    return number if isfinite(number) else None
