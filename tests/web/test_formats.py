"""How numbers read."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from app.web import formats

NAN = float("nan")


@pytest.mark.parametrize(
    ("value", "text"), [(0.8925, "0.892"), (1.0, "1.000"), (0.0, "0.000"), (None, "–"), (NAN, "–"), (-0.25, "−0.250")]
)
def test_a_score_has_three_decimals(value: float | None, text: str) -> None:
    assert formats.score(value) == text


def test_a_rating_has_none() -> None:
    assert formats.score(1094.4, 0) == "1094"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.033, "+0.033"),
        (-0.028, "−0.028"),
        (0.0, "0.000"),
        (-0.0004, "0.000"),
        (0.0004, "0.000"),
        (None, "–"),
        (NAN, "–"),
    ],
)
def test_a_difference_has_its_sign_unless_it_is_nothing(value: float | None, text: str) -> None:
    assert formats.signed(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (999, "999"), (7480, "7,480"), (1_234_567, "1,234,567"), (-5000, "−5,000"), (None, "–")],
)
def test_thousands_are_set_apart(value: float | None, text: str) -> None:
    assert formats.thousands(value) == text


def test_thousands_may_be_set_apart_by_a_thin_blank() -> None:
    assert formats.thousands(7480, formats.THIN) == "7\u202f480"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (9.94, "9.9 s"),
        (42.4, "42 s"),
        (59.6, "1 min 0 s"),
        (125, "2 min 5 s"),
        (3600, "1 h 0 min"),
        (4350, "1 h 12 min"),
        (273_600, "3 d 4 h"),
        (None, "–"),
        (float("inf"), "–"),
    ],
)
def test_a_duration_shows_its_two_largest_units(seconds: float | None, text: str) -> None:
    assert formats.duration(seconds) == text


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (0, "$0.00"),
        (31_200_000, "$31.20"),
        (1_234_500_000, "$1,234.50"),
        (41_000, "$0.041"),
        (25, "$0.000025"),
        (None, "unknown"),
    ],
)
def test_small_money_does_not_look_like_nothing(micros: int | None, text: str) -> None:
    assert formats.money(micros) == text


@pytest.mark.parametrize(("share", "text"), [(0.624, "62%"), (1, "100%"), (0, "0%"), (None, "–")])
def test_a_share_is_a_percentage(share: float | None, text: str) -> None:
    assert formats.percent(share) == text


def test_a_moment_is_in_utc() -> None:
    moscow = timezone(timedelta(hours=3))
    assert formats.moment(datetime(2026, 11, 21, 2, 5, tzinfo=moscow)) == "20 Nov 2026, 23:05 UTC"
    assert formats.moment(datetime(2026, 11, 21, 2, 5, tzinfo=UTC)) == "21 Nov 2026, 02:05 UTC"
    assert formats.moment(None) == "–"


def test_an_interval_of_differences_has_no_dash_beside_a_minus() -> None:
    assert formats.between(0.7941, 0.9164) == "0.794–0.916"
    assert formats.between(-0.935, -0.747) == "−0.935…−0.747"
    assert formats.signed_between(-0.0284, 0.0941) == "−0.028…+0.094"
