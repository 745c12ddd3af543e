"""The limits shared by all workers, kept in Redis: one script does each step, by the clock of Redis."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.domain.allowances import BURST_SHARE, EARLY, LONGEST_REST, MINUTE, Flow, Grant, Rule
from app.domain.slots import HOLD_SECONDS, TURN_SECONDS, Register
from app.domain.turns import AGAIN, GRACE, KEPT
from app.gateway.seen import Seen, seen

PREFIX = "agon:limits:1:"  # the number tells the form of what is stored
KEPT_SECONDS = 2 * int(LONGEST_REST)  # what nobody asks about for so long says nothing any more
TIMEOUT = 0.2

_CONSTANTS = {
    "AGAIN": AGAIN,
    "BURST_SHARE": BURST_SHARE,
    "EARLY": EARLY,
    "GRACE": GRACE,
    "HOLD_SECONDS": HOLD_SECONDS,
    "KEPT": KEPT,
    "KEPT_SECONDS": KEPT_SECONDS,
    "LONGEST_REST": LONGEST_REST,
    "MINUTE": MINUTE,
    "TURN_SECONDS": TURN_SECONDS,
}
_SCRIPT = "".join(f"local {name} = {value}\n" for name, value in _CONSTANTS.items()) + (
    Path(__file__).with_name("sharing.lua").read_text(encoding="utf-8")
)


class RedisSharing:
    """Implements Sharing; raises OSError when Redis cannot answer. Tests bring a clock of their own."""

    def __init__(self, url: str, clock: Callable[[], float] | None = None) -> None:
        self._redis = Redis.from_url(
            url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, retry=Retry(NoBackoff(), 0)
        )
        self._script = self._redis.register_script(_SCRIPT)
        self._clock = clock

    def take(self, key: str, rule: Rule, requests: int, tokens: int, party: str) -> Grant:
        count, wait = self._ask(key, "take", rule=rule, requests=requests, tokens=tokens, party=party)
        return Grant(count, float(wait))

    def give_back(self, key: str, requests: int, tokens: int) -> None:
        self._ask(key, "give_back", requests=requests, tokens=tokens)

    def correct(self, key: str, tokens: int) -> None:
        self._ask(key, "correct", tokens=tokens)

    def slots(self, key: str, rule: Rule, holder: str, party: str, wanted: int, under_way: int) -> int:
        who = {"name": holder, "party": party, "wanted": wanted, "under_way": under_way}
        return int(self._ask(key, "slots", rule=rule, **who))

    def leave(self, key: str, holder: str) -> None:
        self._ask(key, "leave", name=holder)

    def rest(self, key: str, seconds: float) -> None:
        self._ask(key, "rest", seconds=seconds)

    def resting(self, key: str) -> float:
        return float(self._ask(key, "resting"))

    def seen(self) -> list[Seen]:
        with _told():
            names = sorted(self._redis.scan_iter(match=PREFIX + "*", count=1000))
            pipe = self._redis.pipeline(transaction=False)
            for name in names:
                pipe.hgetall(name)
            found, now = pipe.execute(), self._now()
        return [
            seen(name.decode().removeprefix(PREFIX), _flow(one.get(b"flow")), _register(one.get(b"register")), now)
            for name, one in zip(names, found, strict=True)
        ]

    def _ask(self, key: str, verb: str, **needed: Any) -> Any:
        if self._clock:
            needed["now"] = self._clock()
        asked = msgspec.msgpack.encode({"verb": verb, **needed})
        with _told():
            return msgspec.msgpack.decode(self._script(keys=[PREFIX + key], args=[asked]))

    def _now(self) -> float:
        if self._clock:
            return self._clock()
        seconds, micros = self._redis.time()
        return seconds + micros / 1_000_000


@contextmanager
def _told() -> Iterator[None]:
    """Any trouble with Redis is an OSError, so that nobody else needs to know its client."""
    try:
        yield
    except RedisError as trouble:
        raise ConnectionError(str(trouble)) from trouble


def _flow(stored: bytes | None) -> Flow:
    if stored is None:
        return Flow()
    plain = msgspec.msgpack.decode(stored)
    # Lua does not tell an empty map from an empty list
    return msgspec.convert({**plain, "rule": dict(plain["rule"])}, Flow)


def _register(stored: bytes | None) -> Register:
    return msgspec.msgpack.decode(stored, type=Register) if stored else Register()
