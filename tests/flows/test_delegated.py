"""A campaign whose asks are cut into blocks for call workers ends with the report of one that buys in place."""

from pathlib import Path

import pytest

from app.demo.labelled import DEMO_FILE
from tests.flows.running import Run, stable

OPTIONS = ("--rounds", "3", "--seed", "3")
IN_BLOCKS = {"AGON_BLOCK_CALLS": "30", "AGON_BLOCK_SIZE": "25"}


@pytest.mark.slow
def test_who_answers_does_not_change_what_comes_out(tmp_path: Path) -> None:
    file = tmp_path / "support.jsonl"
    file.write_bytes(DEMO_FILE.read_bytes())
    in_place = Run(tmp_path / "in place", file, OPTIONS).finish()
    in_blocks = Run(tmp_path / "in blocks", file, OPTIONS, IN_BLOCKS).finish()
    assert stable(in_blocks) == stable(in_place)
    assert in_blocks["calls_paid"] == in_place["calls_paid"]
    said = (tmp_path / "in blocks" / "data" / "logs" / "calls.log").read_text(encoding="utf-8")
    assert "kind=block" in said, "call workers answered"


@pytest.mark.slow
def test_a_cap_that_ends_a_campaign_in_its_blocks_is_told_and_its_holdout_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "support.jsonl"
    file.write_bytes(DEMO_FILE.read_bytes())
    capped = (*OPTIONS, "--max-calls", "420")
    in_place = Run(tmp_path / "in place", file, capped).finish()
    in_blocks = Run(tmp_path / "in blocks", file, capped, IN_BLOCKS).finish()
    assert in_blocks["stopped_because"] == in_place["stopped_because"]
    assert in_blocks["calls_paid"] <= 420
    assert in_blocks["holdout_opened"] == in_place["holdout_opened"]
