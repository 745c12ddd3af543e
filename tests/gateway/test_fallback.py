"""Journeys past an endpoint that is down, broken or crowded: waited out, or served by its fallbacks."""

import time
from collections import Counter as Counts

import pytest

from app.errors import EndpointFailure
from app.gateway.calls import Request
from tests.gateway.counter import Counter, ask, asks, limits, target
from tests.gateway.scripted import Answer, Hit, Script, Server, completion, refusal, serving


def steady(name: str, delay: float = 0.02) -> Script:
    return lambda hit: Answer(body=completion(name).body, delay=delay)


def outage(name: str, begins: float, ends: float, down: Answer) -> Script:
    """Answers, but for a time; seconds run from the 25th request, by when some have their answers on any machine."""
    asked: list[float] = []

    def script(hit: Hit) -> Answer:
        asked.append(time.monotonic())
        away = len(asked) > 24 and begins < asked[-1] - asked[24] < ends
        return down if away else steady(name)(hit)

    return script


def with_fallbacks(count: int, primary: Server, *others: Server) -> list[Request]:
    at = target(primary, endpoint="primary")
    route = tuple(target(one, endpoint=f"other{n}", model=f"model{n}") for n, one in enumerate(others))
    return [ask(f"q{number}", at, fallbacks=route) for number in range(count)]


DOWN = {"drops": Answer(drop=True), "503": refusal(503, "down", {"Retry-After": "0.2"}), "hangs": Answer(delay=0.4)}


@pytest.mark.parametrize("how", DOWN)
def test_a_server_that_is_down_is_waited_out_with_one_look_at_a_time(how: str) -> None:
    down = Answer(502, b"", delay=0.4) if how == "hangs" else DOWN[how]
    counter = Counter()
    with serving(outage("alive", 0.3, 2.8, down)) as server:
        began = time.monotonic()
        assert counter.buy(asks(server, 200), limits(in_flight=8, call_attempts=2))
        assert time.monotonic() - began < 8
        assert len(server.hits) <= 200 + 2 * 8 + 6
    assert [one.ok for one in counter.bought] == [True] * 200
    assert sum(one.attempts for one in counter.bought) == len(server.hits) == counter.permitted


def test_a_few_calls_wait_a_server_out_although_each_has_few_attempts() -> None:
    began = time.monotonic()

    def script(hit: Hit) -> Answer:
        up = hit.number <= 2 or time.monotonic() - began > 2.0
        return steady("alive", 0.0)(hit) if up else Answer(drop=True)

    counter = Counter()
    with serving(script) as server:
        assert counter.buy(asks(server, 5), limits(in_flight=4))
    assert [one.ok for one in counter.bought] == [True] * 5


def test_a_server_that_never_answered_is_given_up_when_the_attempts_are_used_up() -> None:
    """A wrong address, most likely: a person should hear of it long before the deadline."""
    counter = Counter()
    with serving(lambda hit: Answer(drop=True)) as server:
        began = time.monotonic()
        with pytest.raises(EndpointFailure, match="broke the connection"):
            counter.buy(asks(server, 2), limits(call_attempts=3, call_deadline=60.0))
        assert time.monotonic() - began < 10
        assert len(server.hits) == 6


def test_without_retries_no_call_is_sent_twice_whatever_happens() -> None:
    counter = Counter()
    with serving(outage("alive", 0.1, 1.0, Answer(drop=True))) as server:
        with pytest.raises(EndpointFailure):
            counter.buy(asks(server, 100), limits(in_flight=4, call_attempts=1, failures_tolerated=99))
        assert max(Counts(hit.text for hit in server.hits).values()) == 1
    assert {one.attempts for one in counter.bought} == {1}
    assert len(counter.bought) == 100


def test_a_server_that_stays_down_ends_the_run_after_the_deadline() -> None:
    counter = Counter()
    with serving(lambda hit: steady("once")(hit) if hit.number == 1 else Answer(drop=True)) as server:
        began = time.monotonic()
        with pytest.raises(EndpointFailure, match="broke the connection"):
            counter.buy(asks(server, 500), limits(call_deadline=2.0))
        assert 1.9 < time.monotonic() - began < 4
        assert len(server.hits) <= 8 + 8
    assert len(counter.bought) < 20, "what was never sent is not told of"


