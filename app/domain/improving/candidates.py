"""The rules a proposal must keep before any money is spent on it; it is refused, never repaired."""

from collections import Counter

from app.domain.improving.asks import Refusal
from app.domain.overlap import copied_gram
from app.domain.prompts import fingerprint, placeholders


def refuse(
    text: str, pattern: Counter[str], prompt_limit: int, known: frozenset[str], forbidden: bytes
) -> Refusal | None:
    """The first rule that `text` breaks, or None.

    `pattern` is how often the start prompt holds each placeholder, `known` the fingerprints tried before,
    `forbidden` the frozen 8-grams of dev and holdout examples that no train example holds.
    """
    found = placeholders(text)
    lost, invented = pattern - found, found - pattern
    if lost:
        return Refusal("placeholder_lost", ", ".join(f"{{{{{name}}}}}" for name in sorted(lost)))
    if invented:
        return Refusal("placeholder_invented", ", ".join(f"{{{{{name}}}}}" for name in sorted(invented)))
    if len(text) > prompt_limit:
        return Refusal("too_long", f"{len(text)} characters, {prompt_limit} are allowed")
    if fingerprint(text) in known:
        return Refusal("duplicate", "this prompt was tried before")
    if copied_gram(text, forbidden) is not None:
        return Refusal(
            "copied_example", "eight words in a row stand in a dev or holdout example and in no train example"
        )
    return None
