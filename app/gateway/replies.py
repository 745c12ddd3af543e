"""How a chat completion's JSON is read: leniently in what may be missing, never trusting a type."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from app.domain.prompts import clean
from app.gateway.calls import Purchase, Request, Token
from app.gateway.faults import Refused
from app.gateway.probabilities import decoded, tokens_of

LARGEST_COUNT = 2**31 - 1
Count = Annotated[int, Meta(ge=0, le=LARGEST_COUNT)]


class Reply(Struct, frozen=True):
    """An HTTP answer, whatever its status, and how long it took."""

    status: int
    milliseconds: int
    headers: Mapping[str, str]
    path: str
    content: bytes


class Unreadable(Exception):
    """An HTTP success that is not what was asked for; `words` is what an error inside it said."""

    def __init__(self, trouble: str, words: str = "") -> None:
        self.words = words
        super().__init__(trouble)


def written(body: dict[str, object]) -> bytes:
    """A request's body as JSON; half a surrogate pair, which no encoding has, becomes a question mark."""
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:
        return json.dumps(body, ensure_ascii=False, default=_builtins).encode("utf-8", "replace")


def _builtins(part: Any) -> Any:
    return msgspec.json.decode(part) if isinstance(part, msgspec.Raw) else msgspec.to_builtins(part)


def refused(reply: Reply) -> Refused:
    """What an answer that is no success says: its error object when it has one."""
    try:
        body = _json(reply.content)
    except (ValueError, RecursionError):
        return Refused(reply.status, reply.headers, reply.path, reply.content.decode("utf-8", "replace"))
    inner = body.get("error", body) if isinstance(body, dict) else body
    return Refused(reply.status, reply.headers, reply.path, inner)


def _json(content: bytes) -> Any:
    """Strict and fast first; Python's own reader takes what is odd but can be understood. Raises ValueError."""
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return json.loads(content)


def parsed(content: bytes) -> dict[str, Any]:
    """The JSON object of a body; raises Unreadable."""
    try:
        body = _json(content)
    except (ValueError, RecursionError) as error:
        page = content.lstrip()[:1] == b"<"
        raise Unreadable("answers with a web page, not with JSON" if page else "sent broken JSON") from error
    if not isinstance(body, dict):
        raise Unreadable("sent JSON that is no answer")
    return body


class _Message(Struct):
    content: str | None = None


class _Choice(Struct):
    message: _Message
    finish_reason: str | None = None
    logprobs: msgspec.Raw = msgspec.Raw()


class _Details(Struct):
    cached_tokens: Count | None = None


class _Usage(Struct):
    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    prompt_tokens_details: _Details | None = None


class _Completion(Struct):
    """What nearly every server sends; whatever is otherwise is read by hand."""

    choices: Annotated[list[_Choice], Meta(min_length=1)]
    usage: _Usage | None = None
    model: str | None = None
    id: str | None = None
    system_fingerprint: str | None = None


_decoder = msgspec.json.Decoder(_Completion)


def purchased(request: Request, served_by: str, reply: Reply, attempts: int, used_format: str = "") -> Purchase:
    """The purchase that a completion holds; probabilities are read only when they were asked for.

    Raises Unreadable when there is no choice to read. Missing content is an empty text, missing usage None.
    """
    try:
        got = _decoder.decode(reply.content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _read_by_hand(request, served_by, reply, attempts, used_format)
    choice, usage = got.choices[0], got.usage or _Usage()
    details = usage.prompt_tokens_details
    return Purchase(
        request.key,
        request.target.endpoint,
        served_by,
        True,
        clean(choice.message.content or "")[0],
        name_of(choice.finish_reason),
        name_of(got.model),
        usage.prompt_tokens,
        usage.completion_tokens,
        details.cached_tokens if details else None,
        reply.milliseconds,
        attempts,
        name_of(reply.headers.get("x-request-id") or got.id),
        name_of(got.system_fingerprint),
        logprobs=_probabilities(request, choice.logprobs),
        used_format=used_format,
    )


def _probabilities(request: Request, told: msgspec.Raw) -> tuple[Token, ...] | None:
    content = bytes(told) if request.top_logprobs is not None else b""
    return decoded(content) if content else None


def _read_by_hand(request: Request, served_by: str, reply: Reply, attempts: int, used_format: str) -> Purchase:
    body = parsed(reply.content)
    choices = body.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise Unreadable("sent a reply without choices", complaint(body.get("error")))
    usage = object_of(body.get("usage"))
    return Purchase(
        key=request.key,
        endpoint=request.target.endpoint,
        served_by=served_by,
        ok=True,
        text=clean(_text(message.get("content")))[0],
        finish_reason=name_of(choice.get("finish_reason")),
        model=name_of(body.get("model")),
        prompt_tokens=count_of(usage.get("prompt_tokens")),
        completion_tokens=count_of(usage.get("completion_tokens")),
        cached_tokens=count_of(object_of(usage.get("prompt_tokens_details")).get("cached_tokens")),
        latency_ms=reply.milliseconds,
        attempts=attempts,
        request_id=name_of(reply.headers.get("x-request-id") or body.get("id")),
        fingerprint=name_of(body.get("system_fingerprint")),
        logprobs=None if request.top_logprobs is None else tokens_of(choice.get("logprobs")),
        used_format=used_format,
    )


def object_of(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(content: object) -> str:
    """A content is a string, or a list of parts of which the texts are joined."""
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        return "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def name_of(value: object) -> str:
    """A short string that a provider chose, fit to be kept."""
    return clean(value[:200])[0] if isinstance(value, str) else ""


def count_of(value: object) -> int | None:
    """A count of tokens, None for anything that is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_COUNT else None


def complaint(error: object) -> str:
    message = error.get("message") if isinstance(error, dict) else error
    return message if isinstance(message, str) else ""
