"""Every metric of sums is that of scikit-learn on the examples, for one label, several labels and checklists."""

from itertools import product
from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from app.domain.comparing import compare
from app.domain.goals import parse_goal
from app.domain.metrics import majority_baseline, measure, measure_all, wilson
from app.domain.shapes import Digit, Shape, of_labels

FEELINGS = Shape("labels", tuple(Digit(name, ("no", "yes")) for name in ("joy", "anger", "fear")))
TONES = Shape("fields", (Digit("tone", ("rude", "kind", "flat")), Digit("spam", ("false", "true"))))
PAIRS = st.lists(st.tuples(st.integers(0, 2), st.integers(-1, 2)), min_size=1, max_size=60)


def score(text: str, pairs: list[tuple[int, int]], shape: Shape | int = 3) -> float:
    expected, answered = zip(*pairs, strict=True)
    return measure(parse_goal(text), expected, answered, shape).value


@given(PAIRS)
def test_scores_of_one_label_are_those_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    expected, answered = zip(*pairs, strict=True)
    there = sorted(set(expected))
    average = {"labels": there, "zero_division": 0.0}
    wanted = {
        "macro_f1": sk.f1_score(expected, answered, average="macro", **average),
        "macro_f2": sk.fbeta_score(expected, answered, beta=2, average="macro", **average),
        "weighted_f1": sk.f1_score(expected, answered, average="weighted", **average),
        "micro_f1": sk.f1_score(expected, answered, average="micro", labels=[0, 1, 2], zero_division=0.0),
        "balanced_accuracy": sk.recall_score(expected, answered, average="macro", **average),
        "macro_precision": sk.precision_score(expected, answered, average="macro", **average),
        "mcc": sk.matthews_corrcoef(expected, answered),
        "recall[1]": sk.recall_score(expected, answered, labels=[1], average="macro", zero_division=0.0),
        "precision[1]": sk.precision_score(expected, answered, labels=[1], average="macro", zero_division=0.0),
        "f0.5[1]": sk.fbeta_score(expected, answered, beta=0.5, labels=[1], average="macro", zero_division=0.0),
    }
    for text, value in wanted.items():
        assert score(text, pairs) == pytest.approx(value, abs=1e-6), text


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), min_size=1, max_size=40))
def test_scores_of_several_labels_are_those_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    truth, said = (
        np.array([[code >> bit & 1 for bit in range(3)] for code in side]) for side in zip(*pairs, strict=True)
    )
    there = [bit for bit in range(3) if truth[:, bit].any()]
    assert score("subset_accuracy", pairs, FEELINGS) == pytest.approx(sk.accuracy_score(truth, said), abs=1e-6)
    assert score("hamming_score", pairs, FEELINGS) == pytest.approx(1 - sk.hamming_loss(truth, said), abs=1e-6)
    micro = sk.f1_score(truth, said, average="micro", zero_division=0.0)
    assert score("micro_f1", pairs, FEELINGS) == pytest.approx(micro, abs=1e-6)
    macro = np.mean([sk.f1_score(truth[:, bit], said[:, bit], zero_division=0.0) for bit in there]) if there else 0.0
    assert score("macro_f1", pairs, FEELINGS) == pytest.approx(macro, abs=1e-6)
    anger = sk.recall_score(truth[:, 1], said[:, 1], zero_division=0.0)
    assert score("recall[anger]", pairs, FEELINGS) == pytest.approx(anger, abs=1e-6)


def test_codes_of_a_checklist_are_taken_apart_into_every_combination() -> None:
    codes = np.array([*range(6), -1])
    assert TONES.decoded(codes).tolist() == [[tone, spam] for spam, tone in product((0, 1), (0, 1, 2))] + [[-1, -1]]
    assert [one.name for one in TONES.classes] == ["tone=rude", "tone=kind", "tone=flat", "spam"]


def test_a_field_has_its_own_accuracy_and_an_unreadable_reply_is_wrong_in_each() -> None:
    pairs = [(0, 3), (4, 4), (5, 2), (1, -1)]  # rude/rude+spam, kind spam, flat spam/flat, kind/unreadable
    assert score("accuracy", pairs, TONES) == 0.25
    assert score("accuracy[tone]", pairs, TONES) == 0.75
    assert score("accuracy[spam]", pairs, TONES) == 0.25
    assert score("hamming_score", pairs, TONES) == 0.5
    assert score("f1[spam]", pairs, TONES) == pytest.approx(2 * 1 / (2 + 2))


def test_sixty_two_labels_fit_into_a_code() -> None:
    many = Shape("labels", tuple(Digit(f"l{n}", ("no", "yes")) for n in range(62)))
    full = 2**62 - 1
    assert score("micro_f1", [(full, full), (full, 0)], many) == pytest.approx(2 / 3, abs=1e-6)
    with pytest.raises(ValueError, match="no such answer"):
        score("accuracy", [(2**62, 0)], many)


def test_a_bound_that_is_reached_gives_the_score_and_one_that_is_missed_says_by_how_much() -> None:
    spam = [(1, 1)] * 8 + [(1, 0)] * 2 + [(0, 1)] * 2 + [(0, 0)] * 8
    assert score("recall[1] at precision>=0.8", spam, 2) == 0.8
    assert score("recall[1] at precision>=0.9", spam, 2) == pytest.approx(-0.1)
    assert score("recall[1] at precision>=0.9", [(1, 0), (0, 0)], 2) == -0.9
    expected, answered = zip(*spam, strict=True)
    missed = measure(parse_goal("recall[1] at precision>=0.9"), expected, answered, 2)
    assert -1 <= missed.low <= missed.value <= missed.high <= 1


