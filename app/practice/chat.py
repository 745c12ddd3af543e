"""Chat completions: what a request must hold, and the reply as a pure function of it."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from app.practice.catalogue import BY_NAME, CATALOGUE
from app.practice.chances import Step, drawing, said
from app.practice.forms import BadForm, Field, read_form
from app.practice.generators import Written, propose
from app.practice.grader import judged
from app.practice.logprobs import token_entries
from app.practice.requests import CHARACTERS_PER_TOKEN, Refused, read_sent, tokens_in, whole_text
from app.practice.task_models import reply

MOST_ALTERNATIVES = 20  # as OpenAI's API has it
_CREATED = 1_763_683_200  # any fixed moment: replies know no clock
_ROLES = ("system", "developer", "user", "assistant")


@dataclass(frozen=True)
class Request:
    """All that an answer may depend on.

    `max_tokens` is None when nothing limits the reply, `alternatives` when no token's probability is asked for.
    """

    name: str
    messages: tuple[str, ...]
    seed: int | None
    max_tokens: int | None
    temperature: float = 0.0
    form: Field | None = None
    alternatives: int | None = None


def read_request(body: bytes) -> Request:
    """The request in a JSON body. Raises Refused: 400 for what is malformed, 404 for an unknown name."""
    name, sent = read_sent(body, embeds=False)
    _refuse_unsupported(sent)
    limit = _whole(sent, "max_completion_tokens", least=1)
    limit = _whole(sent, "max_tokens", least=1) if limit is None else limit
    return Request(
        name,
        _messages(sent.get("messages")),
        _whole(sent, "seed"),
        limit,
        float(sent.get("temperature") or 0.0),
        _form(sent),
        _alternatives(sent),
    )


def complete(request: Request) -> dict[str, Any]:
    """The completion: the same for the same request, whenever and wherever it is asked."""
    steps, written = _spoken(request)
    limit = None if request.max_tokens is None else request.max_tokens * CHARACTERS_PER_TOKEN
    text = written.text[:limit]
    stopped = written.complete and len(text) == len(written.text)
    asked, said = sum(map(tokens_in, request.messages)), tokens_in(text)
    return {
        "id": f"chatcmpl-{_identity(request)}",
        "object": "chat.completion",
        "created": _CREATED,
        "model": request.name,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text},
                "finish_reason": "stop" if stopped else "length",
                **_probabilities(request, steps, len(text)),
            }
        ],
        "usage": {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said},
    }


def listing() -> dict[str, Any]:
    """The catalogue in the form of OpenAI's list of models, with role, habit and the word that it is simulated."""
    return {
        "object": "list",
        "data": [
            {
                "id": practice.name,
                "object": "model",
                "created": _CREATED,
                "owned_by": "practice",
                "role": practice.role,
                "about": practice.about,
                "simulated": True,
            }
            for practice in CATALOGUE
        ],
    }


def _spoken(request: Request) -> tuple[tuple[Step, ...], Written]:
    """What a task model says, with the choices behind it, or what others write, of which none are known."""
    role = BY_NAME[request.name].role
    if role == "judge":
        return (), Written(judged("\n\n".join(request.messages), request.form))
    if role == "task":
        draw = drawing(request.temperature, request.seed, (request.name, *request.messages))
        steps = reply(request.name, "\n\n".join(request.messages), request.form, draw)
        return steps, Written(said(steps))
    return (), propose(request.name, request.messages, request.seed)


def _probabilities(request: Request, steps: tuple[Step, ...], length: int) -> dict[str, Any]:
    if request.alternatives is None or not steps:
        return {}
    return {"logprobs": {"content": token_entries(steps, request.alternatives, length), "refusal": None}}


def _form(sent: dict[str, Any]) -> Field | None:
    try:
        return read_form(sent.get("response_format"))
    except BadForm as bad:
        raise Refused(400, str(bad), bad.parameter) from None


def _alternatives(sent: dict[str, Any]) -> int | None:
    """How many alternatives each token is to list; None when no probabilities are asked for."""
    wanted, count = sent.get("logprobs"), sent.get("top_logprobs")
    if wanted is not None and not isinstance(wanted, bool):
        raise Refused(400, "logprobs must be true or false.", "logprobs")
    if count is None:
        return 0 if wanted else None
    if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= MOST_ALTERNATIVES:
        told = f"Invalid 'top_logprobs': expected a whole number from 0 to {MOST_ALTERNATIVES} as its maximum."
        raise Refused(400, told, "top_logprobs")
    if not wanted:
        raise Refused(400, "top_logprobs is only allowed when logprobs is true.", "top_logprobs")
    return count


def _refuse_unsupported(sent: dict[str, Any]) -> None:
    if sent.get("stream"):
        raise Refused(400, "Practice models do not stream.", "stream")
    if sent.get("n") not in (None, 1):
        raise Refused(400, "Practice models give one choice.", "n")
    temperature = sent.get("temperature")
    number = isinstance(temperature, int | float) and not isinstance(temperature, bool)
    if temperature is not None and not (number and 0 <= temperature <= 2):
        raise Refused(400, "temperature must be a number from 0 to 2.", "temperature")


def _whole(sent: dict[str, Any], key: str, least: int | None = None) -> int | None:
    value = sent.get(key)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or (least is not None and value < least):
        raise Refused(400, f"{key} must be a whole number{'' if least is None else f' of at least {least}'}.", key)
    return value


def _messages(sent: Any) -> tuple[str, ...]:
    if not isinstance(sent, list) or not sent:
        raise Refused(400, "messages must be a list with at least one message.", "messages")
    return tuple(_content(message) for message in sent)


def _content(message: Any) -> str:
    """A message's text; parts of type text are put together."""
    if not isinstance(message, dict) or message.get("role") not in _ROLES:
        raise Refused(400, f"Every message needs a role: {', '.join(_ROLES)}.", "messages")
    content = message.get("content")
    if isinstance(content, list):
        parts = [part.get("text") if isinstance(part, dict) else None for part in content]
        texts = [part for part in parts if isinstance(part, str)]
        content = "\n".join(texts) if len(texts) == len(parts) else None
    if not isinstance(content, str):
        raise Refused(400, "Every message needs a content of text.", "messages")
    return whole_text(content)


def _identity(request: Request) -> str:
    parts = json.dumps([request.name, request.messages, request.seed, request.max_tokens, *_unusual(request)])
    return hashlib.sha256(parts.encode()).hexdigest()[:24]


def _unusual(request: Request) -> list[Any]:
    """What a plain request does not have, so that it keeps the name it always had."""
    asked = [request.temperature if request.seed is not None else 0.0, request.form, request.alternatives]
    return [] if asked == [0.0, None, None] else [repr(asked)]
