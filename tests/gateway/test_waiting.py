"""Waits: how long, by whose word, and how a crowded server's room shrinks and grows."""

from random import Random

import pytest

from app.gateway.waiting import Pace, asked_to_wait, backoff

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


def test_lone_faults_leave_the_room_alone() -> None:
    pace = Pace(16)
    for _ in range(50):
        pace.failed(30.0, crowded=True)
        pace.failed(None, crowded=False)
        pace.answered()
    assert (pace.room, pace.rest()) == (16, 0.0)


def test_faults_in_a_row_halve_the_room_once_and_close_it_for_the_wait() -> None:
    pace = Pace(16)
    for _ in range(12):
        pace.failed(30.0, crowded=True)
    assert pace.room == 8
    assert 29 < pace.rest() <= 30


def test_a_server_that_asks_for_no_wait_gets_one_of_ours() -> None:
    pace = Pace(16)
    for _ in range(12):
        pace.failed(None, crowded=False)
    assert pace.room == 8
    assert 0.4 < pace.rest() <= 0.5


def test_a_full_server_is_left_with_one_request_and_regains_its_room_by_successes() -> None:
    pace = Pace(16)
    for _ in range(40):
        pace.failed(0.0, crowded=True)
    assert (pace.room, pace.rest()) == (1, 0.0)
    for _ in range(15):
        pace.answered()
    assert pace.room == 2
    for _ in range(60):
        pace.answered()
    assert pace.room == 16


@pytest.mark.parametrize(("crowded", "room"), [(True, 4), (False, 8)])
def test_in_a_small_room_one_word_of_being_full_is_enough(crowded: bool, room: int) -> None:
    pace = Pace(16)
    for _ in range(4):
        pace.failed(0.0, crowded=False)
    pace.answered()
    pace.failed(0.0, crowded)
    assert pace.room == room


def test_what_is_under_way_takes_room() -> None:
    pace = Pace(4)
    pace.under_way = 3
    assert pace.room == 1
