"""The generator that misbehaves as real ones do: each way for some seed, and a decent prompt now and then."""

from collections import Counter
from collections.abc import Iterator

import httpx2
import pytest

from app.domain.improving.asks import Refusal, Reply
from app.domain.improving.briefs import read_proposal
from app.domain.improving.candidates import refuse
from app.domain.prompts import placeholders
from tests.practice.asking import LIMIT, START, SUFFIX, brief, examples_in, proposal
from tests.practice.serving import ask, finish, said, serving

SEEDS = range(60)


@pytest.fixture(scope="module")
def client() -> Iterator[httpx2.Client]:
    with serving() as client:
        yield client


def _outcome(written: str | Refusal) -> str:
    refused = written if isinstance(written, Refusal) else refuse(written, placeholders(START), LIMIT, frozenset(), b"")
    return refused.rule if refused else "valid"


def test_it_breaks_every_rule_for_some_seed_and_none_for_others(client: httpx2.Client) -> None:
    outcomes = Counter(_outcome(proposal(client, "trickster-v1", brief(), seed)) for seed in SEEDS)
    assert set(outcomes) == {"valid", "cut_off", "two_blocks", "placeholder_lost", "placeholder_invented"}
    assert outcomes["valid"] >= len(SEEDS) // 3


def test_a_cut_off_reply_says_length_and_leaves_its_block_open(client: httpx2.Client) -> None:
    replies = [ask(client, "trickster-v1", *brief(), seed=seed) for seed in SEEDS]
    cut = [said(reply) for reply in replies if finish(reply) == "length"]
    assert cut
    assert all(f"</prompt-{SUFFIX}>" not in text for text in cut)


def test_it_chatters_around_a_block_that_can_still_be_read(client: httpx2.Client) -> None:
    replies = [said(ask(client, "trickster-v1", *brief(), seed=seed)) for seed in SEEDS]
    chatty = [text for text in replies if not text.rstrip().endswith(">") and text.count(f"<prompt-{SUFFIX}>") == 1]
    read = [read_proposal(Reply(text, True), SUFFIX) for text in chatty if f"</prompt-{SUFFIX}>" in text]
    assert read
    assert all(isinstance(prompt, str) and examples_in(prompt) for prompt in read)
