"""Examples of one group, and several answers to one example: neither tells more than it does."""

from collections.abc import Sequence
from dataclasses import replace
from math import nan, sqrt
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.answered import Answers
from app.domain.comparing import Difference, compare, compare_repeated, paired_interval
from app.domain.confirming import luck, recalls
from app.domain.goals import Goal, parse_goal
from app.domain.improving.arena import BattleResult, Contender, fight
from app.domain.improving.asks import Scored
from app.domain.improving.state import Rules
from app.domain.metrics import Estimate, least_half_width, measure, measure_all, wilson
from app.domain.shapes import of_labels
from app.domain.summaries import mean_of, summarise
from app.domain.units import first_of_each, units_of

TWO = of_labels(["ham", "spam"])
GOALS = [parse_goal(text) for text in ("accuracy", "macro_f1", "recall[spam]", "mcc", "accuracy - 0.01*tokens")]


def _worlds(seed: int, n: int) -> tuple[list[int], list[int], list[int]]:
    """Expected, and what two prompts answered, the second the better one."""
    dice = Random(seed)
    expected = [dice.randrange(2) for _ in range(n)]
    a, b = ([e if dice.random() < share else 1 - e for e in expected] for share in (0.7, 0.85))
    return expected, a, b


def _four_of_each(column: Sequence[int]) -> list[int]:
    return [one for one in column for _ in range(4)]


def test_examples_of_one_group_have_one_number_and_lone_ones_their_own() -> None:
    groups = {1: 5, 2: 5, 3: 8, 4: 9}
    assert units_of(groups, [1, 3, 2, 7, 8]) == (0, 1, 0, 2, 3)
    assert units_of(groups, [1, 1, 2, 2, 7]) == (0, 0, 0, 0, 1), "also of several answers"
    assert units_of(groups, [1, 3, 4, 7]) == (), "nobody's group has another one here"
    assert units_of(groups, [1, 1, 3]) == ()


def test_of_every_group_the_first_example_stands_alone() -> None:
    assert first_of_each("abcdef", (0, 1, 0, 2, 1, 3)) == ["a", "b", "d", "f"]
    assert first_of_each("abc", ()) == "abc"


def test_a_battle_is_not_decided_by_one_group() -> None:
    """Twenty sentences of one document that the right prompt alone gets right are one such document."""
    rules = Rules(goal="accuracy", labels=2, train_size=1, dev_size=40)
    expected, weak, strong = (1,) * 40, (0,) * 20 + (1,) * 20, (1,) * 40

    def fought(units: tuple[int, ...]) -> BattleResult:
        a, b = (Scored(expected, side, units=units) for side in (weak, strong))
        return fight(Contender("left", "a", a), Contender("right", "b", b), rules)

    alone, whole = fought(()), fought((0,) * 20 + tuple(range(1, 21)))
    assert (alone.decisive, alone.evidence) == (True, "B better")
    assert (whole.decisive, whole.evidence) == (False, "not enough evidence")
    assert (alone.outcome, whole.outcome, whole.only_right, whole.n) == ("right", "right", 20, 40)


@pytest.mark.parametrize("goal", GOALS, ids=str)
def test_copies_in_one_group_tell_no_more_than_the_example_itself(goal: Goal) -> None:
    expected, a, b = _worlds(1, 300)
    wanted, ours, theirs = (_four_of_each(column) for column in (expected, a, b))
    groups = _four_of_each(range(300))
    tokens = [{"tokens": [3.0] * 1200} for _ in range(2)]
    few = [{"tokens": [3.0] * 300} for _ in range(2)]
    whole = compare(goal, wanted, ours, theirs, TWO, 0, amounts=(tokens[0], tokens[1]), units=groups)
    lone = compare(goal, expected, a, b, TWO, 0, amounts=(few[0], few[1]))
    naive = compare(goal, wanted, ours, theirs, TWO, 0, amounts=(tokens[0], tokens[1]))
    assert whole.value == pytest.approx(lone.value, abs=1e-6)
    assert whole.high - whole.low == pytest.approx(lone.high - lone.low, rel=0.08)
    assert naive.high - naive.low == pytest.approx((lone.high - lone.low) / 2, rel=0.08), (
        "as if it had seen four times as much"
    )
    assert naive.p is not None
    assert lone.p is not None
    assert whole.p is not None
    assert naive.p < whole.p == pytest.approx(lone.p, abs=0.002)
    assert (whole.n, lone.n) == (1200, 300)
    drawn, alone = measure(goal, wanted, ours, TWO, tokens[0], groups), measure(goal, expected, a, TWO, few[0])
    assert drawn.high - drawn.low == pytest.approx(alone.high - alone.low, rel=0.08)
    assert paired_interval(goal, wanted, ours, theirs, TWO, amounts=(tokens[0], tokens[1]), units=groups).p is None


