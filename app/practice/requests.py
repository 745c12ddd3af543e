"""What every request for a model must hold, and how it is refused in the form of OpenAI's API."""

import json
from typing import Any

from app.practice.catalogue import BY_NAME

CHARACTERS_PER_TOKEN = 4


class Refused(Exception):
    """A request that cannot be served: status, sentence, the parameter at fault and OpenAI's code for it."""

    def __init__(self, status: int, message: str, parameter: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = error_body(message, "invalid_request_error", parameter, code)


def error_body(message: str, kind: str, parameter: str | None = None, code: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": parameter, "code": code}}


def read_sent(body: bytes, *, embeds: bool) -> tuple[str, dict[str, Any]]:
    """The model's name and the JSON object that names it. Raises Refused: 400 for what is malformed, 404 for a name."""
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, "The body is not valid JSON.") from None
    if not isinstance(sent, dict):
        raise Refused(400, "The body must be a JSON object.")
    name = sent.get("model")
    if not isinstance(name, str) or not name:
        raise Refused(400, "model must be a name.", "model")
    if name not in BY_NAME:
        raise Refused(404, f"The model '{name[:100]}' does not exist.", "model", "model_not_found")
    if (BY_NAME[name].role == "embedder") != embeds:
        other = "gives no embeddings; it is asked at /v1/chat/completions"
        raise Refused(400, f"{name} {other if embeds else 'gives embeddings alone; it is asked at /v1/embeddings'}.", "model")  # fmt: skip
    return name, sent


def whole_text(text: str) -> str:
    """A lone surrogate is legal JSON, but no text that could be hashed or sent back."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def tokens_in(text: str) -> int:
    return -(-len(text) // CHARACTERS_PER_TOKEN)
