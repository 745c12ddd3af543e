"""One contract for both HTTP clients: the hot path's wire and the OpenAI client send the same and read trouble alike."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openai import APIConnectionError, APIStatusError

from app.errors import EndpointFailure
from app.gateway import faults
from app.gateway.asking import Call, attempt
from app.gateway.calls import Alternative, Purchase, ReplyFormat, Target, Token
from app.gateway.faults import Fault
from app.gateway.guard import Policy
from app.gateway.limits import Limits
from app.gateway.parameters import PLAIN, Traits, body, plain_body
from app.gateway.replies import Reply, Unreadable, purchased, written
from app.gateway.transport import open_client, refused, trouble
from app.gateway.wire import LARGEST_REPLY, Wire
from tests.gateway.certificates import self_signed
from tests.gateway.counter import KEY, ask, limits, target
from tests.gateway.scripted import Answer, completion, refusal, serving

SECONDS = 5.0
Outcome = Purchase | Fault | Traits
Client = Callable[..., Coroutine[Any, Any, Outcome]]


async def hot(at: Target, within: Limits, **changes: Any) -> Outcome:
    wire = Wire(at.base_url, at.api_key, within)
    try:
        call = Call(ask("q", at, **changes), (at,), attempts=1, traits=Traits.of(at))
        return await attempt(wire, call, SECONDS, within.connect_seconds)
    finally:
        await wire.close()


async def openai(at: Target, within: Limits, **changes: Any) -> Outcome:
    """As the gateway uses it for what is not hot."""
    client, request, traits = open_client(at.base_url, at.api_key, within), ask("q", at, **changes), Traits.of(at)
    try:
        sent = plain_body(request, at.model, traits)
        got = await client.post("/chat/completions", body=sent, cast_to=httpx2.Response)
        reply = Reply(got.status_code, 0, got.headers, "", got.content)
        return purchased(request, at.endpoint, reply, 1, traits.used_format(request))
    except Unreadable as unreadable:
        return faults.of_reply(at, str(unreadable), unreadable.words)
    except APIStatusError as error:
        return faults.of_status(refused(error), faults.said(error.body), at)
    except APIConnectionError as error:
        return faults.of_trouble(trouble(error), at, within.connect_seconds)
    finally:
        await client.close()


both = pytest.mark.parametrize("client", [hot, openai])

TROUBLES: list[tuple[Answer, str, Fault]] = [
    (refusal(401, "bad key"), "refuses the key (401)", Fault("", lasting=True)),
    (refusal(403, "no"), "does not allow this key to do that (403)", Fault("", lasting=True)),
    (refusal(404, "The model does not exist"), "there is no such model (404)", Fault("", lasting=True)),
    (Answer(404, b"<h1>no</h1>"), "/v1/chat/completions does not exist", Fault("", lasting=True)),
    (refusal(429, "slow", {"Retry-After": "7"}), "asks to slow down (429)", Fault("", wait=7.0, crowded=True)),
    (refusal(429, "slow", {"Retry-After-Ms": "70"}), "asks to slow down (429)", Fault("", wait=0.07, crowded=True)),
    (refusal(500, "oops"), "had a fault of its own (500)", Fault("")),
    (Answer(503, b"<h1>busy</h1>", {"Retry-After": "1"}), "had a fault of its own (503)", Fault("", wait=1.0)),
    (Answer(302, b"", {"Location": "/v1/elsewhere"}), "redirects to another address (302)", Fault("", lasting=True)),
    (Answer(307, b"", {"Location": "http://169.254.169.254/"}), "redirects to another", Fault("", lasting=True)),
    (Answer(200, b'{"choices": [{"mess'), "sent broken JSON", Fault("")),
    (Answer(200, b"<html>hello</html>"), "answers with a web page", Fault("")),
    (Answer(200, {"error": {"message": "upstream"}}), "sent a reply without choices", Fault("")),
    (Answer(200, b" " * (LARGEST_REPLY + 1)), "broke the connection", Fault("")),
    (Answer(drop=True), "broke the connection", Fault("")),
]


@both
def test_a_call_is_sent_alike_and_its_answer_is_read_alike(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "the-house")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with serving(lambda hit: completion("spam")) as server:
        bought = asyncio.run(client(target(server), limits()))
        (hit,) = server.hits
    assert isinstance(bought, Purchase)
    assert (bought.text, bought.finish_reason, bought.model) == ("spam", "stop", "served-model")
    assert (hit.method, hit.path) == ("POST", "/v1/chat/completions")
    assert hit.body == {
        "model": "small",
        "messages": [{"role": "user", "content": "q"}],
        "temperature": 0.0,
        "max_tokens": 16,
        "seed": 5,
    }
    told = {name: value for name, value in hit.headers.items() if name not in {"host", "content-length", "user-agent"}}
    assert told == {
        "accept": "application/json",
        "accept-encoding": "identity",
        "content-type": "application/json",
        "authorization": f"Bearer {KEY}",
    }


SCHEMA = {"type": "object", "properties": {"why": {"type": "string"}, "label": {"enum": ["spam", "не спам"]}}}
FORM = ReplyFormat.of("verdict", SCHEMA)
BY_SCHEMA = {"type": "json_schema", "json_schema": {"name": "verdict", "strict": True, "schema": SCHEMA}}
OBJECT = {"type": "json_object"}
ASKED: list[tuple[dict[str, Any], set[str], dict[str, Any], str]] = [
    ({"response_format": FORM}, set(), {"response_format": BY_SCHEMA}, "json_schema"),
    ({"response_format": FORM}, {"json_schema"}, {"response_format": OBJECT}, "json_object"),
    ({"response_format": FORM}, {"json_schema", "json_object"}, {}, ""),
    ({"response_format": FORM}, {"response_format"}, {}, ""),
    ({"top_logprobs": 20}, set(), {"logprobs": True, "top_logprobs": 20}, ""),
    ({"top_logprobs": 20}, {"top_logprobs>5"}, {"logprobs": True, "top_logprobs": 5}, ""),
    ({"top_logprobs": 3}, {"top_logprobs>5"}, {"logprobs": True, "top_logprobs": 3}, ""),
    ({"top_logprobs": 20}, {"top_logprobs"}, {"logprobs": True}, ""),
    ({"top_logprobs": 0}, set(), {"logprobs": True}, ""),
    ({"top_logprobs": 20}, {"logprobs"}, {}, ""),
]


@both
@pytest.mark.parametrize(("asked", "dropped", "added", "used"), ASKED)
def test_a_form_and_probabilities_are_asked_for_alike(
    client: Client, asked: dict[str, Any], dropped: set[str], added: dict[str, Any], used: str
) -> None:
    with serving(lambda hit: completion("{}")) as server:
        bought = asyncio.run(client(target(server, dropped=frozenset(dropped)), limits(), **asked))
        (hit,) = server.hits
    usual = {"model", "messages", "temperature", "max_tokens", "seed"}
    assert {name: value for name, value in hit.body.items() if name not in usual} == added
    assert usual <= hit.body.keys()
    assert isinstance(bought, Purchase)
    assert bought.used_format == used


TOKEN = {"token": "\ufffd", "logprob": -0.25, "bytes": [208], "top_logprobs": []}
TOLD: list[tuple[Any, tuple[Token, ...] | None]] = [
    (None, None),
    ({}, None),
    ("yes", None),
    ({"content": None}, None),
    ({"content": []}, None),
    ({"content": ["a"]}, None),
    ({"content": [TOKEN, {"token": "b"}]}, None),
    ({"content": [{**TOKEN, "logprob": "-1"}]}, None),
    ({"content": [{**TOKEN, "logprob": True}]}, None),
    ({"content": [{**TOKEN, "logprob": 10**400}]}, None),
    ({"content": [{"logprob": -1.0, "bytes": None}]}, None),
    ({"content": [TOKEN]}, (Token(b"\xd0", -0.25),)),
    ({"content": [{**TOKEN, "bytes": None, "token": "я"}]}, (Token("я".encode(), -0.25),)),
    ({"content": [{**TOKEN, "bytes": [256], "token": "я"}]}, (Token("я".encode(), -0.25),)),
    ({"content": [{"token": "a", "logprob": -1}]}, (Token(b"a", -1.0),)),
    ({"content": [{"token": "a", "logprob": -9999.0}]}, (Token(b"a", -9999.0),)),
    ({"content": [{**TOKEN, "top_logprobs": "all"}]}, (Token(b"\xd0", -0.25),)),
    ({"content": [{**TOKEN, "top_logprobs": [{"token": "b", "logprob": -9999.0}, {"token": 3, "logprob": -1}, 7]}]},
     (Token(b"\xd0", -0.25, (Alternative(b"b", -9999.0),)),)),
]  # fmt: skip


def told_beside(text: str | None, told: Any) -> Answer:
    reply = completion(text)
    reply.body["choices"][0]["logprobs"] = told
    return reply


@both
@pytest.mark.parametrize(("told", "read"), TOLD)
@pytest.mark.parametrize("text", ["x", [{"type": "text", "text": "x"}]])
def test_probabilities_are_read_alike_and_whole_or_not_at_all(
    client: Client, told: Any, read: tuple[Token, ...] | None, text: Any
) -> None:
    """Whether the rest of the reply is of the usual form or not."""
    with serving(lambda hit: told_beside(text, told)) as server:
        bought = asyncio.run(client(target(server), limits(), top_logprobs=5))
    assert isinstance(bought, Purchase)
    assert (bought.text, bought.logprobs) == ("x", read)


@both
@pytest.mark.parametrize(
    ("raw", "logprob"), [("-Infinity", -9999.0), ("NaN", None), ("-0.0", 0.0), ("1e400", None), ("Infinity", None)]
)
def test_numbers_that_json_does_not_know_are_no_trouble(client: Client, raw: str, logprob: float | None) -> None:
    token = f'{{"content": [{{"token": "x", "logprob": {raw}}}]}}'
    sent = f'{{"choices": [{{"message": {{"content": "x"}}, "logprobs": {token}}}]}}'
    with serving(lambda hit: Answer(200, sent.encode())) as server:
        bought = asyncio.run(client(target(server), limits(), top_logprobs=5))
    assert isinstance(bought, Purchase)
    assert bought.logprobs == (None if logprob is None else (Token(b"x", logprob),))


@both
def test_probabilities_that_nobody_asked_for_are_not_kept(client: Client) -> None:
    with serving(lambda hit: told_beside("x", {"content": [TOKEN]})) as server:
        bought = asyncio.run(client(target(server), limits()))
    assert isinstance(bought, Purchase)
    assert bought.logprobs is None


def test_a_request_without_form_and_probabilities_is_sent_byte_for_byte_as_ever() -> None:
    with serving(lambda hit: completion("x")) as server:
        request = ask("q", target(server))
    assert written(body(request, "small", PLAIN)) == (
        b'{"model":"small","messages":[{"role":"user","content":"q"}],"temperature":0.0,"max_tokens":16,"seed":5}'
    )


def test_half_a_surrogate_is_no_trouble_beside_a_schema() -> None:
    with serving(lambda hit: completion("x")) as server:
        request = ask("a\ud800", target(server), response_format=ReplyFormat.of("\ud800", {"enum": ["\udfff"]}))
    sent = json.loads(written(body(request, "small", PLAIN)))
    assert sent["messages"][0]["content"] == "a?"
    assert sent["response_format"]["json_schema"]["schema"] == {"enum": ["?"]}


@both
def test_without_a_key_none_is_sent(client: Client) -> None:
    with serving(lambda hit: completion("spam")) as server:
        asyncio.run(client(target(server, api_key=""), limits()))
        assert "authorization" not in server.hits[0].headers


@both
@pytest.mark.parametrize(("answer", "told", "expected"), TROUBLES, ids=[told[:35] for _, told, _ in TROUBLES])
def test_trouble_reads_alike_and_is_met_once(client: Client, answer: Answer, told: str, expected: Fault) -> None:
    with serving(lambda hit: answer) as server:
        fault = asyncio.run(client(target(server), limits()))
        assert len(server.hits) == 1
    assert isinstance(fault, Fault)
    assert told in fault.sentence
    assert (fault.lasting, fault.wait, fault.crowded) == (expected.lasting, expected.wait, expected.crowded)


@both
def test_a_server_that_is_not_there_reads_alike(client: Client) -> None:
    with serving(lambda hit: completion("x")) as server:
        gone = target(server)
    fault = asyncio.run(client(gone, limits()))
    assert isinstance(fault, Fault)
    assert "does not accept connections" in fault.sentence
    fault = asyncio.run(client(target(server, base_url="http://no-such-host.invalid/v1"), limits()))
    assert isinstance(fault, Fault)
    assert "host name is not known" in fault.sentence
    assert not fault.lasting


@both
def test_a_certificate_that_nobody_vouches_for_reads_alike(client: Client, tmp_path: Path) -> None:
    with serving(lambda hit: completion("x"), self_signed(tmp_path)) as server:
        fault = asyncio.run(client(target(server), limits()))
        assert server.hits == []
    assert isinstance(fault, Fault)
    assert "TLS certificate that cannot be verified" in fault.sentence
    assert fault.lasting


NOWHERE = ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "[64:ff9b::7f00:1]"]


def refused_by(client: Client, at: Target, within: Limits) -> str:
    """The sentence by which an address is refused, whichever way a client tells it."""
    try:
        fault = asyncio.run(client(at, within))
    except EndpointFailure as failure:
        fault = Fault(str(failure), lasting=failure.lasting)
    assert isinstance(fault, Fault)
    assert fault.lasting
    return fault.sentence


@both
@pytest.mark.parametrize("host", NOWHERE)
def test_an_address_that_the_policy_forbids_is_not_touched(client: Client, host: str) -> None:
    """Whether it is written out, in whatever form, or a name that leads there."""
    with serving(lambda hit: completion("x")) as server:
        port = server.base_url.rpartition(":")[2]
        wrong = target(server, base_url=f"http://{host}:{port}")
        assert "private or reserved address" in refused_by(client, wrong, limits(policy=Policy()))
        assert server.connections == 0


@both
@pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]"])
def test_link_local_is_refused_whatever_the_policy(client: Client, host: str) -> None:
    everything = Policy(allow_private=True, allowed=("0.0.0.0/0", "::/0", host.strip("[]")))
    at = Target("e1", f"http://{host}/v1", KEY, "small")
    assert "private or reserved address" in refused_by(client, at, limits(policy=everything))


def test_the_hot_path_loads_neither_the_openai_client_nor_numbers() -> None:
    heavy = ["numpy", "scipy", "sklearn", "openai"]
    script = "import sys, json, app.gateway.client; print(json.dumps([n for n in sys.argv[1:] if n in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", script, *heavy], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
