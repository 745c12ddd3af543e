"""What a look at the holdout is worth: tables of cases, and what must hold for any answers."""

from dataclasses import replace
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import confirming
from app.domain.answers import Label
from app.domain.answerspace import Answers, Field
from app.domain.comparing import compare
from app.domain.confirming import FEWEST_OF_CLASS, Luck
from app.domain.goals import Goal, parse_goal
from app.domain.improving.asks import Scored
from app.domain.mcnemar import one_sided_p
from app.domain.metrics import Estimate, measure, wilson
from app.domain.shapes import Shape, of_labels, shape_of
from app.domain.shrinkage import shrink_paired

ACCURACY, MACRO = parse_goal("accuracy"), parse_goal("macro_f1")
TWO = of_labels(["no", "yes"])


def answers(pattern: str, expected: int = 0) -> Scored:
    """One label, one character an example: `+` right, `-` wrong, `?` unreadable."""
    codes = {"+": expected, "-": 1 - expected, "?": -1}
    return Scored((expected,) * len(pattern), tuple(codes[one] for one in pattern))


def mixed(pattern: str) -> Scored:
    """The same with the expected label alternating, so that every class is there."""
    wanted = tuple(place % 2 for place in range(len(pattern)))
    return Scored(wanted, tuple(w if one == "+" else 1 - w for w, one in zip(wanted, pattern, strict=True)))


def test_every_candidate_that_was_started_counts_those_dropped_early_included() -> None:
    start = answers("+-" * 20)
    candidates = [answers("+" * 30 + "-" * 10), answers("-" * 10), answers(""), answers("+-" * 20)]
    found = confirming.luck(ACCURACY, TWO, start, candidates, 0)
    assert (found.tried, found.complete) == (4, 2)
    only_best = sum(a and not b for a, b in zip(candidates[0].right, start.right, strict=True))
    only_start = sum(b and not a for a, b in zip(candidates[0].right, start.right, strict=True))
    assert found.p == pytest.approx(4 * one_sided_p(only_start, only_best), rel=1e-5)
    assert found.correction == "Holm"
    assert found.shrunk is None, "two complete candidates are too few"


def test_holm_gives_a_best_that_is_not_the_most_significant_its_own_place() -> None:
    start = answers("-" * 20 + "+" * 20)
    sure, best = answers("+" * 8 + "-" * 12 + "+" * 20), answers("+" * 19 + "-" + "+" * 11 + "-" * 9)
    found = confirming.luck(ACCURACY, TWO, start, [sure, best], 1)
    raw = [one_sided_p(0, 8), one_sided_p(9, 19)]
    assert raw[0] < raw[1]
    assert found.p == pytest.approx(max(2 * raw[0], raw[1]), rel=1e-5)


def test_where_no_candidate_was_chosen_only_their_number_is_told() -> None:
    assert confirming.luck(ACCURACY, TWO, answers("++-"), [answers("+--")], None) == Luck(1, 1)


def test_the_shrunk_score_of_right_answers_is_that_of_the_paired_table() -> None:
    candidates = [mixed("++++-+-+--"), mixed("+++-------"), mixed("++++++++-+"), mixed("-+-+---+--")]
    table = [[float(hit) for hit in one.right] for one in candidates]
    found = confirming.luck(ACCURACY, TWO, mixed("+-+-+-+-+-"), candidates, 2)
    assert found.shrunk == pytest.approx(shrink_paired(table).scores[2], abs=1e-6)


@pytest.mark.parametrize("goal", ["macro_f1", "recall[yes]", "f2[yes]", "mcc", "balanced_accuracy"])
def test_any_goal_has_a_shrunk_score_between_the_mean_and_the_raw_one(goal: str) -> None:
    candidates = [mixed(p) for p in ("++++-+-+--" * 3, "+++-------" * 3, "++++++++-+" * 3, "-+-+---+--" * 3)]
    parsed = parse_goal(goal)
    scores = [measure(parsed, one.expected, one.answered, TWO).value for one in candidates]
    best = scores.index(max(scores))
    found = confirming.luck(parsed, TWO, mixed("+-" * 15), candidates, best)
    assert found.shrunk is not None
    assert sum(scores) / 4 - 1e-6 <= found.shrunk <= scores[best] + 1e-6
    assert found.correction == "Holm"
    assert found.p is not None
    assert 0 < found.p <= 1


def test_every_goal_is_corrected_for_all_that_were_started() -> None:
    goal, start = parse_goal("macro_f1"), mixed("+-" * 15)
    good, better = mixed("++++-+++++" * 3), mixed("+" * 30)
    raw = [compare(goal, start.expected, start.answered, one.answered, TWO, seed=0).p or 0 for one in (good, better)]
    few = confirming.luck(goal, TWO, start, [good, better, Scored((), ())], 0)
    assert few.correction == "Holm"
    assert few.p == pytest.approx(max(2 * raw[0], 3 * raw[1]), rel=1e-5)
    many = confirming.luck(goal, TWO, start, [good] + [better] * 200, 0)
    assert many.correction == "Bonferroni"
    assert many.p == pytest.approx(min(1.0, raw[0] * 201), rel=1e-5)