def test_a_penalty_takes_off_what_the_mean_amount_costs() -> None:
    goal, tokens = parse_goal("accuracy - 0.05*log(tokens) - 0.001*tokens"), [100.0, 200.0, 400.0]
    found = measure(goal, [0, 1, 1], [0, 1, 0], 2, {"tokens": tokens})
    assert found.value == pytest.approx(
        2 / 3 - 0.05 * np.mean([log(t) for t in tokens]) - 0.001 * np.mean(tokens), abs=1e-6
    )
    assert found.low < found.value < found.high


def test_a_mean_score_counts_what_is_partly_right() -> None:
    goal = parse_goal("mean_score")
    scores = [0.0, 0.25, 0.5, 1.0] * 25
    found = measure(goal, [0] * 100, [1, 1, 1, 0] * 25, Shape("text"), {"score": scores})
    assert found.value == pytest.approx(np.mean(scores))
    half = 1.96 * np.std(scores, ddof=1) / 10
    assert (found.value - found.low, found.high - found.value) == pytest.approx((half, half), rel=0.15)


def test_the_recall_of_a_rare_class_is_no_surer_than_its_few_examples() -> None:
    pairs = [(1, 1)] * 4 + [(0, 0)] * 996
    expected, answered = zip(*pairs, strict=True)
    found = measure(parse_goal("recall[1]"), expected, answered, 2)
    assert (found.low, found.high) == pytest.approx(wilson(4, 4), abs=1e-6)
    f2 = measure(parse_goal("f2[1]"), expected, answered, 2)
    assert f2.low < 0.55


@pytest.mark.parametrize("text", ["micro_f1", "recall[anger]", "hamming_score", "recall[joy] at precision>=0.5"])
def test_a_comparison_of_several_labels_mirrors_and_finds_a_clear_gain(text: str) -> None:
    rng = np.random.default_rng(3)
    expected = rng.integers(0, 8, 300)
    good = np.where(rng.random(300) < 0.9, expected, rng.integers(-1, 8, 300))
    poor = np.where(rng.random(300) < 0.4, expected, rng.integers(-1, 8, 300))
    truth, worse, better = (column.tolist() for column in (expected, poor, good))
    goal = parse_goal(text)
    found = compare(goal, truth, worse, better, FEELINGS, seed=1, draws=2000)
    back = compare(goal, truth, better, worse, FEELINGS, seed=1, draws=2000)
    assert found.low > 0
    assert found.p is not None
    assert found.p < 0.01
    assert (back.value, back.low, back.high, back.p) == (-found.value, -found.high, -found.low, found.p)


def test_a_comparison_with_a_penalty_sees_that_the_shorter_answers_are_better() -> None:
    goal, expected = parse_goal("accuracy - 0.1*log(tokens)"), [0, 1] * 50
    long, short = {"tokens": [400.0] * 100}, {"tokens": [100.0] * 100}
    found = compare(goal, expected, expected, expected, 2, seed=0, draws=1000, amounts=(long, short))
    assert found.value == pytest.approx(0.1 * log(4), abs=1e-6)
    assert found.low > 0


@given(PAIRS)
def test_the_majority_baseline_is_what_always_giving_the_commonest_answer_scores(pairs: list[tuple[int, int]]) -> None:
    expected = [e for e, _ in pairs]
    most = max(sorted(set(expected)), key=expected.count)
    for text in ("accuracy", "macro_f1", "mcc"):
        goal = parse_goal(text)
        assert majority_baseline(goal, expected, 3) == measure(goal, expected, [most] * len(expected), 3).value


def test_labels_by_number_are_a_shape_of_one_digit() -> None:
    assert of_labels(3) == of_labels(["0", "1", "2"])


def test_repeats_of_an_example_count_as_one_example_with_their_mean() -> None:
    rng = np.random.default_rng(5)
    chances = rng.choice([0.1, 0.9], 200)
    right = rng.random((200, 5)) < chances[:, None]
    answered = np.where(right, 1, 0).ravel().tolist()
    examples = np.repeat(np.arange(200), 5).tolist()
    (found,) = measure_all([parse_goal("accuracy")], [1] * 1000, answered, 2, examples=examples)
    means = right.mean(axis=1)
    half = 1.96 * means.std(ddof=1) / np.sqrt(200)
    assert found.n == 200
    assert found.value == pytest.approx(means.mean())
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.1)


def test_scores_that_are_measured_together_are_those_measured_alone() -> None:
    rng = np.random.default_rng(6)
    expected, answered = rng.integers(0, 3, 90).tolist(), rng.integers(-1, 3, 90).tolist()
    amounts = {"tokens": rng.integers(1, 90, 90).tolist()}
    goals = [parse_goal(text) for text in ("accuracy", "macro_f1", "recall[1]", "accuracy - 0.1*log(tokens)", "f2[2]")]
    together = measure_all(goals, expected, answered, 3, amounts)
    assert together == [measure(goal, expected, answered, 3, amounts) for goal in goals]


def test_f1_of_each_set_for_itself_takes_two_empty_sets_for_alike() -> None:
    pairs = [(0b101, 0b001), (0, 0), (0b010, -1), (0b110, 0b011)]
    assert score("samples_f1", pairs, FEELINGS) == pytest.approx((2 / 3 + 1 + 0 + 1 / 2) / 4, abs=1e-6)
