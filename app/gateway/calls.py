"""What the gateway is asked to buy, what it hands back, and what it remembers of a call under way."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from json import dumps

from msgspec import Struct

from app.domain.allowances import Rule
from app.domain.improving.asks import Message

UNLIMITED = Rule()


@dataclass(frozen=True)
class Target:
    """One endpoint as the wire knows it, with the request parameters it was seen to refuse or to call otherwise.

    `rule` is what its provider allows this key, over all workers.
    """

    endpoint: str
    base_url: str
    api_key: str = field(repr=False)
    model: str
    dropped: frozenset[str] = frozenset()
    renamed: tuple[tuple[str, str], ...] = ()
    rule: Rule = UNLIMITED


class ReplyFormat(Struct, frozen=True):
    """The object that a reply shall be: `schema` is the JSON text of a JSON schema, its properties in their order."""

    name: str
    schema: str

    @classmethod
    def of(cls, name: str, schema: Mapping[str, object]) -> "ReplyFormat":
        return cls(name, dumps(schema, ensure_ascii=False, separators=(",", ":")))


class Request(Struct, frozen=True):
    """One call to buy; `key` is the caller's name for it and comes back with the purchase.

    `response_format` asks for a reply by schema, `top_logprobs` for the tokens' probabilities with so many
    alternatives each (0 to 20); an endpoint that refuses them is asked without, and the purchase shows it.

    `fallbacks` are asked in their order while `target` cannot be: when its server is down, when its attempts are used
    up, or when it fails for good. Each is sent its own model name and learns its own parameters.

    With `compared` it asks for no completion but for the embeddings of these two texts, and the purchase's text is
    their cosine as decimal text; messages, temperature, length, seed and form are not sent then.
    """

    key: str
    target: Target
    messages: tuple[Message, ...]
    temperature: float
    max_tokens: int
    seed: int | None = None
    fallbacks: tuple[Target, ...] = ()
    response_format: ReplyFormat | None = None
    top_logprobs: int | None = None
    compared: tuple[str, str] | None = None


class Alternative(Struct, frozen=True):
    """A token that could stand at a place, as UTF-8 that may be half a character; `logprob` is a natural logarithm."""

    utf8: bytes
    logprob: float


class Token(Struct, frozen=True):
    """A token of a reply, and the likeliest at its place as the server listed them, itself often among them.

    A `logprob` of -9999.0 is how servers write "very unlikely" and is kept as it came.
    """

    utf8: bytes
    logprob: float
    top: tuple[Alternative, ...] = ()


class Purchase(Struct, frozen=True):
    """What one call brought, or the sentence that says why it brought nothing.

    `endpoint` was asked for, `served_by` answered last: another one when a fallback stood in.
    `logprobs` are the reply's tokens, None when they were not asked for or did not come; `used_format` is what the
    reply was held to: "json_schema", "json_object" (any JSON), or "" (nothing, though a format may have been asked for).
    A refusal for content is bought too: `ok` with empty text and finish reason `content_filter` or `context_length`.
    `latency_ms` is the last attempt alone, without waits; `attempts` counts the requests that were sent, to whomever.
    """

    key: str
    endpoint: str
    served_by: str
    ok: bool
    text: str = ""
    finish_reason: str = ""
    model: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    latency_ms: int = 0
    attempts: int = 1
    request_id: str = ""
    fingerprint: str = ""
    error: str = ""
    logprobs: tuple[Token, ...] | None = None
    used_format: str = ""

    @property
    def tokens(self) -> int:
        return (self.prompt_tokens or 0) + (self.completion_tokens or 0)
