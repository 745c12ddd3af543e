"""Probabilities in replies that nobody can rely on: whatever a server sends, the purchase stands."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.gateway.calls import Token
from app.gateway.probabilities import decoded, tokens_of

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=[])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["content", "token", "logprob", "bytes", "top_logprobs"]), inner, max_size=5)
    ),
    max_leaves=20,
)
UTF8 = st.none() | st.lists(st.integers(0, 255), max_size=4)
LISTED = st.fixed_dictionaries(
    {"token": st.text(max_size=4), "logprob": st.floats(-9999, 0)}, optional={"bytes": UTF8, "rank": st.integers()}
)
TOKEN = st.builds(
    lambda one, top: {**one, "top_logprobs": top}, LISTED, st.none() | st.lists(LISTED, max_size=4)
)  # fmt: skip


@given(ANYTHING | st.fixed_dictionaries({"content": st.lists(ANYTHING, max_size=3)}))
def test_no_reply_is_too_odd(told: Any) -> None:
    for read in (tokens_of(told), decoded(json.dumps(told).encode())):
        assert read is None or (len(read) > 0 and all(isinstance(one, Token) for one in read))


@given(st.binary())
def test_no_bytes_are_too_odd(content: bytes) -> None:
    assert decoded(content) is None or content.strip()


@given(st.lists(TOKEN, min_size=1, max_size=5))
def test_the_fast_way_and_the_way_by_hand_read_alike(content: list[dict[str, Any]]) -> None:
    told = {"content": content, "refusal": None}
    read = decoded(json.dumps(told).encode())
    assert read is not None
    assert read == tokens_of(told)
    assert [len(one.top) for one in read] == [len(one["top_logprobs"] or ()) for one in content]
