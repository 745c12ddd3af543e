"""The room of a server: how it shrinks and grows, and how the circuit opens, lets a probe through, and closes."""

import pytest

from app.gateway.pacing import PATIENCE, Pace


def fail(pace: Pace, asked: float | None = 0.0, times: int = PATIENCE, crowded: bool = False) -> None:
    for _ in range(times):
        pace.failed(asked, crowded)


def test_lone_faults_leave_the_room_alone() -> None:
    pace = Pace(16)
    for _ in range(50):
        pace.failed(30.0, crowded=True)
        pace.failed(None, crowded=False)
        pace.answered()
    assert (pace.room, pace.rest(), pace.down) == (16, 0.0, False)


@pytest.mark.parametrize(("asked", "rest"), [(30.0, 30.0), (None, 0.5)])
@pytest.mark.parametrize("crowded", [True, False])
def test_faults_in_a_row_close_the_server_for_the_wait_it_asked_for_or_one_of_ours(
    asked: float | None, rest: float, crowded: bool
) -> None:
    pace = Pace(16)
    fail(pace, asked, 12, crowded)
    assert pace.room == 0
    assert 0.9 * rest < pace.rest() <= rest
    assert pace.down is not crowded


def test_a_full_server_is_left_with_one_request_and_regains_its_room_by_successes() -> None:
    pace = Pace(16)
    fail(pace, times=40, crowded=True)
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
    fail(pace)
    pace.answered()
    pace.failed(0.0, crowded)
    assert pace.room == room


def test_a_server_that_is_down_is_probed_by_one_request_at_a_time_until_one_succeeds() -> None:
    pace = Pace(16)
    fail(pace)
    assert (pace.down, pace.room) == (True, 1)
    assert pace.begin() is True
    assert pace.room == 0
    pace.end(probe=True)
    assert pace.answered() is True
    assert (pace.down, pace.room) == (False, 8)
    assert pace.begin() is False


def test_a_failed_probe_opens_the_circuit_again_for_longer_whatever_little_the_server_asks() -> None:
    pace = Pace(16)
    fail(pace)
    pace.end(pace.begin())
    pace.failed(0.01, crowded=False, probe=True)
    assert 0.9 < pace.rest() <= 1.0
    assert pace.down


def test_what_was_sent_before_a_server_went_down_tells_nothing_new() -> None:
    pace = Pace(16)
    fail(pace, 30.0)
    assert pace.answered() is False
    assert pace.down
    pace = Pace(16)
    fail(pace)
    pace.failed(30.0, crowded=False)
    assert (pace.rest(), pace.room) == (0.0, 1)


def test_a_used_up_limit_pauses_a_server_that_is_well() -> None:
    pace = Pace(16)
    pace.pause(30.0)
    pace.pause(10.0)
    assert (pace.room, pace.down) == (0, False)
    assert 29 < pace.rest() <= 30


def test_what_is_under_way_takes_room_and_fewer_slots_take_effect_at_once() -> None:
    pace = Pace(4)
    for _ in range(3):
        pace.begin()
    assert pace.room == 1
    pace.end(probe=False)
    pace.most = 2
    assert pace.room == 0
    pace.most = 4
    assert pace.room == 2
