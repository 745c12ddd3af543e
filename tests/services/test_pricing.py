"""The price that is shown before anything is bought is never less than what is bought."""

from typing import Any

import pytest

from app.domain.answers import Label
from app.domain.answerspace import Answers
from app.domain.improving.asks import Shown
from app.domain.improving.briefs import Standing, Task, meta_prompt
from app.services import pricing
from app.services.pricing import Work, at_most
from app.settings import Settings
from app.storage.base import now
from app.storage.endpoints import Endpoint
from app.storage.prices import Price

ANSWERS = Answers("label", (Label("spam", "unwanted"), Label("ham")))
START = "Which? {{input}} Again: {{input}}"
WORK = Work("Sort letters.", ANSWERS, START, longest_example=1000)


def endpoint(price_in: int | None, price_out: int | None, dropped: tuple[str, ...] = ()) -> Endpoint:
    return Endpoint(
        name="m", prices=[Price(price_in=price_in, price_out=price_out, valid_from=now())], dropped=list(dropped)
    )


@pytest.fixture
def small() -> Settings:
    return Settings(prompt_limit=968, task_max_tokens=100, generator_max_tokens=1000, pool_size=2, show_wrong=1, show_right=1)  # fmt: skip


def test_no_request_to_a_generator_is_longer_than_the_price_supposes(settings: Settings) -> None:
    settings = settings.model_copy(update={"show_characters": 500})
    work = Work("Sort letters.", ANSWERS, "{{input}} {{context}}", longest_example=9000)
    task = Task(work.description, ANSWERS, "macro_f1", ("input", "context"), settings.prompt_limit)
    pool = [Standing("x" * settings.prompt_limit, 1.0, 0.0, 1.0, 300)] * settings.pool_size
    seen = Shown({"input": '"' * 500 + "…", "context": "\n" * 500 + "…"}, "spam", "\\" * 500 + "…", right=False)
    messages = meta_prompt(task, pool, [seen] * settings.show_wrong, [seen] * settings.show_right, "0123456789")
    sent = sum(len(message.content) for message in messages)
    assert sent <= pricing.brief(settings, work) <= 1.1 * sent


def test_a_request_to_the_task_model_has_every_placeholder_as_often_as_the_start_prompt(small: Settings) -> None:
    assert pricing.filled_prompt(small, WORK) == 968 + 2 * 1000
    assert pricing.filled_prompt(small, Work("", ANSWERS, "y" * 5000, 1000)) == 5000


MILLION = 1_000_000  # a price of one millionth for every token
ANSWER, PROPOSAL = 968 + 2000 + 32 + 100, 1000  # what a call costs at that price, a proposal by its reply alone


@pytest.mark.parametrize(
    ("writers", "calls", "rounds", "cost"),
    [
        ([(0, 0)], 4000, 20, 4000 * ANSWER),
        ([(0, 10 * MILLION)], 4000, 20, 3960 * ANSWER + 40 * 10 * PROPOSAL),
        ([(0, 0), (0, 10 * MILLION)], 4000, 20, 3960 * ANSWER + 40 * 10 * PROPOSAL),
        ([(0, 10 * MILLION)], 4000, 0, 4000 * 10 * PROPOSAL),
        ([(0, 10 * MILLION)], 30, 20, 30 * 10 * PROPOSAL),
        ([(0, 10 * MILLION), (None, None)], 4000, 20, None),
    ],
)
def test_every_call_of_the_cap_is_paid_and_each_round_has_its_dearest_proposals(
    small: Settings, writers: list[tuple[Any, Any]], calls: int, rounds: int, cost: int | None
) -> None:
    found = at_most(small, WORK, endpoint(MILLION, MILLION), [endpoint(*prices) for prices in writers], calls, rounds)
    if cost is None:
        assert found is None
    else:
        assert found is not None
        assert 0 <= found - cost < pricing.CENT
        assert found % pricing.CENT == 0


def test_the_least_money_is_a_cent_and_free_is_nothing(small: Settings) -> None:
    assert at_most(small, WORK, endpoint(1, 1), [endpoint(0, 0)], 1, 1) == pricing.CENT
    assert at_most(small, WORK, endpoint(0, 0), [endpoint(0, 0)], 4000, 0) == 0


def test_there_is_no_price_where_an_endpoint_takes_no_limit_on_its_replies(small: Settings) -> None:
    assert at_most(small, WORK, endpoint(1, 1, ("max_tokens",)), [endpoint(0, 0)], 10, 1) is None
    assert at_most(small, WORK, endpoint(1, 1, ("seed",)), [endpoint(0, 0, ("max_tokens",))], 10, 1) is not None
