"""Replies in a form, with probabilities, over HTTP: the same verdicts as in plain text, and honest about their chances."""

import json
import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest

from app.demo.labelled import DEMO_FILE
from tests.practice.serving import ask, said, serving

MODELS = ("scholar-v1", "skimmer-v1", "chatterbox-v1")
LABELS = ("billing", "billboard", "delivery", "other")
SHOP = """Messages to a shop.

Labels:
- billing: about money, a refund, an invoice
- billboard: about our advertising
- delivery: parcel, courier, late
- other

Input: {}
Label:"""
TEXTS = (
    "where is my refund",
    "the parcel is late",
    "your invoice is wrong, and the courier too",
    "a word about лампа 💡",
)
CHECKS = """Check the message.

- rude: insults, swears, shouts at somebody
- refund: wants the money back
- urgent: needs it now, today, at once

Input: {}"""


@pytest.fixture(scope="module")
def client() -> Iterator[httpx2.Client]:
    with serving() as client:
        yield client


def form(**properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return {"type": "json_schema", "json_schema": {"name": "reply", "strict": True, "schema": schema}}


ONE_LABEL = form(label={"type": "string", "enum": list(LABELS)})
YES_NO = {"type": "boolean"}


@pytest.mark.parametrize("name", MODELS)
def test_a_label_in_a_form_is_the_label_in_plain_text(client: httpx2.Client, name: str) -> None:
    alone = SHOP.replace("Input:", "Answer with the label alone.\n\nInput:")
    for text in TEXTS:
        plain = said(ask(client, name, alone.format(text)))
        assert said(ask(client, name, alone.format(text), response_format=ONE_LABEL)) == f'{{"label":"{plain}"}}'


def test_the_demo_set_is_labelled_alike_in_a_form(client: httpx2.Client) -> None:
    rows = [json.loads(line) for line in DEMO_FILE.read_text().splitlines()[:40]]
    labels = sorted({row["label"] for row in rows})
    prompt = "Labels:\n" + "\n".join(f"- {label}" for label in labels) + "\n\nInput: {}\nLabel:"
    wanted = form(label={"type": "string", "enum": labels[::-1]})
    for row in rows:
        plain = said(ask(client, "scholar-v1", prompt.format(row["input"])))
        assert json.loads(said(ask(client, "scholar-v1", prompt.format(row["input"]), response_format=wanted))) == {
            "label": plain
        }


def test_fields_come_in_the_order_of_the_schema_with_a_quote_that_is_in_the_input(client: httpx2.Client) -> None:
    wanted = form(
        quote={"type": "string"},
        reasoning={"type": "string"},
        label={"type": "string", "enum": list(LABELS)},
        confidence={"type": "number"},
        count={"type": "integer"},
        nothing={"type": "null"},
    )
    text = "Good morning. The parcel is late! Bye."
    reply = json.loads(said(ask(client, "scholar-v1", SHOP.format(text), response_format=wanted)))
    assert list(reply) == ["quote", "reasoning", "label", "confidence", "count", "nothing"]
    assert reply["quote"] == "The parcel is late!"
    assert "parcel" in reply["reasoning"]
    assert reply["label"] == "delivery"
    assert 0 <= reply["confidence"] <= 1
    assert (type(reply["count"]), reply["nothing"]) == (int, None)


@pytest.mark.parametrize(
    ("text", "true"),
    [
        ("lovely weather", set()),
        ("I want the money back", {"refund"}),
        ("he swears and shouts insults", {"rude"}),
        ("I needs the money back today, at once", {"refund", "urgent"}),
    ],
)
def test_a_checklist_is_decided_by_what_is_said_of_each_field(client: httpx2.Client, text: str, true: set[str]) -> None:
    names = ("rude", "refund", "urgent")
    wanted = form(**dict.fromkeys(names, YES_NO))
    reply = json.loads(said(ask(client, "scholar-v1", CHECKS.format(text), response_format=wanted)))
    assert {name for name in names if reply[name]} == true
    listed = form(tags={"type": "array", "items": {"type": "string", "enum": list(names)}})
    assert set(json.loads(said(ask(client, "scholar-v1", CHECKS.format(text), response_format=listed)))["tags"]) == true


def test_a_yes_or_no_is_learned_from_worked_examples(client: httpx2.Client) -> None:
    prompt = "Is it an advert?\n\nInput: win a prize now\nAnswer: yes\n\nInput: lunch at noon\nAnswer: no\n\nInput: {}"
    replies = [
        said(ask(client, "scholar-v1", prompt.format(text), response_format=form(advert=YES_NO)))
        for text in ("win a big prize", "lunch with mum at noon")
    ]
    assert replies == ['{"advert":true}', '{"advert":false}']


def test_codes_stand_for_their_labels(client: httpx2.Client) -> None:
    added = "\n\nAnswer with the code of one label alone, without any other word. The codes are:\n"
    added += "\n".join(f"{code}: {label}" for code, label in zip("ABCD", LABELS, strict=True))
    for text in TEXTS:
        plain = said(ask(client, "scholar-v1", SHOP.format(text)))
        assert said(ask(client, "scholar-v1", SHOP.format(text) + added)) == "ABCD"[LABELS.index(plain)]


def test_several_labels_are_said_only_when_several_are_asked_for(client: httpx2.Client) -> None:
    several = CHECKS.replace(
        "Input:", "Answer with all labels that apply, with commas between them, or none.\n\nInput:"
    )
    several = several.replace("- rude", "Labels:\n- rude")
    replies = [
        said(ask(client, "scholar-v1", several.format(text)))
        for text in ("I needs the money back today, at once", "he swears and shouts insults", "lovely weather")
    ]
    assert replies == ["refund, urgent", "rude", "none"]


def test_an_object_that_words_describe_is_given_and_chattered_about(client: httpx2.Client) -> None:
    added = """

Answer with one JSON object and write nothing after it. It has exactly these fields, in this order:
- "reasoning": text, one to three short sentences that lead to the answer
- "label": one of billing, billboard, delivery, other
- "late": true or false; whether something is late
- "confidence": an object that has for each of "label", "late" a number from 0 to 1, the probability that it is right"""
    loose = said(ask(client, "chatterbox-v1", SHOP.format("the parcel is late") + added))
    opening, _, rest = loose.partition("\n")
    assert opening == "Sure, here it is:"
    reply = json.loads(rest)
    assert list(reply) == ["reasoning", "label", "late", "confidence"]
    assert (reply["label"], type(reply["late"])) == ("delivery", bool)
    assert reply["confidence"].keys() == {"label", "late"}
    in_json = {"type": "json_object"}
    assert json.loads(said(ask(client, "scholar-v1", SHOP.format("a parcel") + added, response_format=in_json)))[
        "label"
    ]
    assert json.loads(said(ask(client, "scholar-v1", "Greet me in JSON.", response_format=in_json)))


def test_a_line_for_each_field_is_given_when_it_is_asked_for(client: httpx2.Client) -> None:
    prompt = (
        "Answer with one line for each field, of the form field: value, and no other line: "
        "tone (rude, polite, neutral); urgent (true, false)\n\nInput: a polite word"
    )
    assert said(ask(client, "scholar-v1", prompt)) == "tone: polite\nurgent: false"


def chances_of(response: httpx2.Response) -> list[dict[str, Any]]:
    choice = response.json()["choices"][0]
    told: list[dict[str, Any]] = choice["logprobs"]["content"]
    assert b"".join(bytes(one["bytes"]) for one in told) == choice["message"]["content"].encode()
    return told


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("wanted", [None, ONE_LABEL])
def test_the_likeliest_label_is_said_and_its_tokens_have_its_probability(
    client: httpx2.Client, name: str, wanted: dict[str, Any] | None
) -> None:
    """The votes of many draws at temperature 1 agree with the probability that is told."""
    prompt, form_of = SHOP.format("your invoice is wrong, and the courier too"), {"response_format": wanted}
    told = chances_of(ask(client, name, prompt, logprobs=True, top_logprobs=20, **form_of))
    chance = math.exp(sum(one["logprob"] for one in told))
    likeliest = said(ask(client, name, prompt, **form_of))
    votes = Counter(said(ask(client, name, prompt, temperature=1, seed=seed, **form_of)) for seed in range(300))
    assert votes.most_common(1)[0][0] == likeliest
    assert votes[likeliest] / 300 == pytest.approx(chance, abs=0.09)


def test_probabilities_do_not_depend_on_the_temperature_or_the_draw(client: httpx2.Client) -> None:
    prompt = SHOP.format("your invoice is wrong, and the courier too")
    first = [
        chances_of(ask(client, "scholar-v1", prompt, logprobs=True, top_logprobs=20, temperature=heat, seed=seed))[0]
        for heat, seed in ((0, 1), (1, 1), (2, 2), (0.5, 3))
    ]
    assert all(one["top_logprobs"] == first[0]["top_logprobs"] for one in first)


def test_the_openai_client_reads_the_probabilities_and_a_cut_reply_has_those_of_what_is_left() -> None:
    with serving() as client, openai.OpenAI(base_url=f"{client.base_url}/v1", api_key="none") as customer:
        answer = customer.chat.completions.create(
            model="scholar-v1",
            messages=[{"role": "user", "content": SHOP.format("лампа")}],
            logprobs=True,
            top_logprobs=3,
            max_completion_tokens=1,
            temperature=0,
        )
        choice = answer.choices[0]
        assert choice.logprobs is not None
        assert choice.logprobs.content is not None
        assert choice.message.content is not None
        told = b"".join(bytes(one.bytes or []) for one in choice.logprobs.content)
        assert told == choice.message.content.encode()
        assert len(choice.message.content) <= 4
        assert all(len(one.top_logprobs) == 3 for one in choice.logprobs.content)


def test_without_being_asked_no_probabilities_come_and_generators_have_none(client: httpx2.Client) -> None:
    assert "logprobs" not in ask(client, "scholar-v1", SHOP.format("x")).json()["choices"][0]
    assert "logprobs" not in ask(client, "exemplar-v1", "hi", logprobs=True).json()["choices"][0]