def _cluster_robust_error(values: Sequence[float], groups: Sequence[int]) -> float:
    """The standard error of a mean with errors clustered by group (Liang and Zeger 1986), CR1."""
    mean, sums = sum(values) / len(values), dict.fromkeys(groups, 0.0)
    for value, group in zip(values, groups, strict=True):
        sums[group] += value - mean
    return sqrt(sum(one * one for one in sums.values()) * len(sums) / (len(sums) - 1)) / len(values)


def test_the_interval_is_as_wide_as_cluster_robust_errors_are() -> None:
    """Of groups of unequal size, each of which is hard or easy as a whole."""
    dice = Random(3)
    groups = [group for group in range(150) for _ in range(dice.choice((1, 2, 5, 12)))]
    hard = [dice.random() for _ in range(150)]
    right = [int(dice.random() > hard[group]) for group in groups]
    width = 2 * 1.959964 * _cluster_robust_error(right, groups)
    found = measure(Goal("accuracy"), [1] * len(right), right, TWO, units=groups)
    assert found.value == pytest.approx(sum(right) / len(right), abs=1e-6)
    assert found.high - found.low == pytest.approx(width, rel=0.06)
    low, high = wilson(sum(right), len(right))
    assert found.high - found.low > 1.5 * (high - low)
    mean = mean_of([float(one) for one in right], range(len(right)), 1.0, groups)
    assert mean is not None
    assert mean.low is not None
    assert mean.high is not None
    assert mean.high - mean.low == pytest.approx(width, rel=1e-4)


