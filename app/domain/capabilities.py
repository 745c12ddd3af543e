"""What a language model was found able to do, and in words what is done where it cannot."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

State = Literal["yes", "no", "unknown"]


@dataclass(frozen=True)
class Capabilities:
    """None is not found out.

    `temperature`: 0 may be asked for. `length_limit`: the parameter's name there, empty when it takes none.
    `seed` and `user` were accepted, no more: a reply does not show them; the rest was seen in replies.
    `embeddings`: only embedders are asked for them, and for nothing else.
    `top_logprobs`: alternatives told for each token at most. `context`: tokens, as the server's list of models says.
    """

    temperature: bool | None = None
    length_limit: str | None = None
    usage: bool | None = None
    seed: bool | None = None
    user: bool | None = None
    stop: bool | None = None
    logprobs: bool | None = None
    top_logprobs: int = 0
    json_schema: bool | None = None
    json_object: bool | None = None
    context: int | None = None
    embeddings: bool | None = None

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "Capabilities":
        """From what `as_json` gave, perhaps to an older version."""
        names = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in stored.items() if name in names})

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Finding:
    """One capability in words; what is missing says what is done instead. The name reads well after "no"."""

    name: str
    state: State
    words: str


UNKNOWN = "not found out"
_WORDS: tuple[tuple[str, str, str, str], ...] = (
    ("json_schema", "replies by schema", "replies keep to a given form",
     "the form is asked for in words and every reply is checked"),
    ("json_object", "JSON mode", "replies are JSON when asked", "JSON is asked for in words and every reply is checked"),
    ("temperature", "temperature 0", "accepted", "temperature is left out, so the model chooses and repeats may differ"),
    ("seed", "seed", "accepted", "it is left out, so repeats may differ"),
    ("stop", "stop words", "they end a reply", "replies end by themselves or at the length limit"),
    ("user", "user tag", "accepted", "it is left out"),
    ("usage", "token counts", "in every reply", "costs are unknown"),
)  # fmt: skip
_OF_EMBEDDERS = (("embeddings", "embeddings", "two texts are compared by them", "none came"), _WORDS[-1])


def findings(found: Capabilities) -> tuple[Finding, ...]:
    """Everything that is asked about, what matters most to scores first."""
    context = _finding("context size", found.context is not None or None, _context(found))
    if found.embeddings is not None:
        return (*_worded(found, _OF_EMBEDDERS), context)
    return (
        _finding("token probabilities", found.logprobs, _probabilities(found)),
        *_worded(found, _WORDS),
        _finding("length limit", None if found.length_limit is None else bool(found.length_limit), _limit(found)),
        context,
    )


def _worded(found: Capabilities, words: Sequence[tuple[str, str, str, str]]) -> list[Finding]:
    return [
        _finding(name, getattr(found, field), {True: yes, False: no}.get(getattr(found, field), UNKNOWN))
        for field, name, yes, no in words
    ]


def missing(found: Capabilities) -> list[str]:
    """What it cannot do, each with what is done instead; empty when nothing that was asked about is missing."""
    return [f"no {finding.name}: {finding.words}" for finding in findings(found) if finding.state == "no"]


def _finding(name: str, has: bool | None, words: str) -> Finding:
    return Finding(name, "unknown" if has is None else "yes" if has else "no", words)


def _probabilities(found: Capabilities) -> str:
    if found.logprobs is None:
        return UNKNOWN
    if not found.logprobs:
        return "scores that need them will use votes of repeated replies"
    if not found.top_logprobs:
        return "of the chosen token alone"
    return f"with up to {found.top_logprobs} alternatives a token"


def _limit(found: Capabilities) -> str:
    if found.length_limit is None:
        return UNKNOWN
    return f"set by {found.length_limit}" if found.length_limit else "long replies cannot be cut off"


def _context(found: Capabilities) -> str:
    return "the server does not tell" if found.context is None else f"{found.context:,} tokens"
