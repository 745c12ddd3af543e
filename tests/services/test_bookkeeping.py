"""What a wish is called, may use at most and leaves in the log: completions as ever, and texts that are compared."""

from dataclasses import replace

import pytest

from app.domain.improving.asks import Message, Sampling
from app.gateway.calls import Purchase, ReplyFormat, Target
from app.services.bookkeeping import ENVELOPE, Errand, Wish, at_most, call_row, request_of
from app.storage.answers import unpack_body
from app.storage.base import now
from app.storage.endpoints import Endpoint, Provider
from app.storage.prices import Price

AT = Target("e", "https://a.example/v1", "", "small")
SAID = (Message("system", "Be brief."), Message("user", "Привет {x}"))
FORM = ReplyFormat.of("reply", {"type": "object", "properties": {"ответ": {"type": "string"}}})
PLAIN = Wish("e", SAID, Sampling(0.0, 64), "task")
COMPARED = Wish("e", (), Sampling(0.0, 64), "grade", compared=("кот sk-secret-1234567", "a cat"))

KNOWN = {
    "a5c10236f5248e7d064193809730367999715230d50665d90aff55228ac9105d": PLAIN,
    "17a9fb3839104c14a8471971e2ce629d1fa8a4fd751829956d40875cd6a92945": replace(
        PLAIN, sampling=Sampling(0.7, 64, 5), owner="o", sample=3
    ),
    "cf6acd28ff512bf4de663f8fb172ff06715906c1d14ca4de5d57a46f67401f6f": replace(
        PLAIN, reply_format=FORM, top_logprobs=5
    ),
    "fc4c940c3394351b3fcdfc4dfa82db4e1ce380d7d7016b58798128aafe45d7f0": replace(PLAIN, top_logprobs=0),
}


@pytest.mark.parametrize(("known", "wish"), KNOWN.items())
def test_answers_that_were_bought_before_are_found_again(known: str, wish: Wish) -> None:
    assert wish.request_hash(AT) == known


def test_a_comparison_is_known_by_its_two_texts_and_its_endpoint_alone() -> None:
    known = COMPARED.request_hash(AT)
    first, second = COMPARED.compared or ("", "")
    same = replace(COMPARED, messages=SAID, sampling=Sampling(1.0, 9, 3), compared=(second, first))
    assert same.request_hash(AT) == known
    others = [
        replace(COMPARED, compared=(first, first)).request_hash(AT),
        COMPARED.request_hash(replace(AT, model="large")),
        COMPARED.request_hash(replace(AT, base_url="https://b.example/v1")),
        replace(COMPARED, compared=None).request_hash(AT),
    ]
    assert len({known, *others}) == 5


def endpoint(price_in: int | None, price_out: int | None) -> Endpoint:
    price = Price(id=1, valid_from=now(), price_in=price_in, price_out=price_out)
    return Endpoint(id="e", name="small", prices=[price], provider=Provider(name="lab", base_url=AT.base_url))


def test_a_comparison_uses_the_bytes_of_its_texts_and_no_token_out() -> None:
    request = request_of("k", COMPARED, AT)
    assert request.compared == COMPARED.compared
    sent = sum(len(text.encode()) + ENVELOPE for text in request.compared or ())
    most = at_most(request, [endpoint(1_000_000, 5_000_000)])
    assert (most.calls, most.tokens, most.cost) == (1, sent, sent)


@pytest.mark.parametrize(("example", "holdout", "kept"), [(None, False, True), (7, False, True), (7, True, False)])
def test_the_log_keeps_what_was_compared_without_keys_and_nothing_of_sealed_examples(
    example: int | None, holdout: bool, kept: bool
) -> None:
    asked, wish = endpoint(1_000_000, 0), replace(COMPARED, example_id=example)
    bought = Purchase("k", "e", "e", True, "0.250000", prompt_tokens=9, completion_tokens=0)
    row = call_row(bought, "hash", wish, Errand(holdout=holdout), asked, asked, "sk-secret-1234567")
    reply, said = unpack_body(row["body"])
    assert (reply, row["cost"]) == ("0.250000", 9)
    assert said == ([("first text", "кот [key]"), ("second text", "a cat")] if kept else None)


@pytest.mark.parametrize(
    ("cached", "price_cached", "cost"),
    [
        (800, 250_000, 200 + 200 + 50),
        (None, 250_000, 1_000 + 50),
        (800, None, 1_000 + 50),
        (5_000, 250_000, 250 + 50),
        (800, 9_000_000, 1_000 + 50),
    ],
    ids=["cheaper", "not said", "no price of their own", "more than there were", "never dearer than reserved"],
)
def test_tokens_from_a_cache_cost_what_they_cost(cached: int | None, price_cached: int | None, cost: int) -> None:
    asked = endpoint(1_000_000, 5_000_000)
    asked.prices[0].price_cached_in = price_cached
    bought = Purchase("k", "e", "e", True, "x", prompt_tokens=1_000, completion_tokens=10, cached_tokens=cached)
    row = call_row(bought, "hash", PLAIN, Errand(), asked, asked, "")
    assert (row["cost"], row["tokens_cached"], row["price_cached_in"]) == (cost, cached, price_cached)
