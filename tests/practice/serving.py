"""A practice server of its own for a test: real HTTP on a free loopback port, in a thread or a process."""

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx2
import uvicorn

from app.practice.server import create_app
from app.practice.troubles import Options

PROMPT = """Which kind of message is it?

Labels:
- greeting: hello, hi, good morning
- farewell: goodbye, bye, see you

Input: {text}
Label:"""


@contextmanager
def serving(options: Options | None = None) -> Iterator[httpx2.Client]:
    """A client for a server that lives as long as the block."""
    config = uvicorn.Config(create_app(options), lifespan="off", log_level="error", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    # named TCP, or asyncio would not switch off delays of small packets
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            wait_until_healthy(address)
            with httpx2.Client(base_url=address, trust_env=False, timeout=20) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()


def wait_until_healthy(address: str, seconds: float = 20) -> None:
    limit = time.monotonic() + seconds
    with httpx2.Client(trust_env=False, timeout=2) as client:
        while time.monotonic() < limit:
            try:
                if client.get(f"{address}/healthz").status_code == 200:
                    return
            except httpx2.HTTPError:
                time.sleep(0.02)
    raise AssertionError(f"{address} does not answer")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def ask(client: httpx2.Client, name: str, *messages: str, **settings: Any) -> httpx2.Response:
    """One chat request; the last message is the user's, those before it the system's."""
    roles = ["system"] * (len(messages) - 1) + ["user"]
    body = {"model": name, "messages": [{"role": r, "content": m} for r, m in zip(roles, messages, strict=True)]}
    return client.post("/v1/chat/completions", json={**body, **settings})


def said(response: httpx2.Response) -> str:
    assert response.status_code == 200, response.text
    return str(response.json()["choices"][0]["message"]["content"])


def finish(response: httpx2.Response) -> str:
    return str(response.json()["choices"][0]["finish_reason"])


def accuracy(client: httpx2.Client, name: str, prompt: str, examples: Sequence[tuple[str, str]]) -> float:
    """The share of examples that get exactly their label."""
    right = sum(said(ask(client, name, prompt.replace("{{input}}", text))) == label for text, label in examples)
    return right / len(examples)
