"""A campaign whose asks are cut into blocks for call workers ends with the report of one that buys in place."""

from pathlib import Path

import pytest

from tests.flows.conftest import SHORT, LeftAlone
from tests.flows.running import Run, stable

IN_BLOCKS = {"AGON_BLOCK_CALLS": "30", "AGON_BLOCK_SIZE": "25"}


@pytest.mark.slow
def test_who_answers_does_not_change_what_comes_out(left_alone: LeftAlone, demo_file: Path, tmp_path: Path) -> None:
    in_place = left_alone(SHORT)[1]
    in_blocks = Run(tmp_path / "in blocks", demo_file, SHORT, IN_BLOCKS).finish()
    assert stable(in_blocks) == stable(in_place)
    assert in_blocks["calls_paid"] == in_place["calls_paid"]
    said = (tmp_path / "in blocks" / "data" / "logs" / "calls.log").read_text(encoding="utf-8")
    assert "kind=block" in said, "call workers answered"


@pytest.mark.slow
def test_a_cap_that_ends_a_campaign_in_its_blocks_is_told_and_its_holdout_is_kept(
    demo_file: Path, tmp_path: Path
) -> None:
    capped = ("--rounds", "3", "--seed", "3", "--max-calls", "420")
    in_place = Run(tmp_path / "in place", demo_file, capped).finish()
    in_blocks = Run(tmp_path / "in blocks", demo_file, capped, IN_BLOCKS).finish()
    assert in_blocks["stopped_because"] == in_place["stopped_because"]
    assert in_blocks["calls_paid"] <= 420
    assert in_blocks["holdout_opened"] == in_place["holdout_opened"]
