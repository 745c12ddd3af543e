"""Runs of purchases in several processes' places keep the limits of a key together, in Redis and in a folder."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

import pytest
import redis

from app.domain.allowances import Rule
from app.gateway.allowing import Shared
from app.gateway.sharing import key_name, open_sharing
from tests.conftest import REDIS, missing
from tests.gateway.counter import KEY, Counter, ask, limits, target
from tests.gateway.scripted import Answer, Hit, Server, completion, refusal, serving


@pytest.fixture(params=["folder", "redis"])
def place(request: pytest.FixtureRequest) -> str:
    if request.param == "folder":
        return ""
    try:
        redis.Redis.from_url(REDIS).ping()
    except redis.ConnectionError:
        missing("Redis (TEST_REDIS_URL)")
    return REDIS


class Fleet:
    """So many buyers at once, each with a door of its own to the shared limits."""

    def __init__(self, place: str, folder: Path, rule: Rule) -> None:
        self.place, self.folder, self.rule = place, folder, rule

    def buy(self, server: Server, buyers: int, each: int) -> list[Counter]:
        def one(number: int) -> Counter:
            counter, at = Counter(), target(server, rule=self.rule)
            shared = Shared(open_sharing(self.place, self.folder), f"host:1/{number}", f"run {number}")
            counter.buy([ask(f"{number}.{n}", at) for n in range(each)], limits(in_flight=8), shared)
            return counter

        with ThreadPoolExecutor(buyers) as pool:
            return list(pool.map(one, range(buyers)))


def test_together_they_never_have_more_under_way(place: str, tmp_path: Path) -> None:
    with serving(lambda hit: Answer(**{**vars(completion("ok")), "delay": 0.05})) as server:
        bought = Fleet(place, tmp_path, Rule(in_flight=5)).buy(server, 3, 30)
        assert server.most <= 5
    assert [len(one.bought) for one in bought] == [30, 30, 30]


def test_together_they_keep_to_the_requests_a_minute(place: str, tmp_path: Path) -> None:
    times, lock = list[float](), threading.Lock()

    def note(hit: Hit) -> Answer:
        with lock:
            times.append(monotonic())
        return completion("ok")

    limit, window = 3000, 1.0
    with serving(note) as server:
        bought = Fleet(place, tmp_path, Rule(requests_per_minute=limit)).buy(server, 3, 60)
    assert [len(one.bought) for one in bought] == [60, 60, 60]
    most = max(sum(start <= time < start + window for time in times) for start in times)
    assert most <= limit / 60 * window + 0.05 * limit + 1
    assert max(times) - min(times) >= (180 - 0.05 * limit) / (limit / 60) * 0.8, "it was held back"


def test_who_is_told_to_slow_down_tells_the_others(place: str, tmp_path: Path) -> None:
    crowded = [refusal(429, "slow down", {"retry-after": "1"}) for _ in range(4)]
    rests = list[float]()

    def watch(hit: Hit) -> Answer:
        rests.append(open_sharing(place, tmp_path).resting(key_name(server.base_url, KEY)))
        return crowded.pop() if crowded else completion("ok")

    with serving(watch) as server:
        asked = [ask(f"q{n}", target(server, rule=Rule(in_flight=4))) for n in range(8)]
        shared = Shared(open_sharing(place, tmp_path), "host:1/1", "run")
        watching = threading.Thread(target=lambda: rests.append(_longest_rest(place, tmp_path, server)))
        watching.start()
        Counter().buy(asked, limits(in_flight=4, call_attempts=6), shared)
        watching.join()
    assert 0.3 < max(rests) <= 1.0


def _longest_rest(place: str, folder: Path, server: Server) -> float:
    door, key, until = open_sharing(place, folder), key_name(server.base_url, KEY), monotonic() + 1.0
    longest = 0.0
    while monotonic() < until:
        longest = max(longest, door.resting(key))
    return longest
