"""Two texts compared by their embeddings over the hot wire: what is sent, the cosine, and every kind of trouble."""

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from app.domain.capabilities import findings
from app.errors import EndpointFailure
from app.gateway.allowing import estimate
from app.gateway.calls import Purchase, Request
from app.gateway.embedding import cosine
from app.gateway.guard import Policy
from app.gateway.probe import probe
from app.gateway.wire import LARGEST_REPLY
from tests.gateway.counter import KEY, Counter, ask, limits, target
from tests.gateway.scripted import Answer, Hit, Script, Server, completion, refusal, serving

PAIR = ("the cat sat", "a cat sat down")
AGAIN = limits(call_attempts=2)


def compare(server: Server, key: str = "q", pair: tuple[str, str] = PAIR, **changes: Any) -> Request:
    return ask(key, target(server), messages=(), compared=pair, **changes)


def embeddings(*vectors: Any, places: Sequence[Any] | None = None, **changes: Any) -> Answer:
    """A usual reply of /embeddings."""
    told = range(len(vectors)) if places is None else places
    data = [{"object": "embedding", "index": at, "embedding": v} for at, v in zip(told, vectors, strict=True)]
    usage = {"prompt_tokens": 8, "total_tokens": 8}
    return Answer(body={"object": "list", "data": data, "model": "served-embedder", "usage": usage, **changes})


def always(answer: Answer) -> Script:
    return lambda hit: answer


def bought(server: Server, **changes: Any) -> Purchase:
    counter = Counter()
    assert counter.buy([compare(server, **changes)])
    return counter.bought[0]


def failure(server: Server, counter: Counter | None = None) -> str:
    """The sentence of the run that could not buy it."""
    counter = counter or Counter()
    with pytest.raises(EndpointFailure) as raised:
        counter.buy([compare(server)], AGAIN)
    assert all(not one.ok for one in counter.bought)
    return str(raised.value)


def test_two_texts_are_sent_and_their_cosine_comes_back() -> None:
    with serving(lambda hit: embeddings([1.0, 0, 0], [1, 1, 0])) as server:
        purchase = bought(server)
        (hit,) = server.hits
    assert (hit.method, hit.path) == ("POST", "/v1/embeddings")
    assert hit.body == {"model": "small", "input": list(PAIR), "encoding_format": "float"}
    assert hit.headers["authorization"] == f"Bearer {KEY}"
    assert (purchase.text, purchase.model, purchase.finish_reason) == ("0.707107", "served-embedder", "")
    assert (purchase.prompt_tokens, purchase.completion_tokens, purchase.attempts) == (8, 0, 1)
    assert (purchase.logprobs, purchase.used_format) == (None, "")


READ: list[tuple[Answer, str]] = [
    (embeddings([0.5, 0.5], [0.5, 0.5]), "1.000000"),
    (embeddings([1, 0], [-3, 0]), "-1.000000"),
    (embeddings([1, 0], [0, -1e-300]), "0.000000"),
    (embeddings([1e308, 1e308], [1e308, 0]), "0.707107"),
    (embeddings([5e-324, 0], [5e-324, 5e-324]), "0.707107"),
    (embeddings([3, 4], [4, 3], places=[1, 0]), "0.960000"),
    (embeddings([3, 4], [4, 3], places=[None, None]), "0.960000"),
    (embeddings([3, 4], [4, 3], usage=None), "0.960000"),
    (embeddings([3, 4], [4, 3], usage={"prompt_tokens": True, "completion_tokens": -1}), "0.960000"),
]


@pytest.mark.parametrize(("answer", "text"), READ)
def test_vectors_of_any_length_in_any_order_have_a_cosine(answer: Answer, text: str) -> None:
    with serving(lambda hit: answer) as server:
        purchase = bought(server)
    assert (purchase.text, purchase.completion_tokens) == (text, 0)


def test_tokens_are_unknown_only_where_the_server_does_not_tell_them() -> None:
    with serving(lambda hit: embeddings([1], [1], usage={"prompt_tokens": 3, "completion_tokens": 2})) as server:
        assert (bought(server).prompt_tokens, bought(server).completion_tokens) == (3, 2)
    with serving(lambda hit: embeddings([1], [1], usage="none")) as server:
        assert (bought(server).prompt_tokens, bought(server).completion_tokens) == (None, 0)


