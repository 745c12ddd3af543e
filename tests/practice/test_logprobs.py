"""Token probabilities: they are those of the choices behind a reply, spread over its tokens, and nothing else."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.practice.chances import Choice, Step, certain, drawing, heated, said, several, softmax
from app.practice.logprobs import VERY_UNLIKELY, token_entries

WORDS = st.text("abcrgo сэ日", min_size=1, max_size=9)


@st.composite
def choices(draw: st.DrawFn) -> Choice:
    texts = draw(st.lists(WORDS, min_size=1, max_size=6, unique=True))
    scores = draw(st.lists(st.floats(-30, 30), min_size=len(texts), max_size=len(texts)))
    chances = softmax(scores, 1.0)
    return Choice(tuple(texts), chances, chances.index(max(chances)))


@st.composite
def replies(draw: st.DrawFn) -> tuple[Step, ...]:
    """Objects with some fields, of which the values were chosen in any way."""
    steps = [certain("{")]
    for number, choice in enumerate(draw(st.lists(choices(), min_size=1, max_size=3))):
        taken = draw(st.integers(0, len(choice.texts) - 1))
        if choice.chances[taken] > 0:
            quoted = Choice(tuple(f'"{text}"' for text in choice.texts), choice.chances, choice.likely)
            steps += [certain(f'{"," if number else ""}"field {number}":'), Step(quoted, taken)]
    return (*steps, certain("}"))


def chance(entry: dict[str, Any]) -> float:
    return 0.0 if entry["logprob"] == VERY_UNLIKELY else math.exp(entry["logprob"])


@given(replies(), st.integers(0, 20))
def test_tokens_join_to_the_reply_and_their_probabilities_to_those_of_its_choices(
    steps: tuple[Step, ...], alternatives: int
) -> None:
    entries = token_entries(steps, alternatives, 10_000)
    assert b"".join(bytes(entry["bytes"]) for entry in entries) == said(steps).encode()
    whole = sum(math.log(step.choice.chances[step.taken]) for step in steps)
    assert sum(entry["logprob"] for entry in entries) == pytest.approx(whole, abs=1e-6)


@given(replies(), st.integers(1, 20))
def test_alternatives_are_sorted_and_hold_the_token_that_was_taken_and_at_most_all_there_is(
    steps: tuple[Step, ...], alternatives: int
) -> None:
    for entry in token_entries(steps, alternatives, 10_000):
        listed = entry["top_logprobs"]
        assert alternatives <= len(listed) <= alternatives + 1
        assert [one["logprob"] for one in listed] == sorted((one["logprob"] for one in listed), reverse=True)
        assert sum(map(chance, listed)) <= 1 + 1e-9
        assert len({(one["token"], *one["bytes"]) for one in listed}) == len(listed)
        assert {name: entry[name] for name in ("token", "logprob", "bytes")} in listed


@given(replies(), st.integers(0, 30))
def test_a_reply_that_is_cut_has_the_tokens_of_what_is_left(steps: tuple[Step, ...], length: int) -> None:
    entries = token_entries(steps, 2, length)
    assert b"".join(bytes(entry["bytes"]) for entry in entries) == said(steps)[:length].encode()


def test_labels_with_a_shared_beginning_share_its_token() -> None:
    choice = Choice(("cargo", "car", "bus"), (0.5, 0.3, 0.2), 0)
    first, second, closing = token_entries((certain('"'), Step(choice, 0), certain('"')), 3, 100)[1:]
    told = {one["token"]: round(chance(one), 6) for one in first["top_logprobs"]}
    assert (told["car"], told["bus"]) == (0.8, 0.2)
    assert {one["token"]: round(chance(one), 6) for one in second["top_logprobs"]} == {
        "go": 0.625,
        '"': 0.375,
        " the": 0,
    }
    assert chance(closing) == 1


def test_the_end_of_a_reply_is_an_alternative_without_bytes() -> None:
    entries = token_entries((Step(Choice(("cargo", "car"), (0.75, 0.25), 0), 0),), 2, 100)
    assert entries[1]["top_logprobs"][1] == {"token": "<|end|>", "logprob": math.log(0.25), "bytes": []}


def likely(choice: Choice) -> int:
    return choice.likely


@pytest.mark.parametrize(
    ("chances", "said_at_zero"),
    [((0.9, 0.1, 0.7), "a, c"), ((0.1, 0.2, 0.3), "none"), ((0.1, 0.2, 0.5), "c"), ((1.0, 1.0, 1.0), "a, b, c")],
)
def test_several_labels_are_those_that_hold(chances: tuple[float, ...], said_at_zero: str) -> None:
    assert said(list(several("abc", chances, likely, ", ", "none"))) == said_at_zero


@given(st.lists(st.floats(0.01, 0.99), min_size=1, max_size=6), st.integers(0, 63))
def test_a_set_of_labels_is_said_with_the_product_of_its_chances(chances: list[float], wanted: int) -> None:
    holds = [bool(wanted >> at & 1) for at in range(len(chances))]
    names = [str(at) for at in range(len(chances))]

    def draw(choice: Choice) -> int:
        left = [text.removeprefix(", ") for text in choice.texts]
        return next((at for at, text in enumerate(left) if text.isdigit() and holds[int(text)]), len(left) - 1)

    steps = list(several(names, chances, draw, ", ", "none"))
    product = math.prod(q if hold else 1 - q for q, hold in zip(chances, holds, strict=True))
    assert math.prod(step.choice.chances[step.taken] for step in steps) == pytest.approx(product)


def test_draws_follow_the_chances_and_the_temperature_and_are_repeatable() -> None:
    choice = Choice(("a", "b"), (0.7, 0.3), 0)

    def share(temperature: float, make: Callable[[int], Any] = lambda seed: seed) -> float:
        taken = [drawing(temperature, make(seed), ["text"])(choice) for seed in range(2000)]
        return taken.count(1) / len(taken)

    assert share(0.0) == share(1.0, lambda seed: None) == 0
    assert share(1.0) == pytest.approx(0.3, abs=0.04) == share(1.0)
    assert share(2.0) == pytest.approx(0.396, abs=0.04)
    assert heated((0.7, 0.3), 2.0)[1] == pytest.approx((0.3 / 0.7) ** 0.5)
