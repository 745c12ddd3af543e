"""Journeys of a run of purchases against a scripted server: what is bought, counted, saved, and when it stops."""

import signal
import threading
import time
from collections.abc import Sequence

import pytest

from app.errors import EndpointFailure
from app.gateway.calls import Purchase, Request
from tests.gateway.counter import KEY, Counter, ask, asks, limits, target
from tests.gateway.scripted import Answer, Hit, completion, refusal, serving


def echo(hit: Hit) -> Answer:
    return completion(f"to {hit.text}", id=f"reply-{hit.number}")


class LeaseLost(Exception):
    pass


def test_every_request_is_bought_once_and_comes_back_under_its_key() -> None:
    counter = Counter()
    with serving(echo) as server:
        assert counter.buy(asks(server, 120)) is True
        assert len(server.hits) == counter.permitted == 120
    assert {key: one.text for key, one in counter.by_key.items()} == {f"q{n}": f"to q{n}" for n in range(120)}
    one = counter.by_key["q3"]
    assert (one.ok, one.endpoint, one.served_by, one.finish_reason) == (True, "e1", "e1", "stop")
    assert one.model == "served-model"
    assert (one.prompt_tokens, one.completion_tokens, one.attempts, one.error) == (7, 2, 1, "")
    assert one.fingerprint == "fp_1"
    assert one.request_id.startswith("reply-")


def test_the_wire_carries_what_was_asked_and_nothing_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY"):
        monkeypatch.setenv(name, "secret-of-the-house")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-House: secret-of-the-house\nAuthorization: secret-of-the-house")
    with serving(echo) as server:
        Counter().buy(asks(server, 1))
        keyless = target(server, api_key="")
        Counter().buy([ask("keyless", keyless)])
        first, second = server.hits
    assert first.path == "/v1/chat/completions"
    assert first.body == {
        "model": "small",
        "messages": [{"role": "user", "content": "q0"}],
        "temperature": 0.0,
        "max_tokens": 16,
        "seed": 5,
    }
    assert first.headers["authorization"] == f"Bearer {KEY}"
    assert "authorization" not in second.headers
    assert "secret-of-the-house" not in str(first.headers) + str(second.headers)


def test_a_lone_surrogate_in_a_prompt_does_not_break_the_call() -> None:
    with serving(echo) as server:
        counter = Counter()
        assert counter.buy([ask("odd \ud800 mark", target(server))])
        assert server.hits[0].text == "odd ? mark"


def test_in_flight_is_bounded_and_used() -> None:
    with serving(lambda hit: Answer(body=completion("x").body, delay=0.03)) as server:
        Counter().buy(asks(server, 60), limits(in_flight=5))
        assert server.most == 5
        assert server.connections == 5


@pytest.mark.parametrize("cap", [0, 1, 7, 30])
def test_the_cap_bounds_the_wire_exactly_and_what_was_bought_is_recorded(cap: int) -> None:
    counter = Counter(cap=cap)
    with serving(lambda hit: Answer(body=completion("x").body, delay=0.02)) as server:
        assert counter.buy(asks(server, 40)) is False
        assert len(server.hits) == cap
    assert len(counter.bought) == cap
    assert all(one.ok for one in counter.bought)


def test_the_cap_counts_retries_and_a_call_it_cuts_short_is_logged() -> None:
    counter = Counter(cap=3)
    with serving(lambda hit: refusal(500, "oops", {"Retry-After": "0.05"})) as server:
        assert counter.buy(asks(server, 1)) is False
        assert len(server.hits) == 3
    (only,) = counter.bought
    assert (only.ok, only.attempts) == (False, 3)
    assert "cap on calls" in only.error


def test_the_cap_is_told_which_request_it_is_asked_for_retries_too() -> None:
    counter = Counter()
    with serving(lambda hit: refusal(500, "oops") if hit.number == 1 else echo(hit)) as server:
        counter.buy(asks(server, 2), limits(in_flight=1))
    assert counter.asked_for == {"q0": 2, "q1": 1}


def test_a_cap_that_suffices_exactly_is_no_refusal() -> None:
    with serving(echo) as server:
        assert Counter(cap=20).buy(asks(server, 20)) is True


def test_a_call_that_waits_for_a_retry_gives_its_slot_back() -> None:
    def script(hit: Hit) -> Answer:
        first = [seen.text for seen in server.hits].count(hit.text) == 1
        return refusal(429, "slow down", {"Retry-After": "1.0"}) if hit.text in {"q0", "q7"} and first else echo(hit)

    counter = Counter()
    with serving(script) as server:
        began = time.monotonic()
        assert counter.buy(asks(server, 60), limits(in_flight=1))
        seconds = time.monotonic() - began
        order = [hit.text for hit in server.hits]
    assert order.index("q59") < len(order) - 2, "all others were asked while the two waited"
    assert sorted(order[-2:]) == ["q0", "q7"]
    assert 1.0 <= seconds < 1.9, "the two waits ran side by side"
    assert counter.by_key["q0"].attempts == 2