def test_few_groups_leave_as_much_open_as_few_examples() -> None:
    found = measure(Goal("accuracy"), [1] * 500, [1] * 500, TWO, units=[n // 100 for n in range(500)])
    assert found == Estimate(1.0, round(1 - least_half_width(5), 6), 1.0, 500)
    alike = compare(Goal("accuracy"), [1] * 500, [1] * 500, [1] * 500, TWO, 0, units=[n // 100 for n in range(500)])
    assert alike == Difference(0.0, round(-least_half_width(5), 6), round(least_half_width(5), 6), 1.0, 500)


@pytest.mark.parametrize("goal", GOALS[:4], ids=str)
def test_the_same_answer_given_again_changes_nothing(goal: Goal) -> None:
    expected, a, b = _worlds(5, 120)
    once = [Answers(expected, side, range(120)) for side in (a, b)]
    examples = [one for one in range(120) for _ in range(3)]
    thrice = [
        Answers([e for e in expected for _ in range(3)], [one for one in side for _ in range(3)], examples)
        for side in (a, b)
    ]
    found = compare_repeated(goal, once[0], once[1], TWO, 0)
    assert compare_repeated(goal, thrice[0], thrice[1], TWO, 0) == found
    assert compare_repeated(goal, once[0], thrice[1], TWO, 0) == found, "one side may have more answers than the other"


def test_with_several_answers_no_rare_class_vanishes_from_a_draw_either() -> None:
    """Three examples of spam, all found: whatever is drawn has three, so that its recall is never nothing."""
    expected = [1] * 3 + [0] * 97
    once = Answers(expected, expected, range(100))
    twice = Answers(
        [e for e in expected for _ in "ab"], [e for e in expected for _ in "ab"], [n for n in range(100) for _ in "ab"]
    )
    found = compare_repeated(Goal("recall", "spam"), once, twice, TWO, 0)
    half = round(least_half_width(3), 6)
    assert (found.value, found.low, found.high) == (0.0, -half, half)
    lost = Answers(expected, [0] * 100, range(100))
    assert compare_repeated(Goal("recall", "spam"), lost, twice, TWO, 0).value == 1.0
    assert compare_repeated(Goal("recall", "spam"), lost, twice, TWO, 0).low == round(1 - least_half_width(3), 6)


def test_several_answers_take_the_luck_of_drawing_out_of_a_difference() -> None:
    """Two alike prompts that answer at random: with twenty answers each the difference has a fifth of the width left."""
    dice = Random(7)

    def side(samples: int) -> Answers:
        examples = [one for one in range(200) for _ in range(samples)]
        return Answers([1] * len(examples), [int(dice.random() < 0.6) for _ in examples], examples)

    one, twenty = (compare_repeated(Goal("accuracy"), side(n), side(n), TWO, 0) for n in (1, 20))
    assert twenty.high - twenty.low < 0.3 * (one.high - one.low)
    assert twenty.high - twenty.low > 2 * least_half_width(200)
    assert (one.n, twenty.n) == (200, 200)


def test_answers_of_other_examples_are_not_compared() -> None:
    with pytest.raises(ValueError, match="do not answer the same examples"):
        compare_repeated(Goal("accuracy"), Answers([1], [1], [1]), Answers([1], [1], [2]), TWO, 0)
    nothing = Answers((), (), ())
    assert compare_repeated(Goal("accuracy"), nothing, nothing, TWO, 0) == Difference(0.0, -1.0, 1.0, 1.0, 0)


def test_a_mean_score_is_of_the_examples_that_both_have_a_grade_of() -> None:
    a = Answers([0] * 5, [0] * 5, [1, 1, 2, 3, 4], {"score": [nan, 0.5, 1.0, 0.0, nan]})
    b = Answers([0] * 4, [0] * 4, [1, 2, 3, 4], {"score": [1.0, nan, 0.25, 1.0]})
    found = compare_repeated(Goal("mean_score"), a, b, of_labels(2), 0)
    assert found.value == pytest.approx((1.0 + 0.25) / 2 - (0.25 + 0.0) / (0.5 + 1), abs=1e-6)


answers = st.lists(
    st.tuples(st.integers(0, 1), st.integers(-1, 1), st.integers(-1, 1), st.integers(0, 5)), min_size=1, max_size=12
)


@given(answers, st.sampled_from(GOALS[:4]), st.randoms(use_true_random=False))
def test_neither_which_is_a_nor_the_order_of_examples_decides_anything(
    rows: list[tuple[int, int, int, int]], goal: Goal, dice: Random
) -> None:
    expected, a, b, units = (list(column) for column in zip(*rows, strict=True))
    there = compare(goal, expected, a, b, TWO, 0, 200, units=units)
    back = compare(goal, expected, b, a, TWO, 0, 200, units=units)
    assert (there.value, there.low, there.high, there.p) == (-back.value, -back.high, -back.low, back.p)
    widest = 1 if goal.is_share else 2
    assert -widest <= there.low <= there.value <= there.high <= widest or len(set(units)) == len(units)
    (score,) = measure_all([goal], expected, a, TWO, units=units)
    assert score.low <= score.value <= score.high
    dice.shuffle(rows)
    expected, a, b, units = (list(column) for column in zip(*rows, strict=True))
    assert compare(goal, expected, a, b, TWO, 0, 200, units=[7 - unit for unit in units]) == there
    assert measure_all([goal], expected, a, TWO, units=[7 - unit for unit in units]) == [score]


def test_a_holdout_report_and_a_campaign_draw_groups_whole() -> None:
    expected, a, b = (_four_of_each(column) for column in _worlds(9, 60))
    groups = tuple(_four_of_each(range(60)))
    start, best = (Scored(tuple(expected), tuple(side), units=groups) for side in (a, b))
    assert start.first(10).units == groups[:10]
    whole = luck(Goal("accuracy"), TWO, start, [best, start, best], 0)
    naive = luck(
        Goal("accuracy"), TWO, replace(start, units=()), [replace(one, units=()) for one in (best, start, best)], 0
    )
    assert whole.p is not None
    assert naive.p is not None
    assert whole.p > 5 * naive.p
    for ours, theirs in zip(recalls(TWO, start, best), recalls(TWO, replace(start, units=()), best), strict=True):
        assert (ours.name, ours.n, ours.start.value) == (theirs.name, theirs.n, theirs.start.value)
        assert ours.start.high - ours.start.low > 1.4 * (theirs.start.high - theirs.start.low)


def test_a_summary_says_how_many_were_drawn() -> None:
    def told(units: Sequence[int]) -> dict[str, Any]:
        given = Answers([0, 1, 0, 1], [0, 1, 1, 1], [1, 2, 3, 4], {"tokens": [1.0, 2.0, 3.0, 4.0]}, units)
        return summarise([Goal("accuracy")], TWO, given)

    assert told(())["units"] == 0
    whole = told([0, 0, 1, 2])
    assert whole["units"] == 3
    # Off the mean of 2.5 the units are -2, .5 and 1.5: CR1 of three
    assert whole["means"]["tokens"]["high"] == pytest.approx(2.5 + 1.959964 * sqrt(6.5 * 3 / 2) / 4, abs=1e-5)
