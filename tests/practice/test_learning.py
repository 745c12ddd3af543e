"""Real headroom and honest absence of it: what worked examples do to the scholar on real labelled sets."""

import json
from collections.abc import Iterator
from random import Random

import httpx2
import pytest
from sklearn.metrics import f1_score

from tests.conftest import data_folder
from tests.practice.serving import accuracy, ask, said, serving

Rows = list[tuple[str, str]]


@pytest.fixture(scope="module")
def client() -> Iterator[httpx2.Client]:
    with serving() as client:
        yield client


def _rows(name: str, seed: int = 1) -> Rows:
    lines = (data_folder() / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [(row["input"], row["label"]) for row in map(json.loads, lines)]
    Random(seed).shuffle(rows)
    return rows


def _prompt(rows: Rows, worked: Rows) -> str:
    labels = "\n".join(f"- {name}" for name in sorted({label for _, label in rows}))
    pairs = "".join(f"Input: {' '.join(text[:300].split())}\nLabel: {label}\n\n" for text, label in worked)
    return f"Give each text one label.\n\nLabels:\n{labels}\n\n{pairs}Input: {{{{input}}}}\nLabel:"


@pytest.mark.parametrize(
    ("name", "least_gain"), [("trec6", 0.15), ("snips_intents", 0.15), ("prompt_attacks", 0.25), ("sms_spam", 0.15)]
)
def test_forty_worked_examples_teach_the_scholar(client: httpx2.Client, name: str, least_gain: float) -> None:
    rows = _rows(name)
    tested, worked = rows[:200], rows[200:240]
    before = accuracy(client, "scholar-v1", _prompt(rows, []), tested)
    after = accuracy(client, "scholar-v1", _prompt(rows, worked), tested)
    assert after - before >= least_gain, (before, after)


def test_shuffled_labels_teach_nothing(client: httpx2.Client) -> None:
    rows = _rows("snips_intents")
    labels = [label for _, label in rows]
    Random(2).shuffle(labels)
    rows = [(text, label) for (text, _), label in zip(rows, labels, strict=True)]
    after = accuracy(client, "scholar-v1", _prompt(rows, rows[200:240]), rows[:200])
    assert after < 0.25


def test_worked_examples_do_not_teach_what_sounds_right_in_russian(client: httpx2.Client) -> None:
    rows = _rows("rucola")
    prompt = _prompt(rows, rows[200:240])
    texts, labels = zip(*rows[:200], strict=True)
    answers = [said(ask(client, "scholar-v1", prompt.replace("{{input}}", text))) for text in texts]
    assert f1_score(labels, answers, average="macro") < 0.58
