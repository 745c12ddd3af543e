"""When a candidate may be dropped, and when one of two is ahead."""

import subprocess
import sys
from math import comb, factorial, prod
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from app.domain.racing import DROP_AT, STAKES, counts, decisive, drop_evidence, looks, promotion_evidence, race

COUNT = st.integers(0, 60)
DELTA = st.sampled_from((-0.05, 0.0, 0.02, 0.1))


@pytest.mark.parametrize(
    ("n", "expected"),
    [
        (0, ()),
        (1, (1,)),
        (49, (49,)),
        (50, (50,)),
        (51, (50, 51)),
        (300, (50, 100, 150, 200, 300)),
        (420, (50, 100, 150, 200, 300, 400, 420)),
    ],
)
def test_the_last_look_is_all_examples(n: int, expected: tuple[int, ...]) -> None:
    assert looks(n) == expected


def test_marks_may_come_in_any_order() -> None:
    assert looks(25, marks=(20, 10, 20, 0, 30)) == (10, 20, 25)


def test_wins_losses_and_ties_are_counted_item_by_item() -> None:
    assert counts([True, True, False, False, True], [True, False, True, False, False]) == (2, 1, 2)
    assert counts([], []) == (0, 0, 0)


def test_answers_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        counts([True], [])


@given(st.lists(st.sampled_from((-1, 0, 1)), max_size=40), DELTA)
def test_drop_evidence_is_the_product_of_the_bets_item_by_item(items: list[int], delta: float) -> None:
    stakes = [share / (1 + abs(delta)) for share in STAKES]
    wealth = sum(prod(1 - stake * (d - delta) for d in items) for stake in stakes) / len(stakes)
    assert drop_evidence(items.count(1), items.count(-1), items.count(0), delta) == pytest.approx(wealth)


@pytest.mark.parametrize("delta", [0.0, 0.02])
@pytest.mark.parametrize("discordance", [0.1, 0.4])
def test_the_mean_of_drop_evidence_is_one_where_the_hypothesis_just_holds(delta: float, discordance: float) -> None:
    n, win, lose = 12, (discordance + delta) / 2, (discordance - delta) / 2
    mean = sum(
        factorial(n) // (factorial(w) * factorial(t) * factorial(n - w - t))
        * win**w * lose ** (n - w - t) * (1 - discordance) ** t
        * drop_evidence(w, n - w - t, t, delta)
        for w in range(n + 1) for t in range(n + 1 - w)
    )  # fmt: skip
    assert mean == pytest.approx(1.0)


def test_a_candidate_that_is_better_is_seldom_dropped_at_any_look() -> None:
    rng = np.random.default_rng(7)

    def dropped() -> bool:
        d = rng.choice((1, -1, 0), size=300, p=(0.11, 0.09, 0.8)).tolist()
        seen = [d[:n] for n in looks(300)]
        return any(drop_evidence(x.count(1), x.count(-1), x.count(0), 0.02) >= DROP_AT for x in seen)

    assert 0 < sum(dropped() for _ in range(1000)) <= 100  # a tenth by Ville; never would save nothing


def test_a_candidate_that_loses_often_is_dropped_early() -> None:
    assert drop_evidence(wins=2, losses=18, ties=30, delta=0.02) >= DROP_AT


@given(COUNT, COUNT, COUNT, DELTA)
def test_a_further_loss_speaks_for_dropping_and_a_win_against(wins: int, losses: int, ties: int, delta: float) -> None:
    now = drop_evidence(wins, losses, ties, delta)
    assert drop_evidence(wins + 1, losses, ties, delta) < now < drop_evidence(wins, losses + 1, ties, delta)


