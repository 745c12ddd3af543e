"""What a server says about the models it serves: their names, and how much each can read."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from app.gateway.replies import name_of

LISTED = 2000
LARGEST_CONTEXT = 1_000_000_000
# Where servers put it: vLLM, llama.cpp (beside `n_ctx_train`, what the model was made for), OpenRouter and Together,
# Groq, Mistral, LiteLLM. An entry's own word counts before that of its parts.
CONTEXT_NAMES = (
    "max_model_len", "n_ctx", "context_length", "context_window", "max_context_length", "max_input_tokens",
)  # fmt: skip
CONTEXT_PARTS = ("meta", "top_provider", "model_info")


@dataclass(frozen=True)
class ModelInfo:
    """One model that a server lists; `role`, `about` and `simulated` are told by our practice server only.

    `context` is in tokens, None when the server does not tell.
    """

    id: str
    role: str = ""
    about: str = ""
    simulated: bool = False
    context: int | None = None


def read_models(body: dict[str, Any]) -> tuple[ModelInfo, ...] | None:
    """The models in the server's order; None for what is no list of models."""
    entries = body.get("data")
    if not isinstance(entries, list):
        return None
    return tuple(_info(entry) for entry in entries[:LISTED] if isinstance(entry, dict) and name_of(entry.get("id")))


def context_of(listed: Iterable[ModelInfo], model: str) -> int | None:
    """How much `model` reads; a list of one is believed under any name, as servers with one model do not compare."""
    models = list(listed)
    found = [info for info in models if info.id in (model, f"{model}:latest")] or (models if len(models) == 1 else [])
    return found[0].context if found else None


def read_details(body: dict[str, Any], model: str) -> int | None:
    """The same out of LiteLLM's /model/info, which names models otherwise."""
    entries = body.get("data")
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and entry.get("model_name") == model:
            return _context(entry)
    return None


def _info(entry: dict[str, Any]) -> ModelInfo:
    return ModelInfo(
        id=name_of(entry.get("id")),
        role=name_of(entry.get("role")),
        about=name_of(entry.get("about")),
        simulated=entry.get("simulated") is True,
        context=_context(entry),
    )


def _context(entry: dict[str, Any]) -> int | None:
    parts = [part for name in CONTEXT_PARTS if isinstance(part := entry.get(name), dict)]
    for part in (entry, *parts):
        for name in CONTEXT_NAMES:
            value = part.get(name)
            if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= LARGEST_CONTEXT:
                return value
    return None
