"""Whether processes that share a limit keep to it and use it: every request is counted where it arrives.

`python -m benchmarks.limits [--redis-url URL] [--base-url URL] [--limit 600] [--seconds 180] [--processes 4]
[--window 60] [--workers] [--json OUT]`; without the address of Redis the limit is kept in a folder. With a base URL
requests are counted as they are sent. `--workers` sends through whole call workers, which answer an evaluation. Ends with 1 when a sliding window holds more than its part of the limit and 5 % of the limit
(105 % for a whole minute), or all of it less than 90 %.
"""

import argparse
import json
import sys
import threading
from bisect import bisect_left
from collections.abc import Callable, Sequence
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit

from app.domain.allowances import MINUTE, Rule
from app.gateway.sharing import key_name, open_sharing
from app.storage.endpoints import get
from benchmarks.fleet import fleet, settings_of
from benchmarks.scene import build

BEYOND, LEAST = 0.05, 0.9
BODY = b'{"choices":[{"finish_reason":"stop","message":{"role":"assistant","content":"shipping"}}],"usage":{}}'
READY_WITHIN = 120.0  # seconds, for imports on a busy machine
ASKED = 8  # requests that a process asks for at once, as a worker with some calls in hand does


def worst_window(times: Sequence[float], seconds: float) -> int:
    """The most requests in any window of this length, its end not counted."""
    ordered = sorted(times)
    return max((bisect_left(ordered, time + seconds) - place for place, time in enumerate(ordered)), default=0)


def judged(times: Sequence[float], limit: int, seconds: float, window: float) -> dict[str, Any]:
    """The figures and whether they meet both bars; `limit` is a minute's."""
    most, least = limit * (window / MINUTE + BEYOND), LEAST * limit * seconds / MINUTE
    worst, total = worst_window(times, window), len(times)
    figures = {"worst": worst, "most": most, "total": total, "least": least, "window": window, "seconds": seconds}
    return {**figures, "limit": limit, "met": worst <= most and total >= least}


class Counter(ThreadingHTTPServer):
    """Answers everything, and remembers when it was asked."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self) -> None:
        self.times: list[float] = []
        super().__init__(("127.0.0.1", 0), Counted)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class Counted(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Counter

    def do_POST(self) -> None:
        self.server.times.append(monotonic())
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response_only(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def poster(base_url: str) -> Callable[[], None]:
    """What sends one small chat completion request over a connection that is kept."""
    parts = urlsplit(base_url)
    connection = HTTPConnection(parts.hostname or "", parts.port or 80, timeout=10)
    body = json.dumps({"model": "stub", "messages": [{"role": "user", "content": "?"}], "max_tokens": 1})

    def post() -> None:
        headers = {"Content-Type": "application/json", "Authorization": "Bearer sk"}
        connection.request("POST", f"{parts.path}/chat/completions", body, headers)
        connection.getresponse().read()

    return post


def send(
    redis_url: str, folder: Path, base_url: str, limit: int, seconds: float, ready: Barrier, sent: "Queue[Any]"
) -> None:
    """One process: as many requests as it may send for so long once all are ready; tells when it sent them."""
    sharing, key = open_sharing(redis_url, folder), key_name(base_url, f"limit {folder}")
    rule, times, post = Rule(requests_per_minute=limit), list[float](), poster(base_url)
    ready.wait(timeout=READY_WITHIN)
    end = monotonic() + seconds
    while monotonic() < end:
        grant = sharing.take(key, rule, ASKED, 0, "benchmark")
        for _ in range(grant.requests):
            times.append(monotonic())
            post()
        sleep(max(0.0, min(grant.wait, end - monotonic())))
    sent.put(times)


def sent_by(processes: int, redis_url: str, base_url: str, limit: int, seconds: float) -> list[float]:
    """When each request was sent by so many processes, all begun together."""
    context = get_context("spawn")
    told: Queue[Any] = context.Queue()
    with TemporaryDirectory() as folder:
        needed = (redis_url, Path(folder), base_url, limit, seconds, context.Barrier(processes), told)
        running = [context.Process(target=send, args=needed, daemon=True) for _ in range(processes)]
        for process in running:
            process.start()
        times = [time for _ in running for time in told.get(timeout=seconds + READY_WITHIN)]
        for process in running:
            process.join()
    return times


def answered_by_workers(processes: int, redis_url: str, base_url: str, limit: int, seconds: float) -> None:
    """An evaluation that so many call processes answer under this limit, for so long."""
    with TemporaryDirectory() as folder:
        settings = settings_of(Path(folder), "", redis_url, call_processes=processes, block_size=50)
        with fleet(settings) as crew:
            scene = build(crew.database, base_url, round(2 * limit * seconds / MINUTE))
            with crew.database.write() as session:
                get(session, scene.endpoint_id).provider.requests_per_minute = limit
                _, nudges = scene.order(session, settings, "limited")
            for nudge in nudges:
                crew.poker.poke(nudge.job_id, nudge.kind)
            sleep(seconds + 5.0)


def measured(
    processes: int, redis_url: str, base_url: str, limit: int, seconds: float, window: float, workers: bool = False
) -> dict[str, Any]:
    if base_url:
        return judged(sent_by(processes, redis_url, base_url, limit, seconds), limit, seconds, window)
    with Counter() as counter:
        threading.Thread(target=counter.serve_forever, daemon=True).start()
        send_all = answered_by_workers if workers else sent_by
        send_all(processes, redis_url, counter.base_url, limit, seconds)
        counter.shutdown()
        first = min(counter.times, default=0.0)
        return judged([time for time in counter.times if time < first + seconds], limit, seconds, window)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--redis-url", default="")
    parser.add_argument("--base-url", default="", help="a server without TLS")
    parser.add_argument("--limit", type=int, default=600, help="requests a minute")
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--window", type=float, default=MINUTE, help="seconds of the sliding window")
    parser.add_argument("--workers", action="store_true", help="through whole call workers")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    told = chosen.processes, chosen.redis_url, chosen.base_url, chosen.limit, chosen.seconds, chosen.window
    found = measured(*told, chosen.workers)
    kept = "Redis" if chosen.redis_url else "a folder"
    print(f"{chosen.processes} processes, {chosen.limit} requests a minute, {chosen.seconds:g} s, kept in {kept}:")
    print(f"worst sliding {chosen.window:g} s: {found['worst']} requests (at most {found['most']:.0f})")
    print(f"all of it: {found['total']} requests (at least {found['least']:.0f})")
    if chosen.json:
        chosen.json.write_text(json.dumps({**found, "kept_in": kept}, indent=1), encoding="utf-8")
    sys.exit(0 if found["met"] else 1)


if __name__ == "__main__":
    main()
