"""What a call costs: our gateway beside plain loops, each in a process of its own, start-up included.

`python -m benchmarks.wire [--base-url URL] [--calls N] [--in-flight N] [--latency S] [--runs N] [--json OUT]`; without
a base URL the project's own stub answers, and the three usual points are measured.
"""

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from benchmarks.processes import most_memory
from benchmarks.stub import stub

POINTS = ((0.05, 64), (0.0, 64), (0.2, 256))
TEXT = "Classify this support ticket by its topic: my parcel number {0} has not arrived, and nobody answers. " * 3


def texts(calls: int) -> Iterator[str]:
    return (TEXT.format(number) for number in range(calls))


def gateway(base_url: str, calls: int, in_flight: int) -> int:
    """The gateway as a campaign uses it, without a database."""
    from app.domain.improving.asks import Message
    from app.gateway.calls import Purchase, Request, Target
    from app.gateway.client import purchase
    from app.gateway.guard import Policy
    from app.gateway.limits import Limits

    target, got = Target("stub", base_url, "sk-stub", "stub"), list[Purchase]()
    asked = (
        Request(str(number), target, (Message("user", text),), 0.0, 16) for number, text in enumerate(texts(calls))
    )
    limits = Limits(Policy(allow_private=True), in_flight=in_flight, save_every=500)
    purchase(asked, limits=limits, permit=lambda _: True, record=got.extend, learned=lambda *_: None)
    return sum(one.text == "shipping" for one in got)


async def _pulled(calls: int, in_flight: int, ask: Callable[[str], Awaitable[str]]) -> int:
    """A fixed number of workers over one iterator."""
    todo, right = texts(calls), 0

    async def work() -> None:
        nonlocal right
        for text in todo:
            answer = await ask(text)
            right += answer == "shipping"

    await asyncio.gather(*(work() for _ in range(in_flight)))
    return right


def aiohttp_loop(base_url: str, calls: int, in_flight: int) -> int:
    """The plainest loop on the same libraries: no retries, no guard, nothing kept."""
    import aiohttp
    import msgspec

    async def run() -> int:
        connector = aiohttp.TCPConnector(limit=in_flight)
        async with aiohttp.ClientSession(connector=connector, headers={"Authorization": "Bearer sk"}) as session:

            async def ask(text: str) -> str:
                body = {"model": "stub", "messages": [{"role": "user", "content": text}], "temperature": 0.0}
                headers = {"Content-Type": "application/json"}
                sent = msgspec.json.encode({**body, "max_tokens": 16})
                async with session.post(f"{base_url}/chat/completions", data=sent, headers=headers) as response:
                    return str(msgspec.json.decode(await response.read())["choices"][0]["message"]["content"])

            return await _pulled(calls, in_flight, ask)

    return asyncio.run(run())


def openai_loop(base_url: str, calls: int, in_flight: int) -> int:
    """The typed call of the OpenAI client, as most tools use it."""
    from openai import AsyncOpenAI

    async def run() -> int:
        async with AsyncOpenAI(base_url=base_url, api_key="sk", max_retries=0) as client:

            async def ask(text: str) -> str:
                answer = await client.chat.completions.create(
                    model="stub", messages=[{"role": "user", "content": text}], temperature=0.0, max_tokens=16
                )
                return answer.choices[0].message.content or ""

            return await _pulled(calls, in_flight, ask)

    return asyncio.run(run())


WAYS: dict[str, Callable[[str, int, int], int]] = {
    "aiohttp loop": aiohttp_loop,
    "gateway": gateway,
    "openai loop": openai_loop,
}


def once(way: str, base_url: str, calls: int, in_flight: int) -> dict[str, Any]:
    """One process: wall and CPU seconds from its start, and its memory at the most."""
    command = [sys.executable, "-m", "benchmarks.wire", "--way", way, "--base-url", base_url]
    began = perf_counter()
    done = subprocess.run(
        [*command, "--calls", str(calls), "--in-flight", str(in_flight)], capture_output=True, text=True, check=True
    )
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["right"] == calls, f"{way} lost answers"
    return {**told, "wall": perf_counter() - began}


def report(way: str, base_url: str, calls: int, in_flight: int) -> None:
    """What a child says of itself."""
    began = perf_counter()
    right = WAYS[way](base_url, calls, in_flight)
    seconds, used = perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    cpu = used.ru_utime + used.ru_stime
    print(json.dumps({"right": right, "calls_per_second": calls / seconds, "cpu": cpu, "mb": most_memory(os.getpid())}))


def compared(base_url: str, latency: float, calls: int, in_flight: int, runs: int) -> list[dict[str, Any]]:
    """Medians of every way, the ways in turn so that a busy moment hits all of them."""
    found: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    for _ in range(runs):
        for way, seen in found.items():
            seen.append(once(way, base_url, calls, in_flight))
    rows = []
    for way, seen in found.items():
        middle = {name: median(run[name] for run in seen) for name in ("wall", "cpu", "calls_per_second", "mb")}
        rows.append({"way": way, "latency": latency, "in_flight": in_flight, "calls": calls, "runs": runs, **middle})
    return rows


def table(rows: Sequence[dict[str, Any]]) -> str:
    lines = [
        "| latency, in flight | way | wall s | calls/s | CPU s / 1,000 | MB |",
        "| --- | --- | --: | --: | --: | --: |",
    ]
    for row in rows:
        point = f"{1000 * row['latency']:.0f} ms, {row['in_flight']}"
        figures = f"{row['wall']:.2f} | {row['calls_per_second']:,.0f} | {1000 * row['cpu'] / row['calls']:.2f}"
        lines.append(f"| {point} | {row['way']} | {figures} | {row['mb']:.0f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base-url")
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--latency", type=float, default=0.0, help="of the server at --base-url, for the table alone")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.way:
        report(chosen.way, chosen.base_url, chosen.calls, chosen.in_flight)
        return
    rows = []
    if chosen.base_url:
        rows = compared(chosen.base_url, chosen.latency, chosen.calls, chosen.in_flight, chosen.runs)
    else:
        for place, (latency, in_flight) in enumerate(POINTS):
            with stub(8190 + place + os.getpid() % 1000, latency) as base_url:
                rows += compared(base_url, latency, chosen.calls, in_flight, chosen.runs)
    print(table(rows))
    if chosen.json:
        chosen.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
