"""An OpenAI-compatible server that does what a test tells it, on a free loopback port, over real HTTP."""

import asyncio
import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Hit:
    """One request as it came over the wire; `number` counts from 1."""

    number: int
    method: str
    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]

    @property
    def text(self) -> str:
        return str(self.body["messages"][-1]["content"])


@dataclass(frozen=True)
class Answer:
    """What to send back; `delay` in seconds; `drop` closes the connection without a word."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    drop: bool = False


Script = Callable[[Hit], Answer]


def completion(text: str | None, **changes: Any) -> Answer:
    """A usual chat completion."""
    body: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "served-model",
        "system_fingerprint": "fp_1",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9},
    }
    return Answer(body={**body, **changes})


def refusal(status: int, message: str, headers: Mapping[str, str] | None = None, **details: Any) -> Answer:
    """An error as OpenAI writes it."""
    return Answer(status, {"error": {"message": message, **details}}, headers or {})


class Server:
    """What the wire saw: every hit, and the most requests that were under way at once."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.hits: list[Hit] = []
        self.most = 0
        self.connections = 0
        self.base_url = ""
        self._under_way = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        pairs = [line.partition(": ") for line in head[1:] if line]
        headers = {name.lower(): value for name, _, value in pairs}
        content = await reader.readexactly(int(headers.get("content-length", "0")))
        hit = Hit(len(self.hits) + 1, method, path, headers, json.loads(content) if content else {})
        self.hits.append(hit)
        self._under_way += 1
        self.most = max(self.most, self._under_way)
        try:
            answer = self.script(hit)
            if answer.delay:
                await asyncio.sleep(answer.delay)
        finally:
            self._under_way -= 1
        if answer.drop:
            return False
        writer.write(_response(answer))
        await writer.drain()
        return True


def _response(answer: Answer) -> bytes:
    raw = isinstance(answer.body, bytes)
    content = answer.body if raw else json.dumps(answer.body).encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(content)), **answer.headers}
    lines = [f"HTTP/1.1 {answer.status} Scripted", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + content


@contextmanager
def serving(script: Script, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """A server for the length of a test, in a thread with a loop of its own."""
    server = Server(script)
    ready = threading.Event()
    loop = asyncio.new_event_loop()

    async def listen() -> None:
        listener = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
        scheme = "https" if tls else "http"
        server.base_url = f"{scheme}://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v1"
        ready.set()

    def run() -> None:
        asyncio.set_event_loop(loop)
        listening = loop.create_task(listen())
        loop.run_forever()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        listening.cancel()
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    ready.wait(5)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
