"""A process that answers blocks carries nothing that only drivers, pages and terminals need."""

import subprocess
import sys
from pathlib import Path

from app.supervisor import python_module

HEAVY = ("numpy", "scipy", "sklearn", "openai", "fastapi", "jinja2", "rich", "httpx2", "httpcore2", "prompt_toolkit")


def test_a_call_worker_imports_nothing_heavy() -> None:
    told = "import sys, worker.__main__, worker.tasks, app.services.blocks; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True, timeout=120)
    loaded = set(done.stdout.split())
    assert "aiohttp" in loaded
    assert not loaded & set(HEAVY)


def test_children_run_our_modules_and_not_what_lies_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "worker.py").write_text("raise SystemExit('somebody else')", encoding="utf-8")
    done = subprocess.run(python_module("worker", "--help"), cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert "One pool of worker processes" in done.stdout
