"""Servers of several makes for the probe to find out about, played as their documentation describes them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.gateway.scripted import Answer, Hit, completion, refusal

TOKEN = {"token": "ok", "logprob": -0.1, "bytes": [111, 107]}


@dataclass(frozen=True)
class Player:
    """What one make does with each thing; `takes` are parameters it knows, `strict` refuses all others."""

    takes: frozenset[str]
    most_alternatives: int = 20
    formats: tuple[str, ...] = ("json_schema", "json_object")
    strict: Callable[[str], Answer] | None = None
    listed: Mapping[str, Any] = field(default_factory=lambda: {"data": [{"id": "small"}, {"id": "large"}]})
    details: Answer = field(default_factory=lambda: refusal(404, "Not Found"))
    usage: bool = True
    thinks: bool = False
    runs_out: bool = False
    hits: list[Hit] = field(default_factory=list)

    def __call__(self, hit: Hit) -> Answer:
        self.hits.append(hit)
        if hit.path.endswith("/models"):
            return Answer(body=self.listed)
        if hit.path.endswith("/model/info"):
            return self.details
        return self._refused(hit) or self._answer(hit)

    def _refused(self, hit: Hit) -> Answer | None:
        unknown = [name for name in hit.body if name not in self.takes | {"model", "messages"}]
        if self.strict and unknown:
            return self.strict(unknown[0])
        if "top_logprobs" in self.takes and hit.body.get("top_logprobs", 0) > self.most_alternatives:
            return refusal(400, f"Requested sample logprobs is greater than max allowed: {self.most_alternatives}")
        return None

    def _answer(self, hit: Hit) -> Answer:
        text = self._said(hit)
        room = hit.body.get("max_tokens") or hit.body.get("max_completion_tokens") or 10_000
        cut = self.thinks and room < 500
        if cut and self.runs_out:
            words = "Could not finish the message because max_tokens or model output limit was reached."
            return refusal(400, words, code=None)
        reply = completion("" if cut else text)
        choice = reply.body["choices"][0]
        choice["finish_reason"] = "length" if cut else "stop"
        if "logprobs" in self.takes and hit.body.get("logprobs"):
            tops = [{**TOKEN, "token": str(n)} for n in range(hit.body.get("top_logprobs", 0))]
            choice["logprobs"] = {"content": [{**TOKEN, "top_logprobs": tops}]}
        if not self.usage:
            del reply.body["usage"]
        return reply

    def _said(self, hit: Hit) -> str:
        wanted = hit.body.get("response_format", {}).get("type") if "response_format" in self.takes else None
        if wanted in self.formats:
            return json.dumps({"answer": "yes", "sure": True} if wanted == "json_schema" else {"greeting": "hello"})
        if "three words" in hit.text:
            return "apple " if "stop" in self.takes and "stop" in hit.body else "apple pear plum"
        return "Yes, it usually is." if "grass" in hit.text else "ok"


def _openai_refuses(name: str) -> Answer:
    if name == "max_tokens":
        words = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens'."
        return refusal(400, words, param=name, code="unsupported_parameter")
    words = f"Unsupported value: '{name}' is not supported with this model."
    return refusal(400, words, param=name, code="unsupported_value")


def _pydantic_refuses(name: str) -> Answer:
    found = {"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs are not permitted"}
    return Answer(422, {"detail": [found]})


def _without_a_word(name: str) -> Answer:
    return refusal(400, "Bad request.")


ALL = frozenset(
    {"temperature", "max_tokens", "max_completion_tokens", "seed", "user", "stop", "logprobs", "top_logprobs"}
    | {"response_format"}
)
LENGTHS = {"max_tokens", "max_completion_tokens"}


def openai() -> Player:
    return Player(ALL, strict=_openai_refuses)


def reasoning() -> Player:
    """Refuses temperature, max_tokens, stop words and probabilities, and thinks before it says anything."""
    takes = {"max_completion_tokens", "seed", "user", "response_format"}
    return Player(frozenset(takes), strict=_openai_refuses, thinks=True)


def ollama() -> Player:
    """Knows neither probabilities nor `user`, and ignores what it does not know."""
    return Player(ALL - {"logprobs", "top_logprobs", "user"}, listed={"data": [{"id": "small:latest"}]})


def llama_cpp() -> Player:
    """One model, whatever name it is asked for; its list tells what it was made for and what it has room for."""
    meta = {"n_ctx_train": 131_072, "n_ctx": 8192, "n_vocab": 32_000}
    listed = {"data": [{"id": "/models/small.gguf", "meta": meta}], "models": [{"name": "small.gguf"}]}
    return Player(ALL, listed=listed)


def vllm(alternatives: int = 5) -> Player:
    listed = {"data": [{"id": "small", "max_model_len": 40_960}, {"id": "lora", "max_model_len": 1}]}
    return Player(ALL, most_alternatives=alternatives, listed=listed)


def openrouter() -> Player:
    entry = {"id": "small", "context_length": 200_000, "top_provider": {"context_length": 100_000}}
    return Player(ALL, listed={"data": [{"id": "other", "context_length": 1}, entry]})


def litellm() -> Player:
    """A proxy before a model without probabilities: refuses by name what the model has not."""
    info = {"data": [{"model_name": "small", "model_info": {"max_input_tokens": 16_384}}]}
    takes = ALL - {"logprobs", "top_logprobs"}
    return Player(takes, strict=_openai_refuses, details=Answer(body=info))


def lm_studio() -> Player:
    """Replies by a schema but knows no JSON mode."""
    return Player(ALL, formats=("json_schema",))


def indifferent() -> Player:
    """Ignores everything it does not know, and it knows only messages; counts nothing."""
    return Player(frozenset({"messages"}), usage=False)


def strict() -> Player:
    """Refuses by name everything but the usual."""
    return Player(frozenset({"temperature", *LENGTHS}), strict=_pydantic_refuses)


def mute() -> Player:
    """The same without a name, but that it knows seeds."""
    return Player(frozenset({"temperature", "seed", *LENGTHS}), strict=_without_a_word)


def mute_reasoning(*takes: str) -> Player:
    """Refuses what reasoning models refuse without a name."""
    return Player(frozenset(takes), strict=_without_a_word)


_NOTHING = {
    **dict.fromkeys(("user", "stop", "seed", "logprobs", "json_schema", "json_object"), False),
    "top_logprobs": 0,
}

PLAYERS: dict[str, tuple[Callable[[], Player], Mapping[str, Any]]] = {
    "openai": (openai, {}),
    "reasoning": (
        reasoning,
        {
            "temperature": False,
            "length_limit": "max_completion_tokens",
            "stop": False,
            "logprobs": False,
            "top_logprobs": 0,
        },
    ),
    "reasoning that runs out": (
        lambda: Player(
            reasoning().takes | {"temperature", "max_tokens"}, strict=_openai_refuses, thinks=True, runs_out=True
        ),
        {"stop": False, "logprobs": False, "top_logprobs": 0},
    ),
    "ollama": (ollama, {"logprobs": False, "top_logprobs": 0}),
    "llama.cpp": (llama_cpp, {"context": 8192}),
    "vllm": (vllm, {"top_logprobs": 5, "context": 40_960}),
    "vllm without alternatives": (lambda: vllm(0), {"top_logprobs": 0, "context": 40_960}),
    "openrouter": (openrouter, {"context": 200_000}),
    "litellm": (litellm, {"logprobs": False, "top_logprobs": 0, "context": 16_384}),
    "lm studio": (lm_studio, {"json_object": False}),
    "indifferent": (
        indifferent,
        {
            "usage": False,
            "stop": False,
            "logprobs": False,
            "top_logprobs": 0,
            "json_schema": False,
            "json_object": False,
        },
    ),
    "strict": (
        strict,
        {
            **dict.fromkeys(("seed", "user", "stop", "logprobs", "json_schema", "json_object"), False),
            "top_logprobs": 0,
        },
    ),
    "mute": (
        mute,
        {**dict.fromkeys(("user", "stop", "logprobs", "json_schema", "json_object"), False), "top_logprobs": 0},
    ),
    "mute about temperature": (lambda: mute_reasoning("max_tokens"), {**_NOTHING, "temperature": False}),
    "mute about max_tokens": (
        lambda: mute_reasoning("temperature", "max_completion_tokens"),
        {**_NOTHING, "length_limit": "max_completion_tokens"},
    ),
    "mute about both": (
        lambda: mute_reasoning("max_completion_tokens"),
        {**_NOTHING, "temperature": False, "length_limit": "max_completion_tokens"},
    ),
    "mute about everything": (mute_reasoning, {**_NOTHING, "temperature": False, "length_limit": ""}),
}
