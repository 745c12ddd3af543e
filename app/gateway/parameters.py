"""Which request parameters an endpoint is sent, and what a refusal of one teaches about it."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from msgspec import json

from app.gateway import embedding, formats
from app.gateway.calls import ReplyFormat, Request, Target

# Reasoning models count their thinking into the limit and so gave it another name.
READ = 4000  # characters of what a provider behind a router said
OTHER_NAMES = {"max_tokens": "max_completion_tokens"}
TOO_LARGE = re.compile(r"too large|too high|at most|maximum|exceed|less than or equal|greater than max", re.IGNORECASE)
REFUSED = r"unsupported|not support|unknown|unrecogni[sz]ed|unexpected|not permitted|not allowed|not accept|invalid"
# Of a form of reply and of probabilities servers also say this; near other names the words would mean other things.
REFUSED_TOO = rf"{REFUSED}|unavailable|not (?:available|enabled|valid)|must be|should be|greater than max|fail"
SPELLED = {
    "response_format": r"response[_ ]format(?:\.\w+)*|json[_ ](?:schema|object)|structured outputs?|guided[_ ]\w+",
    "logprobs": r"log[_ ]?probs",
}


@dataclass(frozen=True)
class Traits:
    """What an endpoint was seen to refuse (`dropped`) or to call otherwise (`renamed`: our name, its name).

    `unfit` are forms whose schema it refused for what stands in it; other schemas are still asked for.
    """

    dropped: frozenset[str] = frozenset()
    renamed: tuple[tuple[str, str], ...] = ()
    unfit: frozenset[ReplyFormat] = frozenset()

    @classmethod
    def of(cls, target: Target) -> "Traits":
        return cls(target.dropped, target.renamed)

    def joined(self, other: "Traits") -> "Traits":
        renamed = tuple(sorted({*self.renamed, *other.renamed}))
        return Traits(self.dropped | other.dropped, renamed, self.unfit | other.unfit)

    def used_format(self, request: Request) -> str:
        """What a reply to this request is held to, as `Purchase.used_format` says."""
        return formats.used(request.response_format, self._dropped_for(request))

    def extras(self, request: Request) -> dict[str, tuple[str, object]]:
        """The form of the reply and its probabilities, as `on_the_wire` gives them."""
        return formats.extras(request.response_format, request.top_logprobs, self._dropped_for(request))

    def _dropped_for(self, request: Request) -> frozenset[str]:
        return self.dropped | {formats.SCHEMA} if request.response_format in self.unfit else self.dropped

    def on_the_wire(self, request: Request) -> dict[str, tuple[str, object]]:
        """Name on the wire -> our name and the value."""
        if request.compared is not None:
            return embedding.extras(self.dropped)
        asked = {"temperature": request.temperature, "max_tokens": request.max_tokens, "seed": request.seed}
        names = dict(self.renamed)
        sent: dict[str, tuple[str, object]] = {
            names.get(name, name): (name, value)
            for name, value in asked.items()
            if value is not None and name not in self.dropped
        }
        return {**sent, **self.extras(request)}

    def without(self, wire_name: str, message: str, request: Request) -> "Traits":
        """The traits after an endpoint refused `wire_name`; the same when it is not sent any more."""
        on_the_wire = self.on_the_wire(request)
        if (sent := on_the_wire.get(wire_name)) is None:
            return self
        if wire_name in formats.NAMES:
            return self._less_strict(wire_name, message, request, on_the_wire)
        other = OTHER_NAMES.get(wire_name)
        if other and not TOO_LARGE.search(message):
            return replace(self, renamed=tuple(sorted({*self.renamed, (wire_name, other)})))
        return replace(self, dropped=self.dropped | {sent[0]})

    def _less_strict(
        self, wire_name: str, message: str, request: Request, on_the_wire: dict[str, tuple[str, object]]
    ) -> "Traits":
        form, asked = self.used_format(request), request.response_format
        if wire_name == "response_format" and form == formats.SCHEMA and asked and formats.of_schema(message):
            return replace(self, unfit=self.unfit | {asked})
        too_many = TOO_LARGE.search(message) is not None
        return replace(self, dropped=self.dropped | {formats.lesson(wire_name, message, too_many, on_the_wire, form)})


PLAIN = Traits()


def body(request: Request, model: str, traits: Traits) -> dict[str, object]:
    """The JSON body of a request, for msgspec: messages are objects, a schema is encoded already."""
    asked = {"messages": request.messages} if request.compared is None else {"input": request.compared}
    return {
        "model": model,
        **asked,
        **{name: value for name, (_, value) in traits.on_the_wire(request).items()},
    }


def plain_body(request: Request, model: str, traits: Traits) -> dict[str, object]:
    """The same body for any JSON encoder."""
    sent = body(request, model, traits)
    if request.compared is None:
        sent["messages"] = [{"role": message.role, "content": message.content} for message in request.messages]
    if "response_format" in sent:
        sent["response_format"] = json.decode(json.encode(sent["response_format"]))
    return sent


def refused_parameter(error: object, message: str, sent: Collection[str]) -> str:
    """The parameter among those sent that a refusal complains about, else an empty string.

    Read from `param`, from the `loc` lists of validating servers, or from the words of the message: there a name
    counts in quotes, or near a word of refusal, because servers also echo what was sent to them.
    """
    named = error.get("param") if isinstance(error, dict) else None
    message = told(error, message)
    for name in [named, *_located(error)]:
        if isinstance(name, str) and (name := name.partition(".")[0]) in sent:
            return _of_alternatives(name, message, sent)
    name = next((name for name in sent if _complains(message, name)), "")
    if not name and "response_format" in sent and formats.of_schema(message):
        return "response_format"
    return _of_alternatives(name, message, sent)


def told(error: object, message: str) -> str:
    """The message of a refusal, with what the provider behind a router said."""
    return f"{message}\n{_passed_on(error)}"


def _of_alternatives(name: str, message: str, sent: Collection[str]) -> str:
    """Too many probabilities are too many alternatives, whichever of the two parameters a server names."""
    if name == "logprobs" and "top_logprobs" in sent and TOO_LARGE.search(message):
        return "top_logprobs"
    return name


def _complains(message: str, name: str) -> bool:
    spelled, refused = SPELLED.get(name, name), REFUSED_TOO if name in formats.NAMES else REFUSED
    quoted = rf"[`'\"](?:{spelled})[`'\"]"
    near = rf"(?:{refused})[^.\n]{{0,60}}\b(?:{spelled})\b|\b(?:{spelled})\b[^.\n]{{0,60}}(?:{refused})"
    return re.search(f"{quoted}|{near}", message, re.IGNORECASE) is not None


def _passed_on(error: object) -> str:
    """What the provider behind a router said: OpenRouter hands it on beside words of its own."""
    metadata = error.get("metadata") if isinstance(error, dict) else None
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    return raw[:READ].replace('\\"', '"') if isinstance(raw, str) else ""


def _located(error: object, depth: int = 0) -> Iterator[str]:
    """The names in every `loc` of an error body, the last first, as FastAPI and its kin write them."""
    if depth > 6:
        return
    if isinstance(error, dict):
        place = error.get("loc")
        if isinstance(place, list):
            yield from (part for part in reversed(place) if isinstance(part, str))
    for part in error.values() if isinstance(error, dict) else error if isinstance(error, list) else ():
        yield from _located(part, depth + 1)
