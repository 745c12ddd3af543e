"""Times: every usual form is read as one moment in UTC, and a column that could be read in two ways is not guessed."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.times import time_reader

MOMENT = datetime(2023, 7, 17, 22, 43, 5, tzinfo=UTC)
DAY = datetime(2023, 7, 17, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2023-07-17T22:43:05Z", MOMENT),
        ("2023-07-17 22:43:05", MOMENT),
        ("2023-07-18T01:43:05+03:00", MOMENT),
        ("Mon, 17 Jul 2023 22:43:05 +0000", MOMENT),
        ("17.07.2023 22:43:05", MOMENT),
        ("2023/07/17 22:43:05", MOMENT),
        (1689633785, MOMENT),
        ("1689633785", MOMENT),
        (1689633785000, MOMENT),
        ("2023-07-17", DAY),
        ("17.07.2023", DAY),
        ("17/07/2023", DAY),
        ("07/17/2023", DAY),
        ("17 July 2023", DAY),
        ("Jul 17, 2023", DAY),
    ],
)
def test_usual_forms_are_read_as_one_moment(written: object, meant: datetime) -> None:
    reader, why = time_reader([written, None, ""])
    assert (reader and reader(written), why) == (meant, "")


@pytest.mark.parametrize(
    "value", ["yesterday", "12:30", "20230717", True, 7, 1.5, ["2023-07-17"], "0001-01-01", "9999-12-31"]
)
def test_what_is_no_time_has_no_reader(value: object) -> None:
    assert time_reader([value]) == (None, "")


def test_days_that_could_be_months_are_said_so() -> None:
    reader, why = time_reader(["03/04/2023", "05/06/2023"])
    assert reader is None
    assert "day first or the month first" in why


@given(st.lists(st.text() | st.integers() | st.floats() | st.none() | st.booleans(), max_size=5))
def test_nothing_crashes_the_reader(values: list[object]) -> None:
    reader, _ = time_reader(values)
    for value in values if reader else []:
        found = reader(value) if reader else None
        assert found is None or found.tzinfo is UTC
