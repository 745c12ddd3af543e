"""The wire: forms of requests and replies, errors, counts, and the openai client as a customer."""

from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest

from tests.practice.serving import PROMPT, ask, finish, said, serving


@pytest.fixture(scope="module")
def client() -> Iterator[httpx2.Client]:
    with serving() as client:
        yield client


def test_the_openai_client_lists_the_catalogue_and_gets_an_answer() -> None:
    with serving() as client, openai.OpenAI(base_url=f"{client.base_url}/v1", api_key="none") as customer:
        listed = {entry.id: entry.model_dump() for entry in customer.models.list()}
        roles = [entry["role"] for entry in listed.values()]
        assert (roles.count("task"), roles.count("generator")) == (3, 5)
        assert (roles.count("judge"), roles.count("embedder")) == (1, 1)
        assert all(entry["simulated"] is True and entry["about"] for entry in listed.values())
        answer = customer.chat.completions.create(
            model="scholar-v1",
            messages=[{"role": "user", "content": PROMPT.format(text="hello")}],
            temperature=0,
            seed=7,
            max_completion_tokens=256,
        )
    assert (answer.model, answer.choices[0].message.content) == ("scholar-v1", "greeting")
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 30


@pytest.mark.parametrize("limit", ["max_tokens", "max_completion_tokens"])
def test_a_reply_is_cut_at_the_limit_and_says_so(client: httpx2.Client, limit: str) -> None:
    whole = ask(client, "chatterbox-v1", PROMPT.format(text="hello"))
    cut = ask(client, "chatterbox-v1", PROMPT.format(text="hello"), **{limit: 3})
    enough = ask(client, "chatterbox-v1", PROMPT.format(text="hello"), **{limit: 256})
    assert (finish(whole), finish(cut), finish(enough)) == ("stop", "length", "stop")
    assert said(whole).startswith(said(cut))
    assert cut.json()["usage"]["completion_tokens"] == 3
    assert said(enough) == said(whole)


def test_parts_of_text_and_system_messages_are_read_together(client: httpx2.Client) -> None:
    head, tail = PROMPT.format(text="hello").split("\n\nInput:")
    parts = [{"type": "text", "text": "Input: hello"}, {"type": "text", "text": "Label:"}]
    messages = [{"role": "system", "content": head}, {"role": "user", "content": parts}]
    split = client.post("/v1/chat/completions", json={"model": "scholar-v1", "messages": messages})
    assert said(split) == said(ask(client, "scholar-v1", head, f"Input:{tail}")) == "greeting"


def test_a_lone_surrogate_and_a_nul_are_text_like_any_other(client: httpx2.Client) -> None:
    body = b'{"model": "scholar-v1", "messages": [{"role": "user", "content": "say yes or no\\n\\n\\ud800 \\u0000"}]}'
    assert said(client.post("/v1/chat/completions", content=body)) in {"yes", "no"}


def test_an_unknown_model_is_404_in_the_form_of_openai(client: httpx2.Client) -> None:
    response = ask(client, "gpt-zero", "hi")
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "model_not_found"
    assert "gpt-zero" in response.json()["error"]["message"]


USER = [{"role": "user", "content": "hi"}]


def schema_of(schema: Any, name: Any = "reply") -> dict[str, Any]:
    form = {"type": "json_schema", "json_schema": {"name": name, "strict": True, "schema": schema}}
    return {"model": "scholar-v1", "messages": USER, "response_format": form}


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        (b"{", None),
        (b"[" * 100_000, None),
        (b"\xff\xfe", None),
        ([], None),
        ({"messages": USER}, "model"),
        ({"model": 3, "messages": USER}, "model"),
        ({"model": "scholar-v1"}, "messages"),
        ({"model": "scholar-v1", "messages": []}, "messages"),
        ({"model": "scholar-v1", "messages": ["hi"]}, "messages"),
        ({"model": "scholar-v1", "messages": [{"role": "judge", "content": "hi"}]}, "messages"),
        ({"model": "scholar-v1", "messages": [{"role": "user", "content": None}]}, "messages"),
        ({"model": "scholar-v1", "messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages"),
        ({"model": "scholar-v1", "messages": USER, "temperature": "hot"}, "temperature"),
        ({"model": "scholar-v1", "messages": USER, "temperature": 3}, "temperature"),
        ({"model": "scholar-v1", "messages": USER, "max_tokens": 0}, "max_tokens"),
        ({"model": "scholar-v1", "messages": USER, "max_completion_tokens": 1.5}, "max_completion_tokens"),
        ({"model": "scholar-v1", "messages": USER, "seed": True}, "seed"),
        ({"model": "scholar-v1", "messages": USER, "stream": True}, "stream"),
        ({"model": "scholar-v1", "messages": USER, "n": 2}, "n"),
        ({"model": "scholar-v1", "messages": USER, "logprobs": 5}, "logprobs"),
        ({"model": "scholar-v1", "messages": USER, "logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ({"model": "scholar-v1", "messages": USER, "logprobs": True, "top_logprobs": -1}, "top_logprobs"),
        ({"model": "scholar-v1", "messages": USER, "logprobs": True, "top_logprobs": "5"}, "top_logprobs"),
        ({"model": "scholar-v1", "messages": USER, "top_logprobs": 5}, "top_logprobs"),
        ({"model": "scholar-v1", "messages": USER, "response_format": "json"}, "response_format.type"),
        ({"model": "scholar-v1", "messages": USER, "response_format": {"type": "xml"}}, "response_format.type"),
        (schema_of({"type": "object"}, name=3), "response_format.json_schema"),
        (schema_of("object"), "response_format.json_schema"),
        (schema_of({"type": "string"}), "response_format"),
        (schema_of({"type": "object", "properties": {}}), "response_format"),
        (schema_of({"type": "object", "properties": {"a": {"type": "date"}}}), "response_format"),
        (schema_of({"type": "object", "properties": {"a": {"enum": []}}}), "response_format"),
        (schema_of({"type": "object", "properties": {"a": {"$ref": "#"}}}), "response_format"),
    ],
)
def test_a_bad_body_is_400_and_names_the_parameter(client: httpx2.Client, body: Any, parameter: str | None) -> None:
    sent = {"content": body} if isinstance(body, bytes) else {"json": body}
    response = client.post("/v1/chat/completions", **sent)
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"
    assert response.json()["error"]["param"] == parameter


def test_the_counts_are_what_the_wire_saw() -> None:
    with serving() as client:
        for _ in range(3):
            ask(client, "scholar-v1", PROMPT.format(text="hello"))
        ask(client, "skimmer-v1", PROMPT.format(text="hello"))
        ask(client, "nobody", "hi")
        client.post("/v1/chat/completions", content=b"{")
        client.get("/v1/models")
        stats = client.get("/stats").json()
    assert stats == {
        "total": 6,
        "under_way": 0,
        "by_model": {"refused": 2, "scholar-v1": 3, "skimmer-v1": 1},
        "by_status": {"200": 4, "400": 1, "404": 1},
        "troubles": {},
    }
