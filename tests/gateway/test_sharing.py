"""Limits shared through Redis and through a folder: the same answers, and what happens when there are none."""

import contextlib
import fcntl
import logging
import os
import socket
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from redis import Redis, RedisError

from app.domain.allowances import Grant, Rule
from app.gateway import sharing_redis
from app.gateway.sharing import Sharing, key_name, open_sharing
from app.gateway.sharing_file import FileSharing
from app.gateway.sharing_redis import PREFIX, RedisSharing
from app.gateway.sharing_steady import SteadySharing
from tests.conftest import REDIS, missing

NOWHERE = "redis://127.0.0.1:1/0"


def redis_url() -> str:
    try:
        Redis.from_url(REDIS).ping()
    except RedisError:
        missing("Redis (TEST_REDIS_URL)")
    return REDIS


@pytest.fixture
def key() -> Iterator[str]:
    """A key that nobody used, forgotten afterwards."""
    name = f"test-{uuid.uuid4().hex}"
    yield name
    with contextlib.suppress(RedisError):
        Redis.from_url(REDIS).delete(PREFIX + name)


@pytest.fixture(params=["redis", "file"])
def sharing(request: pytest.FixtureRequest, tmp_path: Path) -> Sharing:
    return open_sharing(redis_url() if request.param == "redis" else "", tmp_path)


class Clock:
    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


LIMIT = st.none() | st.integers(1, 40) | st.integers(50, 5000)
RULE = st.builds(Rule, st.none() | st.integers(1, 9), LIMIT, LIMIT)
COUNT = st.integers(0, 30)
PARTY = st.sampled_from(("p", "q", "ř"))
HOLDER = st.sampled_from(("a", "b", "c", "dé"))
STEP = st.one_of(
    st.tuples(st.just("take"), RULE, COUNT, st.integers(0, 300), PARTY),
    st.tuples(st.just("take"), RULE, COUNT, st.integers(0, 300), PARTY),
    st.tuples(st.just("give_back"), COUNT, st.integers(0, 300)),
    st.tuples(st.just("correct"), st.integers(-500, 500)),
    st.tuples(st.just("slots"), RULE, HOLDER, PARTY, st.integers(-1, 12), st.integers(0, 12)),
    st.tuples(st.just("slots"), RULE, HOLDER, PARTY, st.integers(-1, 12), st.integers(0, 12)),
    st.tuples(st.just("leave"), HOLDER),
    st.tuples(st.just("rest"), st.floats(0, 3)),
    st.tuples(st.just("resting")),
)
PAUSE = st.floats(0, 2) | st.sampled_from((0.0, 0.1, 1.0, 61.0, -0.5, -3600.0))
ONE_A_SECOND = Rule(requests_per_minute=60)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(PAUSE, STEP), max_size=40))
@example(
    steps=[
        (0.0, ("take", ONE_A_SECOND, 1, 0, "p")),
        (0.4, ("take", ONE_A_SECOND, 1, 0, "p")),
        (0.6, ("take", ONE_A_SECOND, 1, 0, "p")),
    ]
)
def test_redis_and_files_give_the_same_answers(tmp_path: Path, steps: list[tuple[float, tuple[object, ...]]]) -> None:
    clock, name = Clock(), f"test-{uuid.uuid4().hex}"
    both: tuple[Sharing, Sharing] = RedisSharing(redis_url(), clock), FileSharing(tmp_path, clock)
    try:
        for pause, (verb, *needed) in steps:
            clock.now += pause
            ours, theirs = (getattr(one, str(verb))(name, *needed) for one in both)
            assert alike(ours, theirs), (verb, needed)
        ours, theirs = (next((seen for seen in one.seen() if seen.key == name), None) for one in both)
        assert ours == theirs
    finally:
        Redis.from_url(REDIS).delete(PREFIX + name)


