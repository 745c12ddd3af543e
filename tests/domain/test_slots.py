"""Who may have how many requests under way."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.slots import HOLD_SECONDS, TURN_SECONDS, Register, assigned, left, living, shares

START = 1_700_000_000.0


@pytest.mark.parametrize(
    ("limit", "wants", "turn", "expected"),
    [
        (10, [], 0, []),
        (10, [4], 0, [4]),
        (10, [40], 0, [10]),
        (10, [40, 40], 0, [5, 5]),
        (10, [2, 40], 0, [2, 8]),
        (10, [0, 40], 0, [0, 10]),
        (11, [9, 9, 9], 5, [4, 4, 3]),
        (12, [1, 3, 90, 90], 0, [1, 3, 4, 4]),
        (2, [9, 9, 9], 0, [1, 1, 0]),
        (2, [9, 9, 9], 1, [0, 1, 1]),
        (2, [9, 9, 9], 2, [1, 0, 1]),
        (2, [9, 0, 9, 9], 1, [0, 0, 1, 1]),
        (0, [9], 0, [0]),
    ],
)
def test_shares_are_equal_but_for_those_who_want_less(
    limit: int, wants: list[int], turn: int, expected: list[int]
) -> None:
    assert shares(limit, wants, turn) == expected


@given(st.integers(0, 50), st.lists(st.integers(0, 30), max_size=12), st.integers(0, 40))
def test_shares_leave_nothing_that_somebody_could_use(limit: int, wants: list[int], turn: int) -> None:
    given_ = shares(limit, wants, turn)
    assert sum(given_) == min(limit, sum(wants))
    assert all(0 <= share <= want for share, want in zip(given_, wants, strict=True))


def told(register: Register, limit: int | None, *asks: tuple[str, str, int, int], now: float = START) -> list[int]:
    """What holders get who ask one after another: name, party, wanted and under way."""
    answers = []
    for name, party, wanted, under_way in asks:
        register, slots = assigned(register, limit, name, party, wanted, under_way, now)
        answers.append(slots)
    return answers


@pytest.mark.parametrize(
    ("limit", "asks", "expected"),
    [
        pytest.param(None, [("a", "p", 70, 0), ("b", "p", 80, 0)], [70, 80], id="no limit"),
        pytest.param(8, [("a", "p", 70, 0)], [8], id="the first may use all"),
        pytest.param(8, [("a", "p", 3, 0), ("b", "p", 9, 0)], [3, 5], id="what the idle leave"),
        pytest.param(8, [("a", "p", 9, 0), ("b", "p", 9, 0)], [8, 0], id="a newcomer waits"),
        pytest.param(
            8, [("a", "p", 9, 0), ("b", "p", 9, 0), ("a", "p", 9, 6), ("b", "p", 9, 0), ("a", "p", 9, 4), ("b", "p", 9, 2)],
            [8, 0, 4, 2, 4, 4], id="and grows as requests end",
        ),
        pytest.param(
            9, [("a", "p", 9, 0), ("b", "p", 9, 0), ("c", "q", 9, 0), ("a", "p", 9, 0), ("b", "p", 9, 0), ("c", "q", 9, 0)],
            [9, 0, 0, 3, 2, 4], id="parties before holders",
        ),
        pytest.param(4, [("a", "p", -3, 0), ("b", "p", 9, 0)], [0, 4], id="a negative want is none"),
    ],
)  # fmt: skip
def test_slots_of_holders(limit: int | None, asks: Sequence[tuple[str, str, int, int]], expected: list[int]) -> None:
    assert told(Register(), limit, *asks) == expected


def test_slots_of_a_dead_holder_are_free_after_its_time() -> None:
    register, _ = assigned(Register(), 8, "dead", "p", 8, 8, START)
    assert told(register, 8, ("b", "p", 8, 0), now=START + HOLD_SECONDS - 0.1) == [0]
    assert told(register, 8, ("b", "p", 8, 0), now=START + HOLD_SECONDS) == [8]


def test_slots_of_one_who_leaves_are_free_at_once() -> None:
    register, _ = assigned(Register(), 8, "a", "p", 8, 8, START)
    assert told(left(register, "a", START), 8, ("b", "p", 8, 0)) == [8]


def test_holders_live_on_when_the_clock_is_set_back() -> None:
    register, _ = assigned(Register(), 8, "a", "p", 8, 8, START)
    register = living(register, START - 5000)
    assert [holder.until for holder in register.holders] == [START - 5000 + HOLD_SECONDS]
    assert living(register, START - 5000 + HOLD_SECONDS).holders == ()


NAMES = st.sampled_from("abcdef")
STEP = st.tuples(NAMES, st.sampled_from(("hear", "hear", "hear", "die", "leave")), st.integers(0, 12), st.floats(0, 3))


@given(st.integers(1, 12), st.lists(STEP, max_size=80), st.data())
def test_slots_never_pass_the_limit_while_holders_come_and_go(
    limit: int, steps: list[tuple[str, str, int, float]], data: st.DataObject
) -> None:
    """A holder starts nothing beyond its slots; whatever it started may go on for as long as it likes."""
    register, now = Register(), START
    slots: dict[str, int] = {}
    under_way: dict[str, int] = {}
    for name, what, wanted, pause in steps:
        now += min(pause, 1.0)
        for other in slots:  # everybody alive is heard before its time is over
            register, slots[other] = assigned(
                register, limit, other, (other < "c" and "p") or "q", 5, under_way[other], now
            )
            ceiling = max(slots[other], under_way[other])
            under_way[other] = data.draw(st.integers(0, ceiling))
        if what == "hear":
            begun = under_way.get(name, 0)
            register, slots[name] = assigned(register, limit, name, (name < "c" and "p") or "q", wanted, begun, now)
            under_way[name] = data.draw(st.integers(0, max(slots[name], begun)))
        else:
            register = left(register, name, now)
            slots.pop(name, None)
            under_way.pop(name, None)
        assert sum(slots.values()) <= limit
        assert sum(under_way.values()) <= limit


@given(st.integers(1, 6), st.lists(st.tuples(st.sampled_from("pqrs"), st.integers(1, 9)), min_size=1, max_size=8))
def test_no_holder_starves(limit: int, wants: list[tuple[str, int]]) -> None:
    """Requests take no time here: every second each holder is heard, and each is given something in time."""
    register, got = Register(), [0] * len(wants)
    parties = len({party for party, _ in wants})
    seconds = round(TURN_SECONDS) * (len(wants) + 1) * (parties + 1) * 2
    for second in range(seconds):
        for place, (party, wanted) in enumerate(wants):
            register, slots = assigned(register, limit, str(place), party, wanted, 0, START + second)
            got[place] += slots
    assert min(got) > 0


def test_two_parties_have_the_same_however_many_holders_work_for_them() -> None:
    register, got = Register(), {"p": 0, "q": 0}
    for second in range(60):
        for name in "abcdefg":
            party = "q" if name == "g" else "p"
            register, slots = assigned(register, 12, name, party, 12, 0, START + second)
            got[party] += slots if second > 5 else 0
    assert got["p"] == got["q"] == 54 * 6
