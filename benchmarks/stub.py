"""A chat completion server that costs next to nothing: `python -m benchmarks.stub --port 8090 --latency 0.05`."""

import argparse
import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from socket import create_connection
from time import monotonic, sleep

BODY = (
    b'{"id":"chatcmpl-stub","object":"chat.completion","created":1700000000,"model":"stub","system_fingerprint":"fp_1",'
    b'"choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"shipping"}}],'
    b'"usage":{"prompt_tokens":97,"completion_tokens":2,"total_tokens":99}}'
)
REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)


class Stub(asyncio.Protocol):
    """One connection; requests on it are answered in order, each after the latency."""

    def __init__(self, latency: float) -> None:
        self._latency, self._got = latency, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._got += data
        while (end := self._got.find(b"\r\n\r\n")) >= 0:
            whole = end + 4 + length(self._got[:end])
            if len(self._got) < whole:
                return
            self._got = self._got[whole:]
            if self._latency:
                asyncio.get_running_loop().call_later(self._latency, self._answer)
            else:
                self._answer()

    def _answer(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(REPLY)


def length(head: bytes) -> int:
    """The body's bytes, by the request's head."""
    place = head.lower().find(b"\r\ncontent-length:")
    return int(head[place + 17 :].partition(b"\r\n")[0]) if place >= 0 else 0


async def serve(port: int, latency: float) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Stub(latency), "127.0.0.1", port, backlog=1024)
    async with server:
        await server.serve_forever()


def _run(port: int, latency: float) -> None:
    asyncio.run(serve(port, latency))


@contextmanager
def stub(port: int, latency: float) -> Iterator[str]:
    """A stub in a process of its own; its base URL."""
    process = get_context("spawn").Process(target=_run, args=(port, latency), daemon=True)
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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    chosen = parser.parse_args()
    _run(chosen.port, chosen.latency)


if __name__ == "__main__":
    main()