def test_the_calls_that_wait_are_bounded_too() -> None:
    """Every first attempt meets a long wait: not all 200 may be started before one of them is over."""
    counter = Counter()
    with serving(lambda hit: refusal(500, "oops", {"Retry-After": "0.5"})) as server:
        with pytest.raises(EndpointFailure):
            counter.buy(
                asks(server, 200), limits(in_flight=4, call_attempts=2, failures_tolerated=1, call_deadline=2.0)
            )
        assert len({hit.text for hit in server.hits}) <= 4 * 4 + 4


def test_batches_are_small_prompt_and_in_order_of_arrival() -> None:
    counter = Counter()
    with serving(lambda hit: Answer(body=echo(hit).body, delay=0.01)) as server:
        counter.buy(asks(server, 70), limits(save_every=8, save_seconds=5.0, in_flight=1))
    assert [len(batch) for batch in counter.batches if batch] == [8] * 8 + [6]
    assert [one.key for one in counter.bought] == [f"q{n}" for n in range(70)]


def test_what_came_is_saved_before_it_is_old() -> None:
    saved: dict[str, float] = {}
    answered: dict[str, float] = {}

    def script(hit: Hit) -> Answer:
        answered[hit.text] = time.monotonic() + (0.9 if hit.text == "q1" else 0.0)
        return Answer(body=echo(hit).body, delay=0.9 if hit.text == "q1" else 0.0)

    def keep(batch: Sequence[Purchase]) -> None:
        saved.update({one.key: time.monotonic() for one in batch})

    with serving(script) as server:
        Counter(recording=keep).buy(asks(server, 2), limits(save_seconds=0.2))
    assert 0.15 < saved["q0"] - answered["q0"] < 0.45


def test_a_beat_comes_while_nothing_arrives() -> None:
    counter = Counter()
    with serving(lambda hit: Answer(body=echo(hit).body, delay=0.55)) as server:
        counter.buy(asks(server, 1), limits(beat_seconds=0.1))
    assert 3 <= sum(not batch for batch in counter.batches) <= 6
    assert len(counter.bought) == 1


def test_an_exception_of_record_cancels_what_is_under_way_and_goes_through() -> None:
    def lose(batch: Sequence[Purchase]) -> None:
        raise LeaseLost("somebody else has this job")

    counter = Counter(recording=lose)
    with serving(lambda hit: Answer(body=echo(hit).body, delay=0.0 if hit.number == 1 else 20.0)) as server:
        began = time.monotonic()
        with pytest.raises(LeaseLost):
            counter.buy(asks(server, 20), limits(save_every=1))
        assert time.monotonic() - began < 3
        assert len(server.hits) <= 9
    assert len(counter.batches) == 1, "a record that failed is not called again"


def test_a_beat_that_fails_stops_the_run_as_well() -> None:
    def lose(batch: Sequence[Purchase]) -> None:
        raise LeaseLost("somebody else has this job")

    with serving(lambda hit: Answer(body=echo(hit).body, delay=20.0)) as server, pytest.raises(LeaseLost):
        Counter(recording=lose).buy(asks(server, 3), limits(beat_seconds=0.1))


def test_a_broken_source_of_requests_loses_nothing_that_was_bought() -> None:
    counter = Counter()
    with serving(echo) as server:
        good = asks(server, 3)

        def source() -> object:
            yield from good
            time.sleep(0.2)
            raise LeaseLost("the database went away")

        with pytest.raises(LeaseLost):
            counter.buy(source(), limits(in_flight=1, save_seconds=60))  # type: ignore[arg-type]
    assert set(counter.by_key) == {"q0", "q1", "q2"}


def test_ctrl_c_records_what_came_and_goes_on_up() -> None:
    counter = Counter()

    def script(hit: Hit) -> Answer:
        if hit.text == "q3":
            threading.Timer(0.3, signal.pthread_kill, [threading.main_thread().ident, signal.SIGINT]).start()
        return Answer(body=echo(hit).body, delay=20.0 if hit.text == "q3" else 0.0)

    with serving(script) as server, pytest.raises(KeyboardInterrupt):
        counter.buy(asks(server, 4), limits(in_flight=1, save_seconds=60))
    assert set(counter.by_key) == {"q0", "q1", "q2"}


def test_an_exit_asked_for_inside_the_run_records_what_came_and_goes_on_up() -> None:
    counter = Counter()

    class Leaving(Counter):
        def permit(self, request: Request) -> bool:
            if self.permitted == 2:
                raise SystemExit(0)
            return super().permit(request)

    counter = Leaving()
    with serving(echo) as server, pytest.raises(SystemExit):
        counter.buy(asks(server, 9), limits(in_flight=1, save_seconds=60))
    assert set(counter.by_key) == {"q0", "q1"}


def test_two_endpoints_are_served_in_one_run_each_with_its_own_key() -> None:
    counter = Counter()
    with serving(echo) as one, serving(echo) as other:
        second = target(other, endpoint="e2", api_key="sk-second-key-000000", model="large")
        counter.buy([ask("a", target(one)), ask("b", second), ask("c", target(one))])
        assert {hit.text for hit in one.hits} == {"a", "c"}
        assert [hit.headers["authorization"] for hit in other.hits] == ["Bearer sk-second-key-000000"]
    assert counter.by_key["b"].endpoint == "e2"


def test_no_requests_is_a_run_that_succeeds() -> None:
    assert Counter().buy([]) is True
