"""What is summed up of an evaluation, for every kind of answer."""

from math import nan, sqrt

import pytest

from app.domain.answered import Answers
from app.domain.goals import parse_goals
from app.domain.improving.asks import Scored
from app.domain.improving.state import Rules
from app.domain.shapes import Digit, Shape, dump, of_labels
from app.domain.summaries import Mean, mean_of, summarise

ONE_FIELD = Shape("fields", (Digit("spam", ("false", "true")),))
TONES = Shape("fields", (Digit("tone", ("rude", "kind")), Digit("spam", ("false", "true"))))
SETS = Shape("labels", (Digit("joy", ("no", "yes")), Digit("anger", ("no", "yes"))))


def names(found: dict[str, object]) -> list[str]:
    assert isinstance(found["scores"], list)
    return [one["name"] for one in found["scores"]]


@pytest.mark.parametrize(
    ("shape", "scores"),
    [
        (of_labels(["ham", "spam"]), ["accuracy", "balanced_accuracy", "macro_f1", "weighted_f1", "mcc"]),
        (ONE_FIELD, ["accuracy", "hamming_score", "macro_f1"]),
        (TONES, ["accuracy", "hamming_score", "macro_f1", "accuracy[tone]", "accuracy[spam]"]),
        (SETS, ["subset_accuracy", "hamming_score", "micro_f1", "macro_f1", "weighted_f1", "samples_f1"]),
        (Shape("number"), ["exact_match"]),
    ],
)
def test_every_kind_has_its_scores(shape: Shape, scores: list[str]) -> None:
    found = summarise(parse_goals("accuracy"), shape, Answers([0, 1, 0, 1], [0, 1, -1, 0], [1, 2, 3, 4]))
    assert names(found) == scores
    assert found["unreadable"]["count"] == 1
    assert found["samples"] == {"examples": 4, "answers": 4, "repeated": 0, "steady": 0}


def test_classes_are_counted_field_by_field() -> None:
    found = summarise(parse_goals("accuracy"), TONES, Answers([0, 1, 2, 3], [0, 1, 3, -1], [1, 2, 3, 4]))
    counted = {one["name"]: (one["there"], one["named"], one["hits"]) for one in found["classes"]}
    assert counted == {"tone=rude": (2, 1, 1), "tone=kind": (2, 2, 1), "spam": (2, 1, 1)}
    assert [0, 0, 1, 1] in found["cells"], "rude was once taken for kind"
    assert [1, 1, -1, 1] in found["cells"], "spam was once unreadable"


def test_a_campaign_knows_the_amounts_of_all_its_goals() -> None:
    goals = "accuracy; accuracy - 0.05*log(tokens); mean_score"
    rules = Rules(goal=goals, labels=2, train_size=1, dev_size=2, shape=dump(Shape("text")))
    assert rules.amounts == ("tokens", "score")
    scored = Scored((0, 0), (0, 1), amounts={"tokens": (3.0, 9.0), "score": (1.0, 0.5)})
    assert rules.measure(scored).value == 0.5
    told = Answers(scored.expected, scored.answered, range(2), scored.amounts)
    assert [one["name"] for one in summarise(parse_goals(goals), rules.answer_shape, told)["goals"]] == goals.split(
        "; "
    )


@pytest.mark.parametrize(
    ("amounts", "examples", "most", "mean"),
    [
        # 1, 2, 3, 4: variance 5/3, standard error sqrt(5/12)
        ([1, 2, 3, 4], [7, 8, 9, 10], 9, Mean(2.5, 2.5 - 1.959964 * sqrt(5 / 12), 2.5 + 1.959964 * sqrt(5 / 12), 4)),
        ([1, 3, 5, 7], [1, 1, 2, 2], 99, Mean(4, 4 - 1.959964 * 2, 4 + 1.959964 * 2, 2)),  # means 2 and 6
        ([2, 2, 2, 5], [1, 1, 1, 2], 99, Mean(3.5, 3.5 - 1.959964 * 1.5, 3.5 + 1.959964 * 1.5, 2)),  # one counts once
        ([1, 1, 1, 0], [1, 2, 3, 4], 1, Mean(0.75, 0.26001, 1.0, 4)),  # no share is above 1
        ([0, 0, 9], [1, 2, 3], 99, Mean(3, 0.0, 3 + 1.959964 * 3, 3)),  # no amount is below 0
        ([5, 5, nan], [1, 2, 3], 99, Mean(5, 5, 5, 2)),
        ([5, nan, 7], [1, 1, 1], 99, Mean(6, n=1)),
        ([nan], [1], 99, None),
        ([], [], 99, None),
    ],
)
def test_a_mean_has_an_interval_over_examples_and_their_n(
    amounts: list[float], examples: list[int], most: float, mean: Mean | None
) -> None:
    found = mean_of(amounts, examples, most)
    if mean is None or found is None:
        assert found == mean
        return
    assert (found.value, found.n) == (mean.value, mean.n)
    assert [found.low, found.high] == pytest.approx([mean.low, mean.high], abs=1e-5)


def test_repeats_do_not_make_a_mean_look_surer() -> None:
    once = mean_of([4, 8, 6, 2], [1, 2, 3, 4])
    thrice = mean_of([4, 4, 4, 8, 8, 8, 6, 6, 6, 2, 2, 2], [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4])
    assert once == thrice


def test_what_is_unknown_of_one_answer_has_no_mean() -> None:
    amounts = {"tokens": [3.0, 9.0], "cost": [0.0, 5.0]}
    told = Answers([0, 1], [0, 1], [1, 2], amounts, unknown=frozenset({"cost"}))
    means = summarise(parse_goals("accuracy"), of_labels(["ham", "spam"]), told)["means"]
    assert set(means) == {"tokens"}
    assert means["tokens"] == {"value": 6.0, "low": 0.120108, "high": 11.879892, "n": 2}