def test_equal_candidates_shrink_to_their_mean() -> None:
    candidates = [answers("+" * 12 + "-" * 8), answers("-" * 8 + "+" * 12), answers("+-" * 10)]
    found = confirming.luck(ACCURACY, TWO, answers("+-" * 10), candidates, 0)
    assert found.shrunk == pytest.approx((0.6 + 0.6 + 0.5) / 3, abs=1e-6)


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(-1, 1)), min_size=2, max_size=40))
def test_what_each_example_adds_to_accuracy_is_whether_it_is_right(pairs: list[tuple[int, int]]) -> None:
    scored = Scored(tuple(e for e, _ in pairs), tuple(a for _, a in pairs))
    assert confirming.pseudo_values(ACCURACY, TWO, scored).tolist() == pytest.approx(
        [float(hit) for hit in scored.right], abs=1e-9
    )


def test_a_score_that_needs_amounts_takes_them() -> None:
    scored = replace(mixed("++-+"), amounts={"tokens": (10.0, 20.0, 30.0, 40.0)})
    goal: Goal = parse_goal("accuracy - 0.01*tokens")
    found = confirming.pseudo_values(goal, TWO, scored)
    assert found.tolist() == pytest.approx([0.9, 0.8, -0.3, 0.6])


def share(successes: int, n: int) -> Estimate:
    return Estimate(successes / n, *wilson(successes, n), n)


def test_the_gap_is_newcombes_interval_of_two_unpaired_shares() -> None:
    """Newcombe 1998, table II, (a): 56/70 and 48/80, method 10: 0.0524 to 0.3339."""
    found = confirming.gap(share(56, 70), share(48, 80))
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)
    assert found.se == pytest.approx(sqrt(0.8 * 0.2 / 70 + 0.6 * 0.4 / 80), abs=0.002)


@given(st.integers(1, 400), st.integers(1, 400), st.data())
def test_a_gap_holds_its_value_keeps_a_width_and_turns_round(n: int, m: int, data: st.DataObject) -> None:
    dev, holdout = share(data.draw(st.integers(0, n)), n), share(data.draw(st.integers(0, m)), m)
    there, back = confirming.gap(dev, holdout), confirming.gap(holdout, dev)
    assert -1 - 1e-6 <= there.low <= there.value <= there.high <= 1 + 1e-6
    assert there.high - there.low > 0
    assert (back.low, back.high) == pytest.approx((-there.high, -there.low), abs=1e-6)


def test_what_could_be_seen_goes_by_how_often_the_prompts_differed() -> None:
    seen, gain = confirming.detectable(answers("+" * 80 + "-" * 20), answers("+" * 90 + "-" * 10))
    assert seen == 0.1
    assert gain == pytest.approx(0.0877, abs=2e-3)
    same, usual = confirming.detectable(answers("+" * 100), answers("+" * 100))
    assert same == 0.0
    assert usual == pytest.approx(0.124, abs=1e-3)


def test_recall_is_told_of_classes_with_enough_examples_alone() -> None:
    few = FEWEST_OF_CLASS - 1
    expected = (0,) * few + (1,) * FEWEST_OF_CLASS
    start = Scored(expected, (0,) * few + (1,) * 10 + (0,) * (FEWEST_OF_CLASS - 10))
    best = Scored(expected, (1,) * few + (1,) * FEWEST_OF_CLASS)
    [found] = confirming.recalls(TWO, start, best)
    assert (found.name, found.n) == ("yes", FEWEST_OF_CLASS)
    assert (found.start.value, found.best.value) == (0.5, 1.0)
    assert found.best.high == 1.0
    assert found.best.low == pytest.approx(wilson(20, 20)[0], abs=1e-6)


CHECKLIST = shape_of(
    Answers("fields", fields=(Field("spam", ("true", "false")), Field("tone", ("angry", "calm", "sad"))))
)
SETS = shape_of(Answers("labels", labels=(Label("joy"), Label("fear"))))


@pytest.mark.parametrize(
    ("shape", "code", "names"),
    [(SETS, 0b11, ["joy", "fear"]), (CHECKLIST, 0, ["spam", "tone=angry"]), (shape_of(Answers("number")), 0, [])],
)
def test_sets_and_checklists_have_recalls_and_numbers_have_none(shape: Shape, code: int, names: list[str]) -> None:
    scored = Scored((code,) * 20, (code,) * 19 + (-1,))
    found = confirming.recalls(shape, scored, scored)
    assert [one.name for one in found] == names
    assert all(one.start.value == 0.95 for one in found), "an unreadable reply finds no class"


@pytest.mark.parametrize(("pattern", "alarm"), [("+" * 95 + "?" * 5, False), ("+" * 94 + "?" * 6, True), ("", False)])
def test_more_unreadable_replies_than_may_be_are_an_alarm(pattern: str, alarm: bool) -> None:
    found = confirming.unreadable("best", "dev", answers(pattern), 0.05)
    assert (found.count, found.n, found.alarm) == (pattern.count("?"), len(pattern), alarm)
    assert (found.ungraded, found.ungraded_alarm) == (0, False)


def test_answers_without_a_grade_are_counted_apart() -> None:
    found = confirming.unreadable("best", "dev", Scored((0,) * 100, (0,) * 93 + (-1,) + (-2,) * 6), 0.05)
    assert (found.count, found.alarm, found.ungraded, found.ungraded_alarm) == (1, False, 6, True)
