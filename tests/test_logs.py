"""What is logged: lines for people or JSON, with the names of what runs, and never a key."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from app.logs import configure, keep_short
from app.settings import Settings

SECRET = "sk-abcdef1234567890"


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def say_all() -> None:
    with structlog.contextvars.bound_contextvars(job="j1", campaign="c1"):
        structlog.get_logger("ours").info("bought", key=SECRET, nested={"list": [f"Bearer {SECRET}"]}, count=3)
        logging.getLogger("theirs").warning("refused %s", SECRET)
        try:
            raise ValueError(f"bad {SECRET}")
        except ValueError:
            logging.getLogger("theirs").exception("it broke")


def test_json_lines_hold_the_run_and_no_key_whoever_logs(capsys: pytest.CaptureFixture[str]) -> None:
    configure(Settings(log_format="json"))
    say_all()
    said = capsys.readouterr().err
    ours, theirs, broken = [json.loads(line) for line in said.splitlines()]
    assert (ours["event"], ours["job"], ours["campaign"], ours["count"]) == ("bought", "j1", "c1", 3)
    assert (theirs["event"], theirs["logger"], theirs["job"], theirs["level"]) == ("refused [key]", "theirs", "j1", "warning")  # fmt: skip
    assert "ValueError: bad [key]" in broken["exception"]
    assert SECRET not in said


def test_lines_for_people_hold_the_run_and_no_key(capsys: pytest.CaptureFixture[str]) -> None:
    configure(Settings())
    say_all()
    said = capsys.readouterr().err
    assert "bought" in said
    assert "campaign=c1" in said
    assert "Traceback" in said
    assert SECRET not in said


def test_what_is_below_the_level_is_not_said(capsys: pytest.CaptureFixture[str]) -> None:
    configure(Settings(log_level="WARNING"))
    structlog.get_logger("ours").info("bought")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("name", "value"), [("log_format", "yaml"), ("log_level", "loud")])
def test_a_level_or_format_that_is_none_is_refused(name: str, value: str) -> None:
    with pytest.raises(ValueError, match="must be one of"):
        Settings.model_validate({name: value})


def test_a_log_that_grew_is_moved_aside_while_its_writer_goes_on(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("logs") / "worker.log"
    with path.open("ab", buffering=0) as writer:
        writer.write(b"x" * 100)
        assert not keep_short(path, 100)
        assert keep_short(path, 99)
        writer.write(b"new")
    assert path.read_bytes() == b"new"
    assert path.with_name("worker.old.log").read_bytes() == b"x" * 100
