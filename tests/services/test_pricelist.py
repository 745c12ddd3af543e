"""The shipped price list: who it knows by address and name, and what costs nothing."""

import pytest

from app.services import pricelist

OPENAI = "https://api.openai.com/v1"


@pytest.mark.parametrize(
    ("base_url", "model", "known"),
    [
        (OPENAI, "gpt-4o-mini", True),
        (OPENAI, "openai/gpt-4o-mini", True),
        (OPENAI, "gpt-4o-mini-2031-01-02", True),
        (OPENAI, "gpt-4o-mini-20310102", True),
        (OPENAI, "claude-haiku-4-5", False),
        (OPENAI, "my-own-model", False),
        ("https://api.openai.com.example.net/v1", "gpt-4o-mini", False),
        ("https://notapi.openai.com/v1", "gpt-4o-mini", False),
        ("https://mine.openai.azure.com/openai/v1", "gpt-4o-mini", True),
        ("https://api.anthropic.com/v1", "claude-haiku-4-5", True),
        ("http://127.0.0.1:11434/v1", "gpt-4o-mini", False),
    ],
)
def test_a_price_is_proposed_where_host_and_name_fit(base_url: str, model: str, known: bool) -> None:
    assert (pricelist.look_up(base_url, model) is not None) is known


def test_a_listed_price_is_in_micro_units_per_million_tokens_and_says_where_it_comes_from() -> None:
    found = pricelist.look_up(OPENAI, "gpt-4o-mini")
    assert found is not None
    assert (found.price_in, found.price_out, found.price_cached_in) == (150_000, 600_000, 75_000)
    assert found.source.startswith("snapshot litellm ")
    assert " of 20" in found.source


@pytest.mark.parametrize(
    ("base_url", "local"),
    [
        ("http://localhost:8000/v1", True),
        ("http://127.0.0.1:11434/v1", True),
        ("http://[::1]:8080/v1", True),
        ("http://10.1.2.3/v1", True),
        ("http://192.168.0.7:1234/v1", True),
        ("http://ollama:11434/v1", True),
        ("http://host.docker.internal:11434/v1", True),
        ("https://8.8.8.8/v1", False),
        ("https://api.example.com/v1", False),
        ("https://localhost.example.com/v1", False),
    ],
)
def test_only_an_address_of_ones_own_costs_nothing(base_url: str, local: bool) -> None:
    assert pricelist.is_local(base_url) is local
