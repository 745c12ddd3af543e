"""Capabilities in words, and how they survive being stored."""

from dataclasses import replace
from typing import Any

import pytest

from app.domain.capabilities import Capabilities, findings, missing

FULL = Capabilities(True, "max_tokens", True, True, True, True, True, 20, True, True, 8192)
WORDS: list[tuple[dict[str, Any], str, str, str]] = [
    ({}, "token probabilities", "yes", "with up to 20 alternatives a token"),
    ({"top_logprobs": 0}, "token probabilities", "yes", "of the chosen token alone"),
    ({"logprobs": False}, "token probabilities", "no", "scores that need them will use votes of repeated replies"),
    ({"logprobs": None}, "token probabilities", "unknown", "not found out"),
    ({"length_limit": "max_completion_tokens"}, "length limit", "yes", "set by max_completion_tokens"),
    ({"length_limit": ""}, "length limit", "no", "long replies cannot be cut off"),
    ({"length_limit": None}, "length limit", "unknown", "not found out"),
    ({}, "context size", "yes", "8,192 tokens"),
    ({"context": None}, "context size", "unknown", "the server does not tell"),
    ({"seed": False}, "seed", "no", "it is left out, so repeats may differ"),
    ({"usage": None}, "token counts", "unknown", "not found out"),
]


@pytest.mark.parametrize(("changes", "name", "state", "words"), WORDS)
def test_each_finding_has_a_state_and_words(changes: dict[str, Any], name: str, state: str, words: str) -> None:
    found = {one.name: one for one in findings(replace(FULL, **changes))}
    assert (found[name].state, found[name].words) == (state, words)


def test_what_is_missing_is_told_with_what_is_done_instead_and_the_unknown_is_not() -> None:
    assert missing(FULL) == []
    assert missing(Capabilities()) == []
    lacking = replace(FULL, json_schema=False, user=False, stop=None)
    assert missing(lacking) == [
        "no replies by schema: the form is asked for in words and every reply is checked",
        "no user tag: it is left out",
    ]


def test_capabilities_are_stored_and_read_also_by_another_version() -> None:
    assert Capabilities.of(FULL.as_json()) == FULL
    assert Capabilities.of({}) == Capabilities()
    assert Capabilities.of({"seed": True, "juggling": True}) == Capabilities(seed=True)
