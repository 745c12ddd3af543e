"""Which request parameters an endpoint is sent, and what a refusal of one teaches about it."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from app.gateway.calls import Request, Target

# Reasoning models count their thinking into the limit and so gave it another name.
OTHER_NAMES = {"max_tokens": "max_completion_tokens"}
TOO_LARGE = re.compile(r"too large|too high|at most|maximum|exceed|less than or equal", re.IGNORECASE)
REFUSED = r"(?:unsupported|not support|unknown|unrecogni[sz]ed|unexpected|not permitted|not allowed|not accept|invalid)"


@dataclass(frozen=True)
class Traits:
    """What an endpoint was seen to refuse (`dropped`) or to call otherwise (`renamed`: our name, its name)."""

    dropped: frozenset[str] = frozenset()
    renamed: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, target: Target) -> "Traits":
        return cls(target.dropped, target.renamed)

    def joined(self, other: "Traits") -> "Traits":
        return Traits(self.dropped | other.dropped, tuple(sorted({*self.renamed, *other.renamed})))

    def on_the_wire(self, request: Request) -> dict[str, tuple[str, float]]:
        """Name on the wire -> our name and the value."""
        asked = {"temperature": request.temperature, "max_tokens": request.max_tokens, "seed": request.seed}
        names = dict(self.renamed)
        return {
            names.get(name, name): (name, value)
            for name, value in asked.items()
            if value is not None and name not in self.dropped
        }

    def without(self, wire_name: str, message: str, request: Request) -> "Traits":
        """The traits after an endpoint refused `wire_name`; the same when it is not sent any more."""
        if (sent := self.on_the_wire(request).get(wire_name)) is None:
            return self
        other = OTHER_NAMES.get(wire_name)
        if other and not TOO_LARGE.search(message):
            return Traits(self.dropped, tuple(sorted({*self.renamed, (wire_name, other)})))
        return Traits(self.dropped | {sent[0]}, self.renamed)


PLAIN = Traits()


def body(request: Request, model: str, traits: Traits) -> dict[str, object]:
    """The JSON body of a chat completion."""
    return {
        "model": model,
        "messages": request.messages,
        **{name: value for name, (_, value) in traits.on_the_wire(request).items()},
    }


def refused_parameter(error: object, message: str, sent: Collection[str]) -> str:
    """The parameter among those sent that a 400 or 422 complains about, else an empty string.

    Read from `param`, from the `loc` lists of validating servers, or from the words of the message: there a name
    counts in quotes, or near a word of refusal, because servers also echo what was sent to them.
    """
    named = error.get("param") if isinstance(error, dict) else None
    for name in [named, *_located(error)]:
        if isinstance(name, str) and name in sent:
            return name
    return next((name for name in sent if _complains(message, name)), "")


def _complains(message: str, name: str) -> bool:
    quoted = rf"[`'\"]{name}[`'\"]"
    near = rf"{REFUSED}[^.\n]{{0,60}}\b{name}\b|\b{name}\b[^.\n]{{0,60}}{REFUSED}"
    return re.search(f"{quoted}|{near}", message, re.IGNORECASE) is not None


def _located(error: object, depth: int = 0) -> Iterator[str]:
    """The last part of every `loc` in an error body, as FastAPI and its kin write them."""
    if depth > 6:
        return
    if isinstance(error, dict):
        place = error.get("loc")
        if isinstance(place, list) and place and isinstance(place[-1], str):
            yield place[-1]
    for part in error.values() if isinstance(error, dict) else error if isinstance(error, list) else ():
        yield from _located(part, depth + 1)