def test_an_outage_is_served_by_the_fallback_and_gone_back_from() -> None:
    counter = Counter()
    with serving(outage("primary", 0.4, 1.6, Answer(drop=True))) as one, serving(steady("other0")) as other:
        assert counter.buy(with_fallbacks(600, one, other), limits(in_flight=4, call_attempts=3))
        assert len(one.hits) <= 2 * (4 + 4) + sum(bought.served_by == "primary" for bought in counter.bought)
        assert {hit.body["model"] for hit in other.hits} == {"model0"}
    assert all(bought.ok and bought.endpoint == "primary" for bought in counter.bought)
    assert all(bought.text == bought.served_by for bought in counter.bought)
    served = [bought.served_by for bought in counter.bought]
    assert served[:20] == ["primary"] * 20
    assert 50 < served.count("other0") < 500
    assert served[-20:] == ["primary"] * 20


def test_a_call_that_used_its_attempts_up_goes_on_to_the_fallback_alone() -> None:
    def script(hit: Hit) -> Answer:
        return refusal(500, "not this one", {"Retry-After": "0.01"}) if hit.text == "q3" else steady("primary")(hit)

    counter = Counter()
    with serving(script) as one, serving(steady("other0")) as other:
        assert counter.buy(with_fallbacks(20, one, other), limits(call_attempts=2))
        assert [hit.text for hit in other.hits] == ["q3"]
    assert {key for key, bought in counter.by_key.items() if bought.served_by != "primary"} == {"q3"}
    assert counter.by_key["q3"].attempts == counter.asked_for["q3"] == 3


@pytest.mark.parametrize("answer", [refusal(401, "bad key"), refusal(404, "model 'small' does not exist")])
def test_an_endpoint_that_fails_for_good_is_left_to_its_fallback(answer: Answer) -> None:
    counter = Counter()
    with serving(lambda hit: answer) as one, serving(steady("other0")) as other:
        assert counter.buy(with_fallbacks(50, one, other), limits(in_flight=4))
        assert len(one.hits) <= 4
    assert {(bought.ok, bought.served_by) for bought in counter.bought} == {(True, "other0")}
    assert len(counter.by_key) == 50


def test_a_key_that_cannot_be_sent_is_left_to_the_fallback_too() -> None:
    counter = Counter()
    with serving(steady("primary")) as one, serving(steady("other0")) as other:
        broken = target(one, endpoint="primary", api_key="two\nlines")
        assert counter.buy([ask("a", broken, fallbacks=(target(other, endpoint="other0"),))])
        assert one.connections == 0
    assert (counter.by_key["a"].served_by, counter.by_key["a"].attempts) == ("other0", 1)


def test_fallbacks_are_asked_in_their_order_and_the_first_fault_is_told_when_none_is_left() -> None:
    counter = Counter()
    no = [refusal(401, "first word"), refusal(403, "second word"), refusal(402, "third word")]
    with serving(lambda hit: no[0]) as one, serving(lambda hit: no[1]) as two, serving(lambda hit: no[2]) as three:
        with pytest.raises(EndpointFailure, match="first word") as failure:
            counter.buy(with_fallbacks(30, one, two, three), limits(in_flight=2))
        assert all(1 <= len(server.hits) <= 2 for server in (one, two, three))
    assert failure.value.lasting


def test_one_deadline_holds_over_all_endpoints() -> None:
    def hang(hit: Hit) -> Answer:
        return Answer(delay=30.0)

    counter = Counter()
    with serving(hang) as one, serving(hang) as other:
        began = time.monotonic()
        with pytest.raises(EndpointFailure, match="did not answer"):
            counter.buy(with_fallbacks(1, one, other), limits(call_deadline=1.5, call_attempts=1))
        assert 1.4 < time.monotonic() - began < 2.2
        assert (len(one.hits), len(other.hits)) == (1, 1)
    assert counter.bought[0].served_by == "other0"


