"""What the gateway is asked to buy, and what it hands back."""

from dataclasses import dataclass, field

from app.domain.improving.asks import Message


@dataclass(frozen=True)
class Target:
    """One endpoint as the wire knows it, with the request parameters it was seen to refuse or to call otherwise."""

    endpoint: str
    base_url: str
    api_key: str = field(repr=False)
    model: str
    dropped: frozenset[str] = frozenset()
    renamed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Request:
    """One call to buy; `key` is the caller's name for it and comes back with the purchase."""

    key: str
    target: Target
    messages: tuple[Message, ...]
    temperature: float
    max_tokens: int
    seed: int | None = None
    fallbacks: tuple[Target, ...] = ()


@dataclass(frozen=True)
class Purchase:
    """What one call brought, or the sentence that says why it brought nothing.

    A refusal for content is bought too: `ok` with empty text and finish reason `content_filter` or `context_length`.
    `latency_ms` is the last attempt alone, without waits; `attempts` counts the requests the wire saw.
    """

    key: str
    endpoint: str
    ok: bool
    served_by: str = ""
    text: str = ""
    finish_reason: str = ""
    model: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    latency_ms: int = 0
    attempts: int = 1
    request_id: str = ""
    fingerprint: str = ""
    error: str = ""
