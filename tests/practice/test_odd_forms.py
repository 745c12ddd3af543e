"""Whatever form is asked for, a practice model refuses it by name or fills it in, in order and with valid JSON."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.practice.asked import fields_in_words, form_in_words
from app.practice.chances import drawing, said
from app.practice.forms import BadForm, Field, read_form
from app.practice.logprobs import token_entries
from app.practice.task_models import reply

NAMES = st.sampled_from(["label", "quote", "reasoning", "confidence", "spam", "a b", "", '"', "ключ", "count"])
PLAIN = st.none() | st.booleans() | st.integers(-5, 5) | st.text('abя"\\{},: ', max_size=4)
LEAVES = st.one_of(
    st.sampled_from([{"type": kind} for kind in ("string", "boolean", "number", "integer", "null", "array")]),
    st.fixed_dictionaries({"enum": st.lists(PLAIN, min_size=1, max_size=4)}),
    st.fixed_dictionaries(
        {"type": st.just("array"), "items": st.fixed_dictionaries({"enum": st.lists(PLAIN, min_size=1, max_size=3)})}
    ),
    st.fixed_dictionaries({"anyOf": st.just([{"type": "null"}, {"type": "string"}])}),
    st.fixed_dictionaries({"type": st.just("integer"), "maximum": st.sampled_from([1, 10, 100, 10**400, "x"])}),
)
OBJECTS = st.recursive(
    LEAVES,
    lambda inner: st.fixed_dictionaries(
        {"type": st.just("object"), "properties": st.dictionaries(NAMES, inner, min_size=1, max_size=4)}
    ),
    max_leaves=8,
)
PROMPTS = st.sampled_from(
    ["Labels:\n- spam: a prize\n- ham\n\nInput: win a prize\nLabel:", "Give the number.\n\nInput: 3 and 4", "", "\n\n{",
     "Input: a\nAnswer: yes\n\nInput: a"]
)  # fmt: skip


def asked(schema: Any) -> Any:
    return {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema}}


@settings(max_examples=150, deadline=None)
@given(PROMPTS, st.dictionaries(NAMES, OBJECTS, min_size=1, max_size=4), st.integers(0, 9), st.sampled_from([0.0, 1.5]))
def test_a_form_is_filled_in_in_the_order_of_its_fields(
    prompt: str, properties: dict[str, Any], seed: int, heat: float
) -> None:
    form = read_form(asked({"type": "object", "properties": properties}))
    steps = reply("scholar-v1", prompt, form, drawing(heat, seed, [prompt]))
    filled = json.loads(said(steps))
    assert list(filled) == list(properties)
    for name, schema in properties.items():
        if "enum" in schema:
            assert any(filled[name] == value and type(filled[name]) is type(value) for value in schema["enum"])
    tokens = token_entries(steps, 5, 10_000)
    assert b"".join(bytes(token["bytes"]) for token in tokens) == said(steps).encode()


ANYTHING = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["type", "properties", "items", "enum", "const", "anyOf", "$ref", "json_schema", "schema", "name", "maximum"]
    ), inner, max_size=4), max_leaves=12,
)  # fmt: skip


def parameter_at_fault(sent: Any) -> str:
    """Empty when the form can be had."""
    try:
        form = read_form(sent)
    except BadForm as bad:
        return bad.parameter
    assert form is None or isinstance(form, Field)
    return ""


@given(ANYTHING)
def test_what_is_no_form_is_refused_by_name(sent: Any) -> None:
    for one in (sent, asked(sent)):
        named = parameter_at_fault(one)
        assert not named or named.split(".")[0] == "response_format"


@given(st.text())
def test_no_closing_words_are_too_odd(words: str) -> None:
    form = form_in_words(f"Answer with one JSON object:\n{words}")
    assert form is None or form.fields
    assert isinstance(fields_in_words(f"one line for each field: {words}"), tuple)


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        (": tone (rude, polite); spam (true, false)", [("tone", "values"), ("spam", "boolean")]),
        (", of the form field: value, and no other line: city (text)", [("city", "string")]),
        (": nothing in brackets", []),
        (" and (nothing, else)", []),
    ],
)
def test_fields_are_read_from_words(words: str, fields: list[tuple[str, str]]) -> None:
    found = fields_in_words(f"Answer with one line for each field{words}.")
    assert [(field.name, field.kind) for field in found] == fields