def alike(ours: object, theirs: object) -> bool:
    if isinstance(ours, Grant) and isinstance(theirs, Grant):
        return ours.requests == theirs.requests and ours.wait == pytest.approx(theirs.wait)
    return ours == (pytest.approx(theirs) if isinstance(theirs, float) else theirs)


def test_a_minute_is_shared_and_what_is_not_sent_goes_back(sharing: Sharing, key: str) -> None:
    rule = Rule(requests_per_minute=600, tokens_per_minute=100_000)
    assert sharing.take(key, rule, 30, 100, "p") == Grant(18)
    refused = sharing.take(key, rule, 30, 100, "p")
    assert refused.requests == 0
    assert 0 < refused.wait <= 0.1
    sharing.give_back(key, 6, 100)
    assert sharing.take(key, rule, 4, 100, "p") == Grant(4)
    sharing.correct(key, 60_000)
    assert sharing.take(key, rule, 1, 100, "p").wait > 30


def test_one_that_is_told_to_slow_down_lets_all_rest(sharing: Sharing, key: str) -> None:
    assert sharing.resting(key) == 0
    sharing.rest(key, 20)
    assert 19 < sharing.resting(key) <= 20
    assert 19 < sharing.take(key, Rule(), 1, 1, "p").wait <= 20


def test_holders_are_seen_with_what_they_hold(sharing: Sharing, key: str) -> None:
    rule = Rule(8, 600, None)
    assert sharing.slots(key, rule, "one", "campaign", 6, 2) == 6
    assert sharing.slots(key, rule, "two", "other", 6, 0) == 2
    sharing.take(key, rule, 3, 50, "p")
    (seen,) = [seen for seen in sharing.seen() if seen.key == key]
    assert [(one.name, one.party, one.slots, one.under_way, one.wanted) for one in seen.holders] == [
        ("one", "campaign", 6, 2, 6),
        ("two", "other", 2, 0, 6),
    ]
    assert (seen.rule, seen.requests, seen.tokens, seen.rest) == (rule, 3, 150, 0)
    sharing.leave(key, "one")
    assert sharing.slots(key, rule, "two", "other", 6, 0) == 6


def test_a_key_cannot_be_read_from_its_name() -> None:
    name = key_name("https://api.example.com/v1", "sk-secret")
    assert name == key_name("https://api.example.com/v1", "sk-secret")
    assert len({name, key_name("https://api.example.com/v1", "sk-other"), key_name("https://b", "sk-secret")}) == 3
    assert "secret" not in name


def test_redis_forgets_a_key_that_nobody_uses(key: str) -> None:
    RedisSharing(redis_url()).take(key, ONE_A_SECOND, 1, 1, "p")
    assert 0 < Redis.from_url(REDIS).ttl(PREFIX + key) <= sharing_redis.KEPT_SECONDS


def test_files_of_keys_that_nobody_uses_are_taken_away(tmp_path: Path) -> None:
    sharing = FileSharing(tmp_path)
    sharing.take("old", ONE_A_SECOND, 1, 1, "p")
    (old,) = tmp_path.glob("*.json")
    os.utime(old, (1, 1))
    sharing.take("new", ONE_A_SECOND, 1, 1, "p")
    assert [seen.key for seen in sharing.seen()] == ["new"]
    assert sorted(path.suffix for path in tmp_path.iterdir()) == ["", ".json"]


@pytest.mark.parametrize("spoilt", [b"", b'{"key": "k", "flow', b'{"key": "k", "flow": 7}', b"\xff"])
def test_a_spoilt_file_is_like_none(tmp_path: Path, spoilt: bytes) -> None:
    sharing = FileSharing(tmp_path)
    sharing.take("k", ONE_A_SECOND, 1, 1, "p")
    (place,) = tmp_path.glob("*.json")
    place.write_bytes(spoilt)
    assert sharing.take("k", ONE_A_SECOND, 1, 1, "p") == Grant(1)


