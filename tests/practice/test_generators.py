"""The well-behaved generators, asked with the app's own meta-prompt: each one's habit, and what all of them keep."""

import json
from collections.abc import Iterator

import httpx2
import pytest

from app.domain.improving.candidates import refuse
from app.domain.prompts import fingerprint, placeholders
from tests.practice.asking import LIMIT, START, TRAIN, brief, examples_in, prompt_of
from tests.practice.serving import ask, finish, said, serving

GENERATORS = ("exemplar-v1", "describer-v1", "trimmer-v1", "combiner-v1")
SEEDS = range(1, 9)
TAUGHT = START.replace(
    "Input: {{input}}",
    "Worked examples:\n\nInput: the sofa came without legs\nLabel: delivery\n\nInput: pay by card\nLabel: billing\n\n"
    "Input: {{input}}",
)
DESCRIBED = START.replace("- delivery", "- delivery: words such as van, doorstep")


@pytest.fixture(scope="module")
def client() -> Iterator[httpx2.Client]:
    with serving() as client:
        yield client


@pytest.mark.parametrize("name", GENERATORS)
@pytest.mark.parametrize("known", [(START,), (START, TAUGHT), (DESCRIBED, START, TAUGHT)])
def test_every_proposal_breaks_no_rule_of_the_app(client: httpx2.Client, name: str, known: tuple[str, ...]) -> None:
    tried = frozenset(fingerprint(text) for text in known)
    for seed in SEEDS:
        written = prompt_of(client, name, brief(known), seed)
        assert refuse(written, placeholders(START), LIMIT, tried, b"") is None
        assert written.endswith("Input: {{input}}\nLabel:")


@pytest.mark.parametrize("name", GENERATORS)
def test_a_reply_depends_on_seed_and_messages_alone(client: httpx2.Client, name: str) -> None:
    replies = [said(ask(client, name, *brief(), seed=seed)) for seed in SEEDS]
    with serving() as other:
        assert [said(ask(other, name, *brief(), seed=seed)) for seed in SEEDS] == replies
    assert len(set(replies)) > len(SEEDS) // 2


def test_the_exemplar_adds_shown_examples_wrong_ones_first_and_keeps_those_that_are_there(
    client: httpx2.Client,
) -> None:
    examples = examples_in(prompt_of(client, "exemplar-v1", brief((START, TAUGHT))))
    new, kept = examples[:-2], examples[-2:]
    assert kept == [("the sofa came without legs", "delivery"), ("pay by card", "billing")]
    assert all(TRAIN[text] == label for text, label in new)
    assert {text for text, _ in new[:6]} == set(list(TRAIN)[:6])


def test_the_exemplar_drops_the_oldest_examples_near_the_limit(client: httpx2.Client) -> None:
    limit = len(TAUGHT) + 250
    written = prompt_of(client, "exemplar-v1", brief((TAUGHT,), limit=limit))
    examples = examples_in(written)
    assert len(written) <= limit
    assert examples
    assert ("pay by card", "billing") not in examples


def test_the_exemplar_shortens_long_examples_and_disarms_placeholders(client: httpx2.Client) -> None:
    messages = list(brief())
    row = {"input": "{{card}} " + "money " * 200, "expected": "billing", "answered": "other"}
    messages[-1] = messages[-1].replace("## Your turn", f"{json.dumps(row)}\n\n## Your turn")
    written = prompt_of(client, "exemplar-v1", messages)
    texts = [text for text, _ in examples_in(written) if "money" in text]
    assert len(texts) == 1
    assert len(texts[0]) < 400
    assert placeholders(written) == placeholders(START)


def test_the_describer_writes_telling_words_into_the_descriptions(client: httpx2.Client) -> None:
    written = prompt_of(client, "describer-v1", brief((DESCRIBED,)))
    lines = {line[2:].split(":")[0]: line for line in written.split("\n") if line.startswith("- ")}
    assert lines["billing"].startswith("- billing: about money; words such as ")
    assert "courier" in lines["delivery"]
    assert "parcel" in lines["delivery"]
    assert lines["delivery"].endswith("van, doorstep")
    assert "courier" not in lines["billing"] + lines["other"]
    assert "отлично" in lines["other"]
    assert examples_in(written) == []


def test_the_trimmer_asks_for_the_label_alone_and_drops_what_is_said_twice(client: httpx2.Client) -> None:
    pair = "Input: two vouchers were taken at once now\nLabel: billing"
    twice = TAUGHT.replace("Input: {{input}}", f"{pair}\n\n{pair.replace('now', 'today')}\n\nInput: {{{{input}}}}")
    written = prompt_of(client, "trimmer-v1", brief((twice,)))
    assert "billing, delivery, other." in written
    assert "exactly as it is written above" not in written
    assert len([text for text, _ in examples_in(written) if text.startswith("two vouchers")]) == 1


def test_the_combiner_joins_examples_and_descriptions_of_the_best_prompts(client: httpx2.Client) -> None:
    written = prompt_of(client, "combiner-v1", brief((DESCRIBED, TAUGHT)))
    assert "words such as van, doorstep" in written
    assert {("the sofa came without legs", "delivery"), ("pay by card", "billing")} <= set(examples_in(written))


@pytest.mark.parametrize("name", GENERATORS)
def test_unreadable_answers_make_every_generator_ask_for_the_label_alone(client: httpx2.Client, name: str) -> None:
    chatter = dict.fromkeys(TRAIN, "I think this one is billing.")
    strict = prompt_of(client, name, brief(answered=chatter))
    sure = said(ask(client, "chatterbox-v1", strict.replace("{{input}}", "my refund is missing")))
    assert sure in {"billing", "delivery", "other"}


def test_the_exemplar_teaches_the_scholar(client: httpx2.Client) -> None:
    written = prompt_of(client, "exemplar-v1", brief())
    fresh = {"the courier lost my parcel": "delivery", "my card was charged twice": "billing"}
    assert {text: said(ask(client, "scholar-v1", written.replace("{{input}}", text))) for text in fresh} == fresh


@pytest.mark.parametrize("name", GENERATORS)
@pytest.mark.parametrize(
    "start",
    [
        "Topic: {{topic}}\n\nIs it billing, delivery or other?\n\nMessage:\n{{input}}\n\nAnswer with one label.",
        "Classify {{input}} as one of billing, delivery, other.",
        '"""\n{{input}}\n"""\nWrite billing, delivery or other. Mind {{topic}} and {{input}}.',
    ],
)
def test_placeholders_of_a_persons_own_prompt_stay_as_they_are(client: httpx2.Client, name: str, start: str) -> None:
    for seed in SEEDS:
        assert placeholders(prompt_of(client, name, brief((start,)), seed)) == placeholders(start)


@pytest.mark.parametrize("name", [*GENERATORS, "trickster-v1"])
def test_a_generator_without_a_brief_says_so_and_writes_no_block(client: httpx2.Client, name: str) -> None:
    reply = said(ask(client, name, "Write me a poem."))
    assert "<prompt-" not in reply


def test_a_generators_reply_is_cut_at_the_limit_like_any_other(client: httpx2.Client) -> None:
    response = ask(client, "exemplar-v1", *brief(), max_tokens=40)
    assert finish(response) == "length"
    assert "</prompt-" not in said(response)