@pytest.mark.parametrize(("wins", "losses"), [(0, 0), (1, 0), (0, 4), (8, 3), (40, 40), (150, 90)])
def test_promotion_evidence_is_the_integral_over_the_upper_half(wins: int, losses: int) -> None:
    integral, _ = quad(lambda p: 2 * (2 * p) ** wins * (2 - 2 * p) ** losses, 0.5, 1, epsabs=0, epsrel=1e-10, limit=200)
    assert promotion_evidence(wins, losses) == pytest.approx(integral, rel=1e-8)


@pytest.mark.parametrize("discordant", [1, 5, 30])
def test_the_mean_of_promotion_evidence_is_one_for_a_fair_coin(discordant: int) -> None:
    mean = sum(comb(discordant, w) * promotion_evidence(w, discordant - w) for w in range(discordant + 1))
    assert mean / 2**discordant == pytest.approx(1.0)


@pytest.mark.parametrize(("wins", "losses"), [(20_000, 0), (0, 20_000), (20_000, 19_000), (9_000, 20_000)])
def test_evidence_never_overflows(wins: int, losses: int) -> None:
    for value in (promotion_evidence(wins, losses), drop_evidence(wins, losses, 10**6, 0.02)):
        assert 0 <= value < 1e300


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [(0, 0, False), (7, 0, False), (8, 0, True), (0, 8, True), (15, 5, False), (30, 9, True), (200, 190, False)],
)
def test_an_outcome_is_decisive_when_the_mean_evidence_is_twenty(left: int, right: int, expected: bool) -> None:
    assert decisive(left, right) is expected
    assert decisive(right, left) is expected


def test_racing_and_accuracy_leave_numpy_and_scipy_alone() -> None:
    program = (
        "import sys\n"
        "from app.domain import comparing, racing\n"
        "from app.domain.goals import Goal\n"
        "from app.domain.metrics import measure\n"
        "racing.decisive(9, 2), racing.drop_evidence(3, 9, 20, 0.02)\n"
        "measure(Goal('accuracy'), [0, 1], [0, -1], 2)\n"
        "comparing.compare(Goal('accuracy'), [0, 1], [0, -1], [0, 1], 2, seed=1)\n"
        "sys.exit(bool({'numpy', 'scipy'} & set(sys.modules)))\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def _wins(right: list[list[bool]]) -> list[list[int]]:
    return [[sum(a and not b for a, b in zip(one, other, strict=True)) for other in right] for one in right]


RIGHTS = st.integers(1, 40).flatmap(
    lambda n: st.lists(st.lists(st.booleans(), min_size=n, max_size=n), min_size=1, max_size=5)
)


@given(RIGHTS, DELTA)
def test_a_race_drops_who_any_other_has_enough_evidence_against(right: list[list[bool]], delta: float) -> None:
    wins, n = _wins(right), len(right[0])
    wanted = [
        i
        for i in range(len(right))
        if any(
            i != j and drop_evidence(wins[i][j], wins[j][i], n - wins[i][j] - wins[j][i], delta) >= 2
            for j in range(len(right))
        )
    ]
    assert race(wins, n, delta, threshold=2) == tuple(wanted)


@given(RIGHTS, st.randoms())
def test_the_order_of_candidates_and_items_does_not_change_a_race(right: list[list[bool]], random: Random) -> None:
    order = random.sample(range(len(right)), len(right))
    items = random.sample(range(len(right[0])), len(right[0]))
    turned = [[right[row][item] for item in items] for row in order]
    dropped = {order[place] for place in race(_wins(turned), len(items), threshold=2)}
    assert dropped == set(race(_wins(right), len(items), threshold=2))


@given(RIGHTS)
def test_who_is_right_most_often_stays_in_a_race_of_all_against_all(right: list[list[bool]]) -> None:
    best = max(range(len(right)), key=lambda place: sum(right[place]))
    assert best not in race(_wins(right), len(right[0]), threshold=1.0001)


def test_a_race_drops_the_far_worse_one_at_once() -> None:
    assert race([[0, 2, 0], [25, 0, 1], [25, 3, 0]], 50) == (0,)
    assert race([], 0) == ()
