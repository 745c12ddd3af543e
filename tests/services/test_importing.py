"""What a file becomes when it is brought in: splits and sealed words over all that a model will see."""

import json
from collections.abc import Callable

from app.domain.overlap import copied_gram
from app.services.importing import Choices, Prepared, prepare
from app.settings import Settings

WORDS = ("delivery", "refund", "parcel", "broken", "late", "invoice", "password", "login", "crash", "slow")
PROMPT = "Read {{context}} and label {{input}}"


def prepared(context: Callable[[int], str]) -> Prepared:
    """240 different short inputs, each with a context of its own, that the prompt shows."""
    rows = [
        {
            "input": f"{WORDS[i % 10]} {WORDS[i // 10 % 10]} {WORDS[i // 7 % 10]} {i * 7919}",
            "label": "order" if i % 10 < 5 else "access",
            "context": context(i),
        }
        for i in range(240)
    ]
    return prepare(Settings(), "\n".join(map(json.dumps, rows)).encode(), "file.jsonl", Choices(), PROMPT)


def test_the_words_of_a_variable_are_sealed_like_those_of_the_input() -> None:
    found = prepared(lambda i: f"note{i} " + " ".join(f"word{i}x{place}" for place in range(9)))
    for example in found.imported.examples:
        copied = copied_gram(f"For instance: {example.variables['context']}", found.forbidden)
        sealed = found.placements[example.key].split != "train"
        assert (copied is not None) == sealed


def test_examples_whose_long_variables_repeat_each_other_stay_in_one_split() -> None:
    story = " ".join(f"sentence {place} of a long story told twice" for place in range(60))
    found = prepared(lambda i: f"{story} about {i // 2}" if i < 2 else f"{i * 104729} " * 9)
    twins = [found.placements[e.key].split for e in found.imported.examples if e.variables["context"].startswith(story)]
    assert len(twins) == 2
    assert len(set(twins)) == 1
    assert found.near_duplicates == 1
