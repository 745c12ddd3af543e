"""Waits: how long, and by whose word."""

from random import Random

import pytest

from app.gateway.waiting import asked_to_wait, backoff, duration, until_reset

DATE = "Fri, 20 Nov 2026 10:00:00 GMT"
WAITS: list[tuple[dict[str, str], float | None]] = [
    ({}, None),
    ({"retry-after": "3"}, 3.0),
    ({"retry-after": "0.5"}, 0.5),
    ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
    ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
    ({"retry-after": "Fri, 20 Nov 2026 10:00:07 GMT", "date": DATE}, 7.0),
    ({"retry-after": "Fri, 20 Nov 2026 09:00:00 GMT", "date": DATE}, 0.0),
    ({"retry-after": "Fri, 20 Nov 2026 10:00:07 GMT"}, None),
    ({"retry-after": "Fri, 20 Nov 2026 10:00:07 GMT", "date": "today"}, None),
    ({"retry-after": "Fri, 20 Nov 2026 10:00:07 -0000", "date": DATE}, None),
    ({"retry-after": "-5"}, None),
    ({"retry-after": "nan"}, None),
    ({"retry-after": "inf"}, None),
    ({"retry-after": "1e999"}, None),
    ({"retry-after": ""}, None),
]


@pytest.mark.parametrize(("headers", "seconds"), WAITS)
def test_a_wait_is_read_from_the_headers(headers: dict[str, str], seconds: float | None) -> None:
    assert asked_to_wait(headers) == seconds


def test_backoff_grows_with_full_jitter_up_to_a_bound() -> None:
    dice = Random(1)
    for attempts, most in [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (5, 8.0), (9, 8.0)]:
        waits = [backoff(attempts, dice) for _ in range(400)]
        assert 0 <= min(waits) < 0.05 * most
        assert 0.95 * most < max(waits) <= most


DURATIONS: list[tuple[str, float]] = [
    ("1s", 1.0),
    ("6m0s", 360.0),
    ("120ms", 0.12),
    ("1m30.951s", 90.951),
    ("1h2m3s", 3723.0),
    ("1d", 86400.0),
    ("17", 17.0),
    (" 0.5 ", 0.5),
    ("", 0.0),
    ("soon", 0.0),
    ("-3", 0.0),
    ("nan", 0.0),
    ("5 parsecs", 0.0),
    ("1767225600", 0.0),
    ("2026-01-01T00:00:00Z", 0.0),
    ("9" * 5000 + "s", 0.0),
]


@pytest.mark.parametrize(("text", "seconds"), DURATIONS)
def test_a_duration_is_read_as_servers_write_it(text: str, seconds: float) -> None:
    assert duration(text) == pytest.approx(seconds)


def limit(kind: str, limit: str, remaining: str, reset: str) -> dict[str, str]:
    return {
        f"x-ratelimit-limit-{kind}": limit,
        f"x-ratelimit-remaining-{kind}": remaining,
        f"x-ratelimit-reset-{kind}": reset,
    }


RESETS: list[tuple[dict[str, str], int, int, float]] = [
    ({}, 0, 100, 0.0),
    (limit("requests", "60", "1", "20s"), 0, 100, 0.0),
    (limit("requests", "60", "0", "20s"), 0, 100, 20.0),
    (limit("requests", "60", "3", "20s"), 2, 100, 0.0),
    (limit("requests", "60", "3", "20s"), 3, 100, 20.0),
    (limit("tokens", "9000", "500", "800ms"), 0, 100, 0.0),
    (limit("tokens", "9000", "500", "800ms"), 4, 100, 0.0),
    (limit("tokens", "9000", "500", "800ms"), 5, 100, 0.8),
    (limit("tokens", "9000", "99", "800ms"), 0, 100, 0.8),
    (limit("tokens", "9000", "0", "800ms"), 0, 0, 0.8),
    (limit("requests", "60", "0", "2s") | limit("tokens", "9000", "0", "7s"), 0, 0, 7.0),
    (limit("requests", "60", "0", "6m0s"), 0, 100, 60.0),
    (limit("requests", "0", "0", "20s"), 0, 100, 0.0),
    (limit("requests", "60", "none", "20s"), 0, 100, 0.0),
    (limit("requests", "60", "-1", "20s"), 0, 100, 0.0),
    (limit("requests", "60", "0", "tomorrow"), 0, 100, 0.0),
    ({"x-ratelimit-remaining-requests": "0"}, 0, 100, 0.0),
]


@pytest.mark.parametrize(("headers", "sent_since", "tokens", "seconds"), RESETS)
def test_a_used_up_limit_says_when_it_is_reset(
    headers: dict[str, str], sent_since: int, tokens: int, seconds: float
) -> None:
    assert until_reset(headers, sent_since, tokens) == pytest.approx(seconds)
