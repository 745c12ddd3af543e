"""A stored summary is shown, also one of an older Agon."""

from typing import Any

import pytest

from app.domain.answered import Answers as Answered
from app.domain.answers import Label
from app.domain.answerspace import Answers
from app.domain.goals import parse_goals
from app.domain.shapes import shape_of
from app.domain.summaries import Mean, summarise
from app.services.measures import measures

LABELS = Answers(labels=(Label("ham"), Label("spam")))


def summary() -> dict[str, Any]:
    told = Answered([0, 1], [0, 0], [1, 2], {"tokens": [4.0, 6.0]})
    return summarise(parse_goals("accuracy"), shape_of(LABELS), told)


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ({}, {"tokens": Mean(5.0, 3.040036, 6.959964, 2)}),
        ({"means": {"tokens": 5.0, "cost": 0.25}}, {"tokens": Mean(5.0), "cost": Mean(0.25)}),
        ({"means": {}}, {}),
    ],
    ids=["with intervals", "plain numbers of an older Agon", "none"],
)
def test_means_are_shown_as_they_were_summed_up(stored: dict[str, Any], shown: dict[str, Mean]) -> None:
    found = measures({**summary(), **stored}, LABELS)
    assert found is not None
    assert found.means == shown
