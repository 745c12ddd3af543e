"""Where a file cannot be written, the option is told before anything is done."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from app.cli.outputs import writable
from app.demo.labelled import DEMO_FILE
from app.errors import Invalid
from tests.flows.test_command import agon

NOBODY = 65534


@contextmanager
def without_privileges() -> Iterator[None]:
    """As somebody whom permissions bind: root may write everywhere."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(before)


def refused(path: Path) -> str:
    with pytest.raises(Invalid) as told:
        writable(path, "--json")
    return str(told.value)


def test_each_reason_is_told_apart_and_names_the_option(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    assert refused(tmp_path) == f"--json {tmp_path}: is a folder; name a file in it"
    assert "its folder does not exist" in refused(tmp_path / "nowhere" / "out.json")
    assert "notes.txt is a file, not a folder" in refused(tmp_path / "notes.txt" / "out.json")
    assert "cannot be written (File name too long)" in refused(tmp_path / ("x" * 300))
    assert [one.name for one in tmp_path.iterdir()] == ["notes.txt"]


def test_what_permissions_forbid_is_told() -> None:
    with TemporaryDirectory() as name:
        folder, file = Path(name), Path(name, "out.json")
        file.write_text("mine", encoding="utf-8")
        file.chmod(0o444)
        folder.chmod(0o555)
        with without_privileges():
            assert refused(file) == f"--json {file}: cannot be written (Permission denied); name another file"
            assert "cannot be written (Permission denied)" in refused(folder / "new.json")
        folder.chmod(0o755)


def test_asking_changes_nothing(tmp_path: Path) -> None:
    old, link = tmp_path / "old.json", tmp_path / "link.json"
    old.write_text("mine", encoding="utf-8")
    link.symlink_to(tmp_path / "later.json")
    for path in (old, link, tmp_path / "new.json", Path(os.devnull), None):
        writable(path, "--json")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["link.json", "old.json"]
    assert old.read_text(encoding="utf-8") == "mine"


def test_a_disk_that_is_full_is_told_without_a_trace(tmp_path: Path) -> None:
    done = agon("splits", str(DEMO_FILE), "--json", "/dev/full", folder=tmp_path)
    assert (done.returncode, done.stderr) == (2, "--json /dev/full: cannot be written (No space left on device)\n")


@pytest.mark.parametrize(
    "command",
    [
        ("evaluate", str(DEMO_FILE), "--json"),
        ("improve", str(DEMO_FILE), "--json"),
        ("compare", "aaaa", "bbbb", "--json"),
        ("compare", "aaaa", "bbbb", "--csv"),
        ("report", "aaaa", "--out"),
        ("splits", str(DEMO_FILE), "--json"),
    ],
)
def test_every_command_that_writes_a_file_tells_it_first(command: tuple[str, ...], tmp_path: Path) -> None:
    done = agon(*command, ".", folder=tmp_path)
    assert (done.returncode, done.stderr) == (2, f"{command[-1]} .: is a folder; name a file in it\n")
    assert not (tmp_path / "data" / "agon.sqlite3").exists()
