"""How far an import is said to be."""

import pytest

from app.services.arriving import STAGES, import_progress


@pytest.mark.parametrize(
    ("stage", "seconds", "share"),
    [
        ("waiting for a worker", 500.0, 0.0),
        ("reading", 0.0, 0.0),
        ("reading", 500.0, 0.15),
        ("looking for near-duplicates", 0.0, 0.15),
        ("looking for near-duplicates", 30.0, 0.3),
        ("splitting", 1.0, 0.55),
        ("saving", 500.0, 0.97),
    ],
)
def test_the_share_grows_with_time_and_keeps_within_its_stage(stage: str, seconds: float, share: float) -> None:
    found = import_progress(stage, 176_400, seconds)
    assert found.share == pytest.approx(share)
    assert found.seconds_left == (None if stage not in STAGES else pytest.approx(100 * (1 - share)))


def test_a_small_file_takes_seconds_and_a_large_one_a_minute() -> None:
    assert (import_progress("reading", 100, 0.0).seconds_left or 0) < 3
    assert 40 < (import_progress("reading", 100_000, 0.0).seconds_left or 0) < 90