def test_without_redis_a_process_goes_on_with_its_part_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    sharing, rule = SteadySharing(RedisSharing(NOWHERE)), Rule(16, 4800, None)
    with caplog.at_level(logging.WARNING):
        assert sharing.slots("k", rule, "me", "p", 10, 0) == 2
        assert sharing.take("k", rule, 100, 10, "p") == Grant(18)  # the burst of an eighth
        sharing.give_back("k", 1, 10)
        sharing.correct("k", 10)
        sharing.rest("k", 5)
        assert 4 < sharing.resting("k") <= 5
        assert [(one.key, one.requests) for one in sharing.seen()] == [("k", 17)]
        sharing.leave("k", "me")
    assert [record.getMessage()[:40] for record in caplog.records] == ["The shared limits are out of reach, so t"]


def test_a_redis_that_accepts_and_never_answers_stops_nobody() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        sharing = SteadySharing(RedisSharing(f"redis://127.0.0.1:{silent.getsockname()[1]}/0"))
        assert sharing.take("k", ONE_A_SECOND, 5, 0, "p") == Grant(1)


def test_a_connection_that_redis_closed_is_made_again(key: str) -> None:
    sharing, admin = RedisSharing(f"{redis_url()}?client_name={key}"), Redis.from_url(REDIS)
    sharing.take(key, ONE_A_SECOND, 1, 0, "p")
    (ours,) = [client["id"] for client in admin.client_list() if client["name"] == key]
    admin.client_kill_filter(_id=ours)
    assert sharing.take(key, ONE_A_SECOND, 5, 0, "p").wait > 0


class Fragile:
    """A sharing that can be broken."""

    def __init__(self, inner: Sharing) -> None:
        self.inner, self.broken = inner, False

    def __getattr__(self, verb: str) -> object:
        if self.broken:
            raise ConnectionError("gone")
        return getattr(self.inner, verb)


def test_it_keeps_the_part_it_had_and_goes_back_when_the_limits_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("app.gateway.sharing_steady.RETRY_SECONDS", 0.05)
    fragile, rule = Fragile(FileSharing(tmp_path)), Rule(16, 6000, None)
    sharing = SteadySharing(fragile)  # type: ignore[arg-type]
    fragile.inner.slots("k", rule, "other", "p", 12, 0)
    with caplog.at_level(logging.WARNING):
        assert sharing.slots("k", rule, "me", "p", 10, 0) == 4
        fragile.broken = True
        assert sharing.slots("k", rule, "me", "p", 10, 0) == 4
        assert sharing.take("k", rule, 500, 0, "p") == Grant(45)  # the burst of a quarter
        fragile.broken = False
        time.sleep(0.06)
        assert sharing.take("k", rule, 500, 0, "p") == Grant(180)
    assert [record.getMessage().split()[-1] for record in caplog.records] == ["gone", "again."]


def test_a_file_stays_readable_when_there_is_less_to_write(tmp_path: Path) -> None:
    sharing = FileSharing(tmp_path)
    for number in range(20):
        sharing.slots("k", Rule(in_flight=40), f"process {number}", "p", 1, 0)
    for number in range(20):
        sharing.leave("k", f"process {number}")
    assert sharing.slots("k", Rule(in_flight=40), "last", "p", 40, 0) == 40
    assert [[one.number for one in seen.holders] for seen in sharing.seen()] == [[20]]


def test_a_process_that_holds_the_lock_and_sleeps_stops_nobody_for_ever(tmp_path: Path) -> None:
    sharing = FileSharing(tmp_path)
    sharing.take("k", ONE_A_SECOND, 1, 1, "p")
    with open(tmp_path / "lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(TimeoutError, match="does not let go"):
            sharing.take("k", ONE_A_SECOND, 1, 1, "p")
        assert SteadySharing(sharing).take("k", ONE_A_SECOND, 1, 1, "p") == Grant(1)