USELESS: list[tuple[Answer, str]] = [
    (embeddings([1, 2], [1, 2, 3]), "embeddings of different lengths, 2 and 3 numbers"),
    (embeddings([0, 0.0], [1, 2]), "zero everywhere"),
    (embeddings([], []), "no list of numbers"),
    (embeddings("AACAPwAA", "AACAPwAA"), "no list of numbers"),
    (embeddings([1, None], [1, 2]), "no list of numbers"),
    (embeddings([1, True], [1, 2]), "no list of numbers"),
    (embeddings([1, 10**400], [1, 2]), "not finite"),
    (embeddings([1, math.nan], [1, 2]), "not finite"),
    (embeddings([1, math.inf], [1, 2]), "not finite"),
    (embeddings([1] * 70_000, [1] * 70_000), "70000 numbers, more than any can have"),
    (embeddings([1, 2]), "1 embeddings for two texts"),
    (embeddings([1], [1], [1]), "3 embeddings for two texts"),
    (embeddings([1, 2], [3, 4], places=[0, 0]), "do not say which text"),
    (embeddings([1, 2], [3, 4], places=[0, 7]), "do not say which text"),
    (embeddings([1, 2], [3, 4], places=[0, None]), "do not say which text"),
    (embeddings([1, 2], [3, 4], places=[[], {}]), "do not say which text"),
    (Answer(body={"data": {"embedding": [1]}}), "without embeddings"),
    (Answer(body={"data": ["a", "b"]}), "without embeddings"),
    (Answer(body={"error": {"message": "no such thing here"}}), "without embeddings"),
    (completion("hello"), "without embeddings"),
    (Answer(200, b'{"data": [{"embed'), "sent broken JSON"),
    (Answer(200, b"<html>hello</html>"), "answers with a web page"),
    (Answer(200, b"[1, 2]"), "JSON that is no answer"),
    (Answer(200, b"[" * 100_000), "broken JSON"),
    (Answer(200, b" " * (LARGEST_REPLY + 1)), "broke the connection"),
]


@pytest.mark.parametrize(("answer", "told"), USELESS, ids=[f"{at} {told[:30]}" for at, (_, told) in enumerate(USELESS)])
def test_what_has_no_cosine_is_a_fault_with_a_sentence(answer: Answer, told: str) -> None:
    with serving(lambda hit: answer) as server:
        counter = Counter()
        said = failure(server, counter)
        assert len(server.hits) == counter.bought[0].attempts == 2, "it is asked again like any other"
    assert told in said
    assert counter.bought[0].text == ""


def test_a_server_without_embeddings_is_told_about_in_plain_words() -> None:
    words = "This server does not support embeddings. Start it with `--embeddings`"
    for answer in (Answer(404, b"<h1>no</h1>"), refusal(405, "Method Not Allowed"), refusal(501, words)):
        with serving(always(answer)) as server:
            said = failure(server)
            assert len(server.hits) == 1, "asking again would not help"
        assert f"gives no embeddings: /v1/embeddings does not exist on that server ({answer.status})" in said
        assert "choose a model that gives embeddings" in said
    assert "--embeddings" in said
    with serving(lambda hit: refusal(404, "The model `small` does not exist.")) as server:
        assert "there is no such model (404)" in failure(server)


@pytest.mark.parametrize(
    "trouble", [refusal(429, "slow", {"Retry-After-Ms": "20"}), refusal(500, "oops"), Answer(drop=True)]
)
def test_a_passing_trouble_is_asked_again_and_every_attempt_is_counted(trouble: Answer) -> None:
    with serving(lambda hit: trouble if hit.number < 3 else embeddings([1, 0], [1, 0])) as server:
        counter = Counter()
        assert counter.buy([compare(server)])
        assert len(server.hits) == 3
    assert (counter.bought[0].text, counter.bought[0].attempts, counter.permitted) == ("1.000000", 3, 3)


