"""Real endpoints from the command line: what may be paid is asked about, what cannot work gets a sentence."""

from pathlib import Path

import pytest

from app.demo.labelled import DEMO_FILE
from tests.flows.running import Run, free_port, practice

TASK = ("--task-model", "openai/scholar-v1", "--generators", "openai/exemplar-v1,openai/describer-v1")


@pytest.fixture
def demo_file(tmp_path: Path) -> Path:
    path = tmp_path / "support.jsonl"
    path.write_bytes(DEMO_FILE.read_bytes())
    return path


def test_a_provider_from_the_environment_is_used_and_at_a_local_address_it_costs_nothing(
    demo_file: Path, tmp_path: Path
) -> None:
    with practice(tmp_path, free_port()) as url:
        environment = {"OPENAI_API_KEY": "sk-a-secret-of-the-test", "OPENAI_BASE_URL": url}
        run = Run(tmp_path / "run", demo_file, (*TASK, "--rounds", "1", "--yes"), environment)
        report = run.finish()
    assert report["task_model"] == "openai/scholar-v1"
    assert report["cost"] == 0
    kept = (run.folder / "data" / "agon.sqlite3").read_bytes() + run.said().encode()
    assert b"sk-a-secret-of-the-test" not in kept


def test_calls_that_may_be_paid_are_not_bought_without_a_yes(demo_file: Path, tmp_path: Path) -> None:
    with practice(tmp_path, free_port()) as url:
        environment = {"OPENAI_API_KEY": "sk-x", "OPENAI_BASE_URL": url}
        run = Run(tmp_path / "run", demo_file, TASK, environment).start()
        assert run.wait(60) == 2
    assert "may buy 4,000 calls" in run.said()
    assert "Price: nothing, as a server of your own sends no bill; one that passes calls on may." in run.said()
    assert "--yes" in run.said()


def test_a_model_that_is_not_there_gets_a_sentence_that_says_what_to_do(demo_file: Path, tmp_path: Path) -> None:
    with practice(tmp_path, free_port()) as url:
        options = ("--task-model", "openai/no-such-model", "--yes")
        run = Run(tmp_path / "run", demo_file, options, {"OPENAI_API_KEY": "sk-x", "OPENAI_BASE_URL": url}).start()
        assert run.wait(60) == 2
        assert "no-such-model" in run.said()
        assert "Traceback" not in run.said()
        assert run.start().wait(60) == 2, "the same command tries the paused campaign again"
        assert "Going on with campaign 1" in run.said()


@pytest.mark.parametrize(
    ("model", "says"),
    [("nobody/x", "no provider named nobody"), ("practice/nobody", "no practice model"), ("x", "PROVIDER/NAME")],
)
def test_an_unknown_endpoint_is_named_with_what_there_is(
    model: str, says: str, demo_file: Path, tmp_path: Path
) -> None:
    run = Run(tmp_path / "run", demo_file, ("--task-model", model)).start()
    assert run.wait(60) == 2
    assert says in run.said()
