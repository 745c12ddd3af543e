"""The browser's libraries are those of the manifest, byte by byte, and their licences are told."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def check(root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(root / ".ci" / "vendor.py"), "--check"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "static" / "vendor", tmp_path / "static" / "vendor")
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "vendor.py", tmp_path / ".ci")
    return tmp_path


def test_the_files_are_what_the_manifest_says() -> None:
    assert check(ROOT).returncode == 0


def test_a_changed_a_missing_and_an_unknown_file_are_found(copy: Path) -> None:
    vendor = copy / "static" / "vendor"
    with (vendor / "htmx" / "htmx.min.js").open("a") as file:
        file.write(" ")
    (vendor / "swagger-ui" / "NOTICE").unlink()
    (vendor / "stranger.js").write_text("")
    found = check(copy)
    assert found.returncode == 1
    assert found.stdout.split("\n")[:3] == [
        "htmx/htmx.min.js: changed",
        "stranger.js: not in the manifest",
        "swagger-ui/NOTICE: missing",
    ]


def test_every_package_is_named_with_its_licence() -> None:
    notices = (ROOT / "THIRD_PARTY.md").read_text()
    packages = json.loads((ROOT / "static" / "vendor" / "manifest.json").read_text())["packages"]
    assert len(packages) == 2
    for package in packages:
        assert f"## {package['package']} {package['version']} ({package['licence']})" in notices
        for name in package["licences"]:
            assert (ROOT / "static" / "vendor" / name).read_text().strip() in notices
