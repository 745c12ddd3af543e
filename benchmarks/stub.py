"""A chat completion server that costs next to nothing and fails on demand: `python -m benchmarks.stub --help`.

It answers with the mark in the prompt, as in `[[billing #17]]`, so that accuracy can be checked; without one it
answers `shipping`. GET /stats tells what it saw, POST /reset forgets that.
"""

import argparse
import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from multiprocessing import get_context
from socket import create_connection
from time import monotonic, sleep, time
from zlib import crc32

LABELS = ("billing", "technical", "account", "shipping")
TOKENS = (97, 2)
MARK = re.compile(rb"\[\[(\w+)[^\]\n]*\]\]")
OTHER_FORMAT = b"[[ ## "  # DSPy asks for its answers between such headings
_HEAD = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s"
_ANSWER = (
    '{"id":"chatcmpl-stub","object":"chat.completion","created":1700000000,"model":"stub","system_fingerprint":"fp_1",'
    '"choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":%s}}],'
    '"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}}'
)


@dataclass(frozen=True)
class Manners:
    """How it answers: seconds, and shares of the request texts; each fault befalls a text the first time only.

    It is down for `down_for` seconds from `down_after` seconds after the first request on.
    """

    latency: float = 0.0
    wrong: float = 0.0
    rate_429: float = 0.0
    retry_after: float = 1.0
    rate_500: float = 0.0
    rate_hang: float = 0.0
    down_after: float = 0.0
    down_for: float = 0.0

    @property
    def fails(self) -> bool:
        return self.rate_429 + self.rate_500 + self.rate_hang > 0

    def fault(self, mark: bytes) -> str:
        """What befalls this text, or nothing."""
        place = _share(b"fault" + mark)
        for kind, rate in (("429", self.rate_429), ("500", self.rate_500), ("hang", self.rate_hang)):
            if place < rate:
                return kind
            place -= rate
        return ""


def _share(key: bytes) -> float:
    return crc32(key) / 2**32


def answer_to(mark: bytes, wrong: float) -> str:
    """The label in a mark, or for a share of the marks the next one."""
    found = MARK.match(mark)
    if found is None:
        return "shipping"
    label = found[1].decode()
    if _share(mark) >= wrong or label not in LABELS:
        return label
    return LABELS[(LABELS.index(label) + 1) % len(LABELS)]


def _answered(label: str, otherwise: bool) -> bytes:
    text = f"[[ ## label ## ]]\n{label}\n\n[[ ## completed ## ]]" if otherwise else label
    return _reply(b"200 OK", (_ANSWER % (json.dumps(text), *TOKENS, sum(TOKENS))).encode())


def _reply(status: bytes, body: bytes, head: bytes = b"") -> bytes:
    return _HEAD % (status, head, len(body), body)


class Desk:
    """What all connections share: the manners, what was seen, and the replies, made once each."""

    def __init__(self, manners: Manners) -> None:
        self.manners = manners
        self._replies: dict[tuple[str, bool], bytes] = {}
        self._failed: set[bytes] = set()
        refusal = b'{"error":{"message":"stub","type":"stub"}}'
        wait = b"Retry-After: %g\r\n" % manners.retry_after
        self._faults = {
            "429": _reply(b"429 Too Many Requests", refusal, wait),
            "500": _reply(b"500 Internal Server Error", refusal),
            "hang": None,
        }
        self.reset()

    def reset(self) -> None:
        self._first = 0.0
        self._failed.clear()
        self.by_status: Counter[str] = Counter()
        self.by_second: Counter[int] = Counter()

    def down(self) -> bool:
        since = monotonic() - self._first - self.manners.down_after
        return bool(self.manners.down_for and self._first) and 0 <= since < self.manners.down_for

    def stats(self) -> bytes:
        requests = sum(count for status, count in self.by_status.items() if status != "refused")
        seen = {"requests": requests, "by_status": self.by_status, "by_second": self.by_second}
        return _reply(b"200 OK", json.dumps(seen).encode())

    def answer(self, body: bytes) -> bytes | None:
        """The reply to a request, or None when it is never answered."""
        self._first = self._first or monotonic()
        self.by_second[int(time())] += 1
        found = MARK.search(body)
        mark = found[0] if found else body
        if self.manners.fails and mark not in self._failed and (fault := self.manners.fault(mark)):
            self._failed.add(mark)
            self.by_status[fault] += 1
            return self._faults[fault]
        self.by_status["200"] += 1
        kind = answer_to(mark, self.manners.wrong), OTHER_FORMAT in body
        if kind not in self._replies:
            self._replies[kind] = _answered(*kind)
        return self._replies[kind]


class Stub(asyncio.Protocol):
    """One connection; requests on it are answered in order, each after the latency."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._got = desk, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._got += data
        while (end := self._got.find(b"\r\n\r\n")) >= 0:
            whole = end + 4 + length(self._got[:end])
            if len(self._got) < whole:
                return
            request, self._got = self._got[:whole], self._got[whole:]
            self._take(request, end + 4)

    def _take(self, request: bytes, head: int) -> None:
        if request.startswith(b"GET"):
            self._write(self._desk.stats())
        elif request.startswith(b"POST /reset"):
            self._desk.reset()
            self._write(_reply(b"200 OK", b"{}"))
        elif self._desk.down():
            self._desk.by_status["refused"] += 1
            self._transport.abort()
        elif (reply := self._desk.answer(request[head:])) is not None:
            if self._desk.manners.latency:
                asyncio.get_running_loop().call_later(self._desk.manners.latency, self._write, reply)
            else:
                self._write(reply)

    def _write(self, reply: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(reply)


def length(head: bytes) -> int:
    """The body's bytes, by the request's head."""
    place = head.lower().find(b"\r\ncontent-length:")
    return int(head[place + 17 :].partition(b"\r\n")[0]) if place >= 0 else 0


async def serve(port: int, manners: Manners) -> None:
    desk = Desk(manners)
    server = await asyncio.get_running_loop().create_server(lambda: Stub(desk), "127.0.0.1", port, backlog=1024)
    async with server:
        await server.serve_forever()


def _run(port: int, manners: Manners) -> None:
    asyncio.run(serve(port, manners))


@contextmanager
def stub(port: int, latency: float = 0.0, manners: Manners | None = None) -> Iterator[str]:
    """A stub in a process of its own; its base URL."""
    process = get_context("spawn").Process(target=_run, args=(port, manners or Manners(latency)), daemon=True)
    process.start()
    limit = monotonic() + 20
    while True:
        try:
            create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            assert monotonic() < limit, "the stub does not listen"
            sleep(0.05)
    try:
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        process.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8090)
    for field in fields(Manners):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=float, default=field.default, metavar="NUMBER")
    chosen = vars(parser.parse_args())
    _run(chosen.pop("port"), Manners(**chosen))


if __name__ == "__main__":
    main()