def test_a_server_that_stays_broken_fails_the_call_and_a_row_of_them_ends_the_run() -> None:
    with serving(lambda hit: refusal(500, "oops")) as server:
        assert "had a fault of its own (500)" in failure(server)
        counter, many = Counter(), [compare(server, f"q{n}") for n in range(40)]
        with pytest.raises(EndpointFailure, match="no more were started"):
            counter.buy(many, limits(call_attempts=1, in_flight=2))
        assert counter.permitted < 15


def test_one_that_hangs_is_given_up_at_the_deadline() -> None:
    slow, short = replace(embeddings([1], [1]), delay=30.0), limits(call_deadline=0.4, call_attempts=1)
    with serving(lambda hit: slow) as server, pytest.raises(EndpointFailure, match="did not answer"):
        Counter().buy([compare(server)], short)


def test_a_refusal_for_content_is_an_answer_without_a_cosine() -> None:
    with serving(lambda hit: refusal(400, "This model's maximum context length is 8192 tokens.")) as server:
        purchase = bought(server)
    assert (purchase.ok, purchase.text, purchase.finish_reason) == (True, "", "context_length")


def test_a_refused_form_is_left_out_and_remembered() -> None:
    def script(hit: Hit) -> Answer:
        if "encoding_format" in hit.body:
            return refusal(400, "Unknown parameter: 'encoding_format'.", param="encoding_format")
        return embeddings([1, 0], [1, 0])

    with serving(script) as server:
        counter = Counter()
        assert counter.buy([compare(server)])
        assert server.hits[1].body == {"model": "small", "input": list(PAIR)}
    assert counter.lessons == [("e1", frozenset({"encoding_format"}), ())]


def test_no_forbidden_address_is_asked_for_embeddings() -> None:
    with serving(lambda hit: embeddings([1], [1])) as server:
        with pytest.raises(EndpointFailure, match="private or reserved address"):
            Counter().buy([compare(server)], limits(policy=Policy()))
        assert server.connections == 0


def test_completions_and_comparisons_share_one_run_and_one_wire() -> None:
    def script(hit: Hit) -> Answer:
        return completion("spam") if hit.path.endswith("/chat/completions") else embeddings([3, 4], [4, 3])

    with serving(script) as server:
        counter = Counter()
        asked = [compare(server, "a"), ask("b", target(server)), compare(server, "c", ("a\ud800", "ы"))]
        assert counter.buy(asked, limits(in_flight=1))
        assert server.connections == 1
    assert {key: one.text for key, one in counter.by_key.items()} == {"a": "0.960000", "b": "spam", "c": "0.960000"}


def test_what_a_comparison_may_use_is_counted_by_its_texts_alone() -> None:
    with serving(lambda hit: embeddings([1], [1])) as server:
        assert estimate(compare(server, pair=("a" * 40, "b" * 40), max_tokens=900)) == 20


def test_a_cosine_does_not_depend_on_which_text_comes_first() -> None:
    left, right = [0.1 * n for n in range(1, 50)], [math.sin(n) for n in range(1, 50)]
    assert cosine(left, right) == cosine(right, left)
    assert json.loads(f"{cosine(left, left):.6f}") == 1.0


def test_the_probe_of_an_embedder_asks_for_embeddings_once_and_nothing_else() -> None:
    def script(hit: Hit) -> Answer:
        if hit.method == "GET":
            return Answer(body={"data": [{"id": "small", "context_length": 512}]})
        return embeddings([3, 4], [4, 3])

    with serving(script) as server:
        probed = probe(target(server), limits(), embeds=True)
        assert [hit.path for hit in server.hits if hit.method == "POST"] == ["/v1/embeddings"]
    assert probed.fault is None
    assert [(one.name, one.state) for one in findings(probed.capabilities)] == [
        ("embeddings", "yes"), ("token counts", "yes"), ("context size", "yes"),
    ]  # fmt: skip
    assert (probed.asked[0].purchase.text, probed.capabilities.context) == ("0.960000", 512)


def test_the_probe_of_what_gives_no_embeddings_says_so() -> None:
    with serving(lambda hit: Answer(404, b"")) as server:
        probed = probe(target(server), replace(limits(), call_deadline=5.0), embeds=True)
    assert probed.fault is not None
    assert "gives no embeddings" in probed.fault.sentence
