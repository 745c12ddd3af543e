"""`agon improve` from file to report, as a person runs it."""

import signal
import time
from pathlib import Path

import pytest

from tests.flows.conftest import SHORT, LeftAlone
from tests.flows.running import Run, free_port, groups, practice, requests_seen, stable, wait_for_text, write_set


def test_a_file_becomes_a_report_that_adds_up(demo_file: Path, tmp_path: Path) -> None:
    with practice(tmp_path, free_port()) as url:
        report = Run(tmp_path / "run", demo_file, SHORT, {"AGON_PRACTICE_URL": url}).finish()
        assert report["calls_paid"] == requests_seen(url)
    assert sum(report["splits"].values()) == 405
    assert report["calls_paid"] == report["answers"]["total"]
    assert report["answers"]["generator"] == 6
    assert len(report["rounds"]) == 3
    assert report["start"]["dev"]["n"] == report["splits"]["dev"]
    assert report["best"]["dev"]["value"] >= report["start"]["dev"]["value"]
    assert report["kept"] == ("best" if report["verdict"] == "better" else "start")
    assert report["holdout_opened"] == int(report["best"]["round"] > 0)
    assert report["stopped_because"] == "rounds"
    assert report["cost"] == 0


def test_the_same_command_in_two_empty_folders_gives_the_same_report(
    left_alone: LeftAlone, demo_file: Path, tmp_path: Path
) -> None:
    second = Run(tmp_path / "b", demo_file, SHORT).finish()
    assert stable(left_alone(SHORT)[1]) == stable(second)


def test_the_order_of_the_rows_does_not_matter(left_alone: LeftAlone, demo_file: Path, tmp_path: Path) -> None:
    lines = demo_file.read_text(encoding="utf-8").splitlines(keepends=True)
    backwards = tmp_path / "support.jsonl"
    backwards.write_text("".join(reversed(lines)), encoding="utf-8")
    assert stable(left_alone(SHORT)[1]) == stable(Run(tmp_path / "b", backwards, SHORT).finish())


def test_running_it_again_starts_anew_and_pays_for_no_task_answer_twice(left_alone: LeftAlone, demo_file: Path) -> None:
    folder, first = left_alone(SHORT)
    second = Run(folder, demo_file, SHORT).finish()
    assert second["calls_paid"] <= first["answers"]["generator"]
    assert stable(second) == stable(first)
    assert [one["evidence"]["look"] for one in (first, second)] == [1, 2], "the same holdout was opened again"


def test_ctrl_c_ends_everything_and_the_same_command_goes_on(
    left_alone: LeftAlone, demo_file: Path, tmp_path: Path
) -> None:
    run = Run(tmp_path / "run", demo_file, SHORT, {"AGON_PRACTICE_LATENCY": "0.2"}).start()
    wait_for_text(run, "Starting campaign")
    time.sleep(4)
    began = time.monotonic()
    run.kill(signal.SIGINT)
    assert run.wait(15) == 130
    assert time.monotonic() - began < 10
    assert groups(run.folder) == {}
    report = run.finish()
    assert "Going on with campaign 1" in run.said()
    assert stable(report) == stable(left_alone(SHORT)[1])


def test_a_budget_of_ten_calls_is_too_small_and_buys_nothing(demo_file: Path, tmp_path: Path) -> None:
    report = Run(tmp_path / "run", demo_file, ("--max-calls", "10")).finish()
    assert report["stopped_because"] == "budget too small"
    assert (report["calls_paid"], report["verdict"], report["kept"]) == (0, "start kept", "start")


def test_the_cap_on_calls_holds_retries_included(demo_file: Path, tmp_path: Path) -> None:
    with practice(tmp_path, free_port(), "--failing", "0.1") as url:
        run = Run(tmp_path / "run", demo_file, ("--max-calls", "900"), {"AGON_PRACTICE_URL": url})
        report = run.finish()
        assert report["calls_paid"] == requests_seen(url) <= 900
    assert report["stopped_because"] == "calls"


def test_a_generator_that_always_talks_nonsense_ends_the_campaign_saying_so(demo_file: Path, tmp_path: Path) -> None:
    options = ("--generators", "openai/scholar-v1", "--rounds", "9", "--yes")
    with practice(tmp_path, free_port()) as url:
        elsewhere = {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "none"}
        report = Run(tmp_path / "run", demo_file, options, elsewhere).finish()
    assert report["stopped_because"] == "no valid proposals"
    assert report["verdict"] == "start kept"
    assert all(turn["outcome"] == "none" for turn in report["rounds"])
    assert report["generators"][0]["invalid"] == 2 * len(report["rounds"])


def test_a_set_under_sixty_rows_has_no_holdout_and_proves_nothing(demo_file: Path, tmp_path: Path) -> None:
    small = write_set(tmp_path / "small.jsonl", demo_file, 50)
    report = Run(tmp_path / "run", small, SHORT).finish()
    assert report["splits"]["holdout"] == 0
    assert report["verdict"] in ("not enough evidence", "start kept")
    assert report["gain_on_holdout"] is None


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\xff\xfe\x00bad", "UTF-8"),
        (b"input\nhello\n", "label"),
        (b'{"input": "a"}\n', "label"),
        (b"PK\x03\x04" + b"\0" * 100, ""),
        (b"".join(b'{"input": "text %d", "label": "same"}\n' % i for i in range(40)), "label"),
        (b'{"input": "' + b"x" * 5_000_000 + b'", "label": "a"}\n', "200"),
    ],
    ids=["empty", "encoding", "one column", "no label", "binary", "one label", "large row"],
)
def test_a_bad_file_gets_a_clear_message_and_leaves_nothing_behind(content: bytes, says: str, tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_bytes(content)
    if content.startswith(b"{"):
        bad = bad.rename(tmp_path / "bad.jsonl")
    run = Run(tmp_path / "run", bad).start()
    assert run.wait(30) == 2
    assert says in run.said()
    assert "Traceback" not in run.said()
    assert not (run.folder / "data" / "agon.sqlite3").exists()
