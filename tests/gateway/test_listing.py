"""How much a model reads, wherever its server puts that."""

from typing import Any

import pytest

from app.gateway.listing import ModelInfo, context_of, read_details, read_models

ENTRIES: list[tuple[dict[str, Any], int | None]] = [
    ({}, None),
    ({"max_model_len": 40_960}, 40_960),
    ({"context_window": 131_072}, 131_072),
    ({"max_context_length": 32_768}, 32_768),
    ({"context_length": 200_000, "top_provider": {"context_length": 100_000}}, 200_000),
    ({"top_provider": {"context_length": 100_000}}, 100_000),
    ({"meta": {"n_ctx_train": 131_072, "n_ctx": 8192}}, 8192),
    ({"meta": {"n_ctx_train": 131_072}}, None),
    ({"context_length": "many", "context_window": 5}, 5),
    ({"context_length": True}, None),
    ({"context_length": -1}, None),
    ({"context_length": 10**30}, None),
    ({"meta": [8192]}, None),
]


@pytest.mark.parametrize(("entry", "tokens"), ENTRIES)
def test_the_context_is_read_from_the_list_of_models(entry: dict[str, Any], tokens: int | None) -> None:
    listed = read_models({"data": [{"id": "m", **entry}]})
    assert listed is not None
    assert listed[0].context == tokens


@pytest.mark.parametrize(
    ("names", "asked", "found"),
    [
        (("a", "b"), "b", 2),
        (("a", "b:latest"), "b", 2),
        (("a", "b"), "c", None),
        (("/models/whatever.gguf",), "gpt-4", 1),
        ((), "a", None),
    ],
)
def test_a_model_is_found_by_its_name_or_by_being_the_only_one(
    names: tuple[str, ...], asked: str, found: int | None
) -> None:
    assert context_of([ModelInfo(name, context=n) for n, name in enumerate(names, 1)], asked) == found


@pytest.mark.parametrize("body", [{}, {"data": {}}, {"data": ["x", {"model_name": "other"}, {"model_name": "m"}]}])
def test_details_that_tell_nothing_are_no_context(body: dict[str, Any]) -> None:
    assert read_details(body, "m") is None


def test_details_are_those_of_the_model_that_was_asked_for() -> None:
    entries = [{"model_name": name, "model_info": {"max_input_tokens": n}} for n, name in enumerate("am", 1)]
    assert read_details({"data": entries}, "m") == 2
