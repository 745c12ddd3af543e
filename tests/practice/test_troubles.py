"""Trouble on request: each kind on the wire, shares as asked for, and a quick end with requests waiting."""

import asyncio
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable

import httpx2
import pytest

from app.practice.troubles import Options, trouble_of
from tests.practice.serving import PROMPT, ask, free_port, said, serving, wait_until_healthy

HELLO = PROMPT.format(text="hello")
SERVE = "import sys; from app.practice.server import Options, serve; serve('127.0.0.1', int(sys.argv[1]), {options})"


def test_shares_come_out_as_asked_for_and_depend_on_nothing_but_seed_and_number() -> None:
    options = Options(rate_limited=0.2, failing=0.1, hanging=0.05, broken=0.15, seed=5)
    drawn = [trouble_of(options, number) for number in range(4000)]
    assert drawn == [trouble_of(options, number) for number in range(4000)]
    counts = Counter(drawn)
    for name, share in (("rate_limited", 0.2), ("failing", 0.1), ("hanging", 0.05), ("broken", 0.15), (None, 0.5)):
        assert counts[name] / 4000 == pytest.approx(share, abs=0.03)  # type: ignore[index]
    assert drawn != [trouble_of(Options(failing=0.5, seed=6), number) for number in range(4000)]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Options(failing=0.6, broken=0.5),
        lambda: Options(hanging=-0.1),
        lambda: Options(latency=-1),
        lambda: Options(retry_after=-1),
    ],
)
def test_impossible_options_are_refused(make: Callable[[], Options]) -> None:
    with pytest.raises(ValueError, match="must"):
        make()


def test_a_rate_limit_says_when_to_come_back() -> None:
    with serving(Options(rate_limited=1.0, retry_after=2.5)) as client:
        response = ask(client, "scholar-v1", HELLO)
        assert (response.status_code, response.headers["Retry-After"]) == (429, "2.5")
        assert response.json()["error"]["code"] == "rate_limit_exceeded"
        assert client.get("/stats").json()["troubles"] == {"rate_limited": 1}


def test_a_failing_server_says_500_and_a_retry_of_the_same_request_succeeds() -> None:
    with serving(Options(failing=0.5)) as client:
        statuses = [ask(client, "scholar-v1", HELLO).status_code for _ in range(20)]
        assert set(statuses) == {200, 500}
        assert client.get("/stats").json()["by_status"] == {"200": statuses.count(200), "500": statuses.count(500)}


def test_a_broken_body_is_cut_json_with_status_200() -> None:
    with serving(Options(broken=1.0)) as client:
        response = ask(client, "scholar-v1", HELLO)
        assert response.status_code == 200
        with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
            response.json()


def test_a_hanging_request_is_never_answered_and_is_counted_when_its_client_leaves() -> None:
    with serving(Options(hanging=1.0)) as client:
        with pytest.raises(httpx2.ReadTimeout):
            client.post(
                "/v1/chat/completions",
                json={"model": "scholar-v1", "messages": [{"role": "user", "content": "hi"}]},
                timeout=0.3,
            )
        limit = time.monotonic() + 5
        while client.get("/stats").json()["under_way"] and time.monotonic() < limit:
            time.sleep(0.02)
        stats = client.get("/stats").json()
    assert (stats["total"], stats["by_status"], stats["troubles"]) == (1, {"499": 1}, {"hanging": 1})


def test_latency_is_waited_side_by_side() -> None:
    async def everybody(address: str) -> list[httpx2.Response]:
        async with httpx2.AsyncClient(base_url=address, trust_env=False, timeout=20) as client:
            body = {"model": "scholar-v1", "messages": [{"role": "user", "content": HELLO}]}
            return await asyncio.gather(*(client.post("/v1/chat/completions", json=body) for _ in range(64)))

    with serving(Options(latency=0.5)) as client:
        began = time.monotonic()
        answers = asyncio.run(everybody(str(client.base_url)))
        took = time.monotonic() - began
    assert {said(answer) for answer in answers} == {"greeting"}
    assert 0.5 <= took < 5


@pytest.mark.parametrize("options", ["Options(hanging=1.0)", "Options(latency=60.0)"])
def test_sigterm_ends_a_server_with_waiting_requests_in_under_two_seconds(options: str) -> None:
    port = free_port()
    server = subprocess.Popen([sys.executable, "-c", SERVE.format(options=options), str(port)])
    try:
        wait_until_healthy(f"http://127.0.0.1:{port}")
        statuses, took = asyncio.run(_end_while_waiting(port, server))
    finally:
        server.kill()
        server.wait()
    assert statuses == {503}
    assert took < 2


async def _end_while_waiting(port: int, server: "subprocess.Popen[bytes]") -> tuple[set[int], float]:
    body = {"model": "scholar-v1", "messages": [{"role": "user", "content": HELLO}]}
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=20) as client:
        waiting = [asyncio.create_task(client.post("/v1/chat/completions", json=body)) for _ in range(10)]
        while (await client.get("/stats")).json()["under_way"] < 10:
            await asyncio.sleep(0.02)
        began = time.monotonic()
        server.send_signal(signal.SIGTERM)
        answers = await asyncio.gather(*waiting)
        await asyncio.to_thread(server.wait, 20)
        return {answer.status_code for answer in answers}, time.monotonic() - began