def test_each_endpoint_is_sent_the_parameters_it_takes() -> None:
    def script(hit: Hit) -> Answer:
        if "max_tokens" in hit.body:
            return refusal(400, "Use max_completion_tokens.", param="max_tokens")
        return steady("other0")(hit)

    counter = Counter()
    with serving(lambda hit: refusal(401, "no")) as one, serving(script) as other:
        assert counter.buy(with_fallbacks(20, one, other), limits(in_flight=1))
        assert len(other.hits) == 21
    assert counter.lessons == [("other0", frozenset(), (("max_tokens", "max_completion_tokens"),))]


def test_the_cap_counts_what_the_fallback_is_sent() -> None:
    counter = Counter(cap=5)
    with serving(lambda hit: Answer(drop=True)) as one, serving(steady("other0")) as other:
        assert counter.buy(with_fallbacks(20, one, other), limits(in_flight=1)) is False
        assert len(one.hits) + len(other.hits) == 5


def test_a_server_that_asks_to_slow_down_is_waited_for_and_not_fallen_back_from() -> None:
    taken: list[float] = []

    def script(hit: Hit) -> Answer:
        now = time.monotonic()
        taken[:] = [one for one in taken if now - one < 0.3]
        if len(taken) >= 10:
            return refusal(429, "rate limit", {"Retry-After": "0.3"})
        taken.append(now)
        return steady("primary", 0.0)(hit)

    counter = Counter()
    with serving(script) as one, serving(steady("other0")) as other:
        assert counter.buy(with_fallbacks(60, one, other), limits(in_flight=4, call_attempts=9))
        assert other.hits == []
    assert {bought.served_by for bought in counter.bought} == {"primary"}


def test_a_wait_longer_than_the_deadline_is_left_to_the_fallback() -> None:
    counter = Counter()
    with (
        serving(lambda hit: refusal(429, "come back tomorrow", {"Retry-After": "86400"})) as one,
        serving(steady("other0")) as other,
    ):
        assert counter.buy(with_fallbacks(60, one, other), limits(in_flight=4))
        assert len(one.hits) <= 8
    assert {bought.served_by for bought in counter.bought} == {"other0"}


def test_a_server_that_rests_does_not_starve_another_in_the_same_run() -> None:
    full = refusal(429, "full", {"Retry-After": "1.0"})
    done: list[float] = []

    def script(hit: Hit) -> Answer:
        done.append(time.monotonic())
        return steady("well", 0.0)(hit)

    counter = Counter()
    first: list[float] = []

    def resting(hit: Hit) -> Answer:
        first.append(time.monotonic())
        return full if time.monotonic() - first[0] < 0.5 else steady("rested", 0.0)(hit)

    with serving(resting) as one, serving(script) as other:
        crowded, well = target(one, endpoint="crowded"), target(other, endpoint="well", api_key="sk-other")
        mixed = [ask(f"c{n}", crowded) for n in range(100)] + [ask(f"w{n}", well) for n in range(100)]
        assert counter.buy(mixed, limits(in_flight=4))
        assert len(one.hits) <= 100 + 8
    assert len(done) == 100
    assert max(done) < first[0] + 0.9, "all were asked while the first server rested"


def test_a_limit_that_is_used_up_is_waited_for_instead_of_being_run_into() -> None:
    """Twenty requests in each window of half a second, as the headers say; nothing else warns."""
    window = {"began": 0.0, "left": 0}

    def script(hit: Hit) -> Answer:
        now = time.monotonic()
        if now - window["began"] >= 0.5:
            window.update(began=now, left=20)
        reset = f"{max(0, round((window['began'] + 0.5 - now) * 1000))}ms"
        if not window["left"]:
            return refusal(429, "rate limit")
        window["left"] -= 1
        headers = {"x-ratelimit-limit-requests": "20", "x-ratelimit-remaining-requests": str(window["left"])}
        body = completion("x").body
        return Answer(body=body, headers={**headers, "x-ratelimit-reset-requests": reset}, delay=0.01)

    counter = Counter()
    with serving(script) as server:
        assert counter.buy(asks(server, 70), limits(in_flight=4))
        assert len(server.hits) <= 70 + 4
    assert all(one.ok for one in counter.bought)
