"""What the gateway is asked to buy, what it hands back, and what it remembers of a call under way."""

from dataclasses import dataclass, field

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


class Request(Struct, frozen=True):
    """One call to buy; `key` is the caller's name for it and comes back with the purchase.

    `fallbacks` are asked in their order while `target` cannot be: when its server is down, when its attempts are used
    up, or when it fails for good. Each is sent its own model name and learns its own parameters.
    """

    key: str
    target: Target
    messages: tuple[Message, ...]
    temperature: float
    max_tokens: int
    seed: int | None = None
    fallbacks: tuple[Target, ...] = ()


class Purchase(Struct, frozen=True):
    """What one call brought, or the sentence that says why it brought nothing.

    `endpoint` was asked for, `served_by` answered last: another one when a fallback stood in.
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

    @property
    def tokens(self) -> int:
        return (self.prompt_tokens or 0) + (self.completion_tokens or 0)
