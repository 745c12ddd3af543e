"""What is summed up of an evaluation, for every kind of answer."""

import pytest

from app.domain.goals import parse_goals
from app.domain.improving.asks import Scored
from app.domain.improving.state import Rules
from app.domain.shapes import Digit, Shape, dump, of_labels
from app.domain.summaries import Answers, summarise

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
